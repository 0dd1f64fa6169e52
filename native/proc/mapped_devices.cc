#include "mapped_devices.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>
#include <utility>

#include "proc_text.h"
#include "processes.h"
#include "text_file.h"

namespace kmod {
namespace {

constexpr size_t kMapsLimit = 16 * 1024 * 1024;      // of one process
constexpr size_t kAllMapsLimit = 256 * 1024 * 1024;  // takes about a second
constexpr int kFilesLimit = 300'000;                 // each takes about 2 microseconds
constexpr int kPatience = 2000;                      // milliseconds for one process
constexpr int kStuckLimit = 2;

// What the child writes, followed by `length` bytes of a path.
struct Record {
  enum Kind : unsigned { kBegin, kUnread, kChar, kBlock } kind;
  pid_t pid;
  unsigned major;
  unsigned minor;
  unsigned length;
};

// By its path alone. Shared memory is in /dev/shm, or is shown as /dev/zero.
bool MayBeDevice(std::string_view path) {
  constexpr std::string_view kShared = "/dev/shm/";
  constexpr std::string_view kZero = "/dev/zero";
  return path.find("/dev/") != std::string_view::npos &&
         path.substr(0, kShared.size()) != kShared && path.substr(0, kZero.size()) != kZero;
}

// Runs in the child.
class MapsReader {
 public:
  explicit MapsReader(int output) : output_(output) {}

  void Read(pid_t pid) {
    Write({Record::kBegin, pid, 0, 0, 0}, {});
    if (ReadMaps(pid)) return;
    Write({Record::kUnread, pid, 0, 0, 0}, {});
  }

 private:
  // Returns false if devices may be missing.
  bool ReadMaps(pid_t pid) {
    if (bytes_left_ == 0) return false;
    const size_t limit = std::min(kMapsLimit, bytes_left_);
    const Result<std::string> maps = ReadTextFile(ProcPath(pid, "maps"), limit);
    if (!maps.ok()) {
      if (HasEnded(maps.failure())) return true;
      if (maps.failure().kind == FailureKind::kFormat) bytes_left_ -= limit;
      return false;
    }
    bytes_left_ -= std::min(bytes_left_, maps->size());
    const UniqueFd folder(
        open(ProcPath(pid, "map_files").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    std::set<std::pair<std::string_view, uint64_t>> seen;
    bool complete = true;
    for (const Mapping& mapping : ParseMappings(*maps)) {
      // Each file of the process once.
      if (!seen.emplace(mapping.file_system, mapping.inode).second) continue;
      complete = LookAt(pid, folder.get(), mapping) && complete;
    }
    return complete;
  }

  bool LookAt(pid_t pid, int folder, const Mapping& mapping) {
    const auto key = std::make_pair(std::string(mapping.file_system), mapping.inode);
    auto known = known_.find(key);
    if (known == known_.end()) {
      if (files_left_ == 0) return false;
      --files_left_;
      const Result<FileStatus> status = StatusOf(folder, std::string(mapping.range).c_str());
      if (!status.ok()) {
        if (HasEnded(status.failure())) return true;
        // Without CAP_SYS_ADMIN the kernel does not follow the links in map_files.
        return !MayBeDevice(mapping.path);
      }
      known = known_.emplace(key, *status).first;
    }
    const FileStatus& status = known->second;
    const unsigned type = status.mode & S_IFMT;
    if (type != S_IFCHR && type != S_IFBLK) return true;
    if (!MayBelongToModule(type == S_IFBLK, status.device)) return true;
    Write({type == S_IFBLK ? Record::kBlock : Record::kChar, pid, status.device.first,
           status.device.second, static_cast<unsigned>(mapping.path.size())},
          mapping.path);
    return true;
  }

  void Write(const Record& record, std::string_view path) {
    std::string bytes(reinterpret_cast<const char*>(&record), sizeof(record));
    bytes.append(path);
    const char* at = bytes.data();
    size_t left = bytes.size();
    while (left > 0) {
      const ssize_t written = write(output_, at, left);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) _exit(1);
      at += written;
      left -= static_cast<size_t>(written);
    }
  }

  int output_;
  size_t bytes_left_ = kAllMapsLimit;
  int files_left_ = kFilesLimit;
  // The files that were looked at, by file system and inode, as maps shows them.
  std::map<std::pair<std::string, uint64_t>, FileStatus> known_;
};

}  // namespace

MappedDeviceReader::MappedDeviceReader(std::vector<pid_t> pids) : pids_(std::move(pids)) {
  Start();
}

MappedDeviceReader::~MappedDeviceReader() {
  Stop();
}

void MappedDeviceReader::Start() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return;
  output_.reset(ends[0]);
  UniqueFd input(ends[1]);
  const pid_t parent = getpid();
  child_ = fork();
  if (child_ != 0) return;
  // If the helper is killed, nobody else would end this process.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  MapsReader reader(input.get());
  for (size_t i = next_; i < pids_.size(); ++i) reader.Read(pids_[i]);
  _exit(0);
}

void MappedDeviceReader::Stop() {
  if (child_ <= 0) return;
  kill(child_, SIGKILL);
  while (waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
  }
  child_ = -1;
}

MappedDevices MappedDeviceReader::Finish() {
  MappedDevices found;
  for (int stuck = 0; child_ > 0 && !ReadUntilEnd(&found);) {
    Stop();
    ++found.unread;
    if (++stuck < kStuckLimit) Start();
  }
  Stop();
  found.unread += static_cast<int>(pids_.size() - next_);
  return found;
}

bool MappedDeviceReader::ReadUntilEnd(MappedDevices* found) {
  std::string buffer;
  char piece[16 * 1024];
  for (;;) {
    pollfd waiting = {output_.get(), POLLIN, 0};
    const int ready = poll(&waiting, 1, kPatience);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    const ssize_t got = read(output_.get(), piece, sizeof(piece));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return true;
    buffer.append(piece, static_cast<size_t>(got));
    TakeRecords(&buffer, found);
  }
}

void MappedDeviceReader::TakeRecords(std::string* buffer, MappedDevices* found) {
  size_t at = 0;
  while (buffer->size() - at >= sizeof(Record)) {
    Record record;
    memcpy(&record, buffer->data() + at, sizeof(record));
    if (buffer->size() - at - sizeof(record) < record.length) break;
    std::string path = buffer->substr(at + sizeof(record), record.length);
    at += sizeof(record) + record.length;
    if (record.kind == Record::kBegin) {
      ++next_;
    } else if (record.kind == Record::kUnread) {
      ++found->unread;
    } else {
      const FileKind kind = record.kind == Record::kBlock ? FileKind::kBlock : FileKind::kChar;
      found->devices.push_back(
          {record.pid, {std::nullopt, std::move(path), kind, {record.major, record.minor}}});
    }
  }
  buffer->erase(0, at);
}

}  // namespace kmod
