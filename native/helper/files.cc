#include <dirent.h>
#include <linux/capability.h>
#include <sys/stat.h>

#include <cerrno>
#include <functional>
#include <optional>
#include <utility>

#include "../common/handles.h"
#include "../proc/loaded_table.h"
#include "../proc/text_file.h"
#include "conversation.h"
#include "privileges.h"
#include "roles.h"

namespace kmod {
namespace {

constexpr size_t kFileLimit = 16 * 1024 * 1024;

// Bytes of answers that are collected before they are sent.
constexpr size_t kPartSize = 64 * 1024;

// Puts the answer for one path into a reply. Returns about how many bytes that are.
using PutAnswer = std::function<size_t(Reply*, const std::string&)>;

size_t Put(Reply* reply, std::optional<std::string> text) {
  const size_t size = text ? text->size() : 0;
  reply->Put(text);
  return size;
}

std::optional<std::string> ValueIfAny(Result<std::string> result) {
  if (!result.ok()) return std::nullopt;
  return *std::move(result);
}

size_t PutText(Reply* reply, const std::string& path) {
  return Put(reply, ValueIfAny(ReadTextFile(path, kFileLimit)));
}

// Node.js decodes every string of a message as UTF-8. So each byte is sent as the character with
// its number.
size_t PutBytes(Reply* reply, const std::string& path) {
  const std::optional<std::string> bytes = ValueIfAny(ReadTextFile(path, kFileLimit));
  if (!bytes) return Put(reply, std::nullopt);
  std::string text;
  text.reserve(bytes->size() * 2);
  for (const char c : *bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      text.push_back(c);
    } else {
      text.push_back(static_cast<char>(0xc0 | (byte >> 6)));
      text.push_back(static_cast<char>(0x80 | (byte & 0x3f)));
    }
  }
  return Put(reply, std::move(text));
}

size_t PutLink(Reply* reply, const std::string& path) {
  return Put(reply, ValueIfAny(ReadLinkTarget(path)));
}

size_t PutNames(Reply* reply, const std::string& path) {
  std::vector<std::string> names;
  size_t size = 0;
  if (const UniqueDir folder(opendir(path.c_str())); folder) {
    while (const dirent* entry = readdir(folder.get())) {
      const std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      size += name.size();
      names.push_back(name);
    }
  }
  reply->Put(names);
  return size;
}

const char* KindOf(mode_t mode) {
  if (S_ISREG(mode)) return "file";
  return S_ISDIR(mode) ? "folder" : "other";
}

size_t PutStatus(Reply* reply, const std::string& path) {
  struct stat status = {};
  const bool exists = stat(path.c_str(), &status) == 0;
  reply->Put(exists);
  if (exists) {
    reply->Put(KindOf(status.st_mode));
    reply->Put(std::to_string(status.st_ino));
  }
  return 0;
}

// Most files below /proc take a lock of the kernel that something else may hold for ever. If one of
// them does not return, the answers before it have been sent, and Node.js knows which one it is.
bool CanBlock(const std::string& path) {
  return path.rfind("/proc/", 0) == 0;
}

PutAnswer FindPut(const std::string& kind) {
  if (kind == "texts") return PutText;
  if (kind == "bytes") return PutBytes;
  if (kind == "links") return PutLink;
  if (kind == "names") return PutNames;
  if (kind == "statuses") return PutStatus;
  return nullptr;
}

// The answers to one request, in one or more messages.
class Answers {
 public:
  Answers(const Channel& channel, uint32_t id) : channel_(channel), id_(id) {}

  void Add(const std::string& path, const PutAnswer& put) {
    if (size_ > 0 && CanBlock(path)) Send();
    // 1: there is an answer to send, also if it is empty.
    size_ += put(&reply_, path) + 1;
    if (size_ >= kPartSize) Send();
  }

  void End() {
    reply_.SetKind("done");
    Send();
  }

 private:
  void Send() {
    SendReply(channel_, id_, std::exchange(reply_, Reply("part")));
    size_ = 0;
  }

  const Channel& channel_;
  uint32_t id_;
  Reply reply_ = Reply("part");
  size_t size_ = 0;
};

struct Group {
  PutAnswer put;
  std::vector<std::string> paths;
};

Reply AnswerTable(const std::string& path) {
  const Result<LoadedTable> table = ReadLoadedTable(path);
  if (!table.ok()) return Reply::Of(table.failure());
  Reply reply = Reply::Done();
  reply.Put(table->text);
  return reply;
}

// The requests:
//   read KIND PATHS [KIND PATHS]...   an answer for each path, which depends on the kind before it:
//       texts, bytes, links           an optional text
//       names                         a list, empty if it is not a folder
//       statuses                      a flag, and if there is a file: KIND INODE
//   table PATH                        done TEXT
// The answers to `read` are in any number of messages `part` and a last message `done`.
void Answer(const Channel& channel, const Message& message) {
  Request request(message.strings);
  if (request.verb() == "read") {
    std::vector<Group> groups;
    bool is_known = true;
    while (!request.AtEnd()) {
      PutAnswer put = FindPut(request.Text());
      is_known = is_known && put;
      groups.push_back({std::move(put), request.List()});
    }
    if (is_known && request.Check().ok()) {
      Answers answers(channel, message.id);
      for (const Group& group : groups) {
        for (const std::string& path : group.paths) answers.Add(path, group.put);
      }
      return answers.End();
    }
  } else if (request.verb() == "table") {
    const std::string path = request.Text();
    if (request.Check().ok()) return SendReply(channel, message.id, AnswerTable(path));
  }
  SendReply(channel, message.id, Reply::Of(request.Malformed()));
}

}  // namespace

int ServeFiles(RequestChannel channel) {
  // In this order: links and files of all processes (the first two), kernel stacks, and addresses
  // in files of the kernel. CAP_SYS_MODULE is not used here: preflight reads in /proc/self/status
  // of this process whether a helper has it.
  KeepCapabilities(
      {CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH, CAP_SYS_ADMIN, CAP_SYSLOG, CAP_SYS_MODULE});
  return TakeRequests(std::move(channel), Answer);
}

}  // namespace kmod
