#include "tracing_instance.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "../common/handles.h"
#include "processes.h"
#include "text_file.h"

namespace kmod {
namespace {

constexpr const char* kPlaces[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};
constexpr long kTracefsMagic = 0x74726163;
constexpr std::string_view kPrefix = "node-kmod-";
constexpr int kRemovalTries = 50;
constexpr useconds_t kRemovalPause = 10'000;

constexpr size_t kStatLimit = 64 * 1024;

Result<std::string> FindTracefs() {
  Failure failure = SystemFailure(ENOENT, "statfs", kPlaces[0]);
  for (const char* place : kPlaces) {
    struct statfs status = {};
    if (statfs(place, &status) == 0) {
      if (status.f_type == kTracefsMagic) return std::string(place);
      continue;  // an empty folder: tracefs is not mounted there
    }
    if (errno != ENOENT) failure = SystemFailure(errno, "statfs", place);
  }
  return failure;
}

// nullopt if the process has ended.
std::optional<ProcessStat> ReadStat(pid_t pid) {
  const Result<std::string> text = ReadTextFile(ProcPath(pid, "stat"), kStatLimit);
  if (!text.ok()) return std::nullopt;
  return ParseProcessStat(*text);
}

Result<InstanceOwner> Self() {
  const char* kNamespace = "/proc/self/ns/pid";
  struct stat status = {};
  if (stat(kNamespace, &status) != 0) return SystemFailure(errno, "stat", kNamespace);
  const std::optional<ProcessStat> own = ReadStat(getpid());
  if (!own) return FormatFailure("/proc/self/stat cannot be read or has an unknown format");
  return InstanceOwner{getpid(), own->start_time, status.st_ino};
}

void RemoveAbandoned(const std::string& instances, const InstanceOwner& self) {
  const UniqueDir directory(opendir(instances.c_str()));
  if (!directory) return;
  while (const dirent* entry = readdir(directory.get())) {
    const std::optional<InstanceOwner> owner = ParseInstanceName(entry->d_name);
    if (!owner || owner->pid_namespace != self.pid_namespace) continue;
    if (IsOwner(*owner, ReadStat(owner->pid))) continue;
    // Fails with EBUSY, and changes nothing, if any process has a file of the instance open.
    rmdir((instances + entry->d_name).c_str());
  }
}

}  // namespace

Result<TracingInstance> TracingInstance::Create(const std::vector<std::string>& events) {
  const Result<std::string> tracefs = FindTracefs();
  if (!tracefs.ok()) return tracefs.failure();
  for (const std::string& event : events) {
    const std::string path = *tracefs + "/events/module/" + event;
    if (access(path.c_str(), F_OK) != 0) return SystemFailure(errno, "access", path);
  }
  const Result<InstanceOwner> self = Self();
  if (!self.ok()) return self.failure();
  const std::string instances = *tracefs + "/instances/";
  RemoveAbandoned(instances, *self);
  const std::string folder = instances + InstanceName(*self);
  if (mkdir(folder.c_str(), 0700) != 0) return SystemFailure(errno, "mkdir", folder);
  return TracingInstance(folder);
}

Result<> TracingInstance::Write(const std::string& file, std::string_view text) const {
  const std::string path = folder_ + "/" + file;
  const UniqueFd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return SystemFailure(errno, "open", path);
  ssize_t written = 0;
  do {
    written = write(fd.get(), text.data(), text.size());
  } while (written < 0 && errno == EINTR);
  if (written < 0) return SystemFailure(errno, "write", path);
  return Ok();
}

TracingInstance::~TracingInstance() {
  if (folder_.empty()) return;
  for (int tries = 0; tries < kRemovalTries; ++tries) {
    if (rmdir(folder_.c_str()) == 0 || errno != EBUSY) break;
    usleep(kRemovalPause);
  }
}

std::string InstanceName(const InstanceOwner& owner) {
  return std::string(kPrefix) + std::to_string(owner.pid) + "-" + std::to_string(owner.start_time) +
         "-" + std::to_string(owner.pid_namespace);
}

std::optional<InstanceOwner> ParseInstanceName(std::string_view name) {
  if (name.substr(0, kPrefix.size()) != kPrefix) return std::nullopt;
  const char* at = name.data() + kPrefix.size();
  const char* end = name.data() + name.size();
  InstanceOwner owner;
  const auto pid = std::from_chars(at, end, owner.pid);
  if (pid.ec != std::errc() || pid.ptr == end || *pid.ptr != '-') return std::nullopt;
  const auto start = std::from_chars(pid.ptr + 1, end, owner.start_time);
  if (start.ec != std::errc() || start.ptr == end || *start.ptr != '-') return std::nullopt;
  const auto space = std::from_chars(start.ptr + 1, end, owner.pid_namespace);
  if (space.ec != std::errc() || space.ptr != end || owner.pid <= 0) return std::nullopt;
  return owner;
}

bool IsOwner(const InstanceOwner& owner, const std::optional<ProcessStat>& stat) {
  // A zombie has closed all its files.
  return stat && stat->start_time == owner.start_time && stat->state != 'Z' && stat->state != 'X';
}

}  // namespace kmod
