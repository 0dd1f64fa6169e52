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

// Answers for each path, in one or more messages.
void AnswerPaths(const Channel& channel, uint32_t id, const std::vector<std::string>& paths,
                 const PutAnswer& put) {
  Reply reply("part");
  size_t size = 0;
  const auto send = [&] {
    SendReply(channel, id, std::exchange(reply, Reply("part")));
    size = 0;
  };
  for (const std::string& path : paths) {
    if (size > 0 && CanBlock(path)) send();
    // 1: there is an answer to send, also if it is empty.
    size += put(&reply, path) + 1;
    if (size >= kPartSize) send();
  }
  send();
  SendReply(channel, id, Reply::Done());
}

PutAnswer FindPut(const std::string& verb) {
  if (verb == "texts") return PutText;
  if (verb == "bytes") return PutBytes;
  if (verb == "links") return PutLink;
  if (verb == "names") return PutNames;
  if (verb == "statuses") return PutStatus;
  return nullptr;
}

Reply AnswerTable(const std::string& path) {
  const Result<LoadedTable> table = ReadLoadedTable(path);
  if (!table.ok()) return Reply::Of(table.failure());
  Reply reply = Reply::Done();
  reply.Put(table->text);
  return reply;
}

// The requests, and the answers for each path:
//   texts PATHS | bytes PATHS | links PATHS   an optional text
//   names PATHS                               a list, empty if it is not a folder
//   statuses PATHS                            a flag, and if there is a file: KIND INODE
// These are in the messages `part`, before a last message `done`.
//   table PATH                                done TEXT
void Answer(const Channel& channel, const Message& message) {
  Request request(message.strings);
  const PutAnswer put = FindPut(request.verb());
  if (put) {
    const std::vector<std::string> paths = request.List();
    if (request.Check().ok()) return AnswerPaths(channel, message.id, paths, put);
  } else if (request.verb() == "table") {
    const std::string path = request.Text();
    if (request.Check().ok()) return SendReply(channel, message.id, AnswerTable(path));
  }
  SendReply(channel, message.id, Reply::Of(request.Malformed()));
}

}  // namespace

int ServeFiles(RequestChannel channel) {
  // For files of /proc and /sys that only root can read, and for the kernel stacks of processes.
  KeepCapabilities({CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH, CAP_SYS_ADMIN});
  return TakeRequests(std::move(channel), Answer);
}

}  // namespace kmod
