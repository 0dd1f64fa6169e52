#include "tracing.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "processes.h"
#include "text_file.h"

namespace kmod {
namespace {

constexpr const char* kPlaces[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};
constexpr long kTracefsMagic = 0x74726163;
constexpr std::string_view kPrefix = "node-kmod-";
constexpr const char* kEvents[] = {"module_get", "module_put"};

// A new instance inherits the trace options of the whole machine, so the options that the format of
// the lines depends on are set. record-cmd and record-tgid act on all instances and are left alone.
constexpr const char* kOptions[] = {"context-info", "irq-info",     "nolatency-format",
                                    "noraw",        "nohex",        "nobin",
                                    "noverbose",    "nofields",     "nosym-offset",
                                    "nosym-addr",   "nostacktrace", "nouserstacktrace"};
// The size of each CPU's buffer, enough for some thousand unread events.
constexpr const char* kBufferKilobytes = "64";

constexpr int kRemovalTries = 50;
constexpr useconds_t kRemovalPause = 10'000;

constexpr size_t kStatLimit = 64 * 1024;
// More than the kernel returns from one read.
constexpr size_t kPieceBytes = 64 * 1024;

Result<> Write(const std::string& path, std::string_view text) {
  const UniqueFd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return SystemFailure(errno, "open", path);
  ssize_t written = 0;
  do {
    written = write(fd.get(), text.data(), text.size());
  } while (written < 0 && errno == EINTR);
  if (written < 0) return SystemFailure(errno, "write", path);
  return Ok();
}

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

Result<ReferenceTracing> ReferenceTracing::Open(const std::string& module) {
  const Result<std::string> tracefs = FindTracefs();
  if (!tracefs.ok()) return tracefs.failure();
  for (const char* event : kEvents) {
    const std::string path = *tracefs + "/events/module/" + event;
    if (access(path.c_str(), F_OK) != 0) return SystemFailure(errno, "access", path);
  }
  const Result<InstanceOwner> self = Self();
  if (!self.ok()) return self.failure();

  const std::string instances = *tracefs + "/instances/";
  RemoveAbandoned(instances, *self);
  const std::string folder = instances + InstanceName(*self);
  if (mkdir(folder.c_str(), 0700) != 0) return SystemFailure(errno, "mkdir", folder);
  ReferenceTracing tracing(folder);
  if (const Result<> ready = tracing.SetUp(module); !ready.ok()) return ready.failure();
  return tracing;
}

Result<> ReferenceTracing::SetUp(const std::string& module) {
  const std::optional<std::string> filter = ModuleFilter(module);
  if (!filter) return SystemFailure(EINVAL, "write", module);
  // The options are set before the pipe is opened, because the open fixes its format. Older kernels
  // lack some of them.
  for (const char* option : kOptions) Write(folder_ + "/trace_options", option).IgnoreFailure();
  const std::string pipe = folder_ + "/trace_pipe";
  pipe_.reset(open(pipe.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!pipe_) return SystemFailure(errno, "open", pipe);
  // If this fails, the default size remains, which only takes more memory.
  Write(folder_ + "/buffer_size_kb", kBufferKilobytes).IgnoreFailure();
  // CLOCK_MONOTONIC, from which the time of day can be computed.
  if (auto set = Write(folder_ + "/trace_clock", "mono"); !set.ok()) return set;
  const std::string events = folder_ + "/events/module/";
  for (const char* event : kEvents) {
    if (auto set = Write(events + event + "/filter", *filter); !set.ok()) return set;
  }
  for (const char* event : kEvents) {
    if (auto set = Write(events + event + "/enable", "1"); !set.ok()) return set;
  }
  return Ok();
}

Result<std::string> ReferenceTracing::Read() const {
  std::string text(kPieceBytes, '\0');
  const ssize_t got = read(pipe_.get(), text.data(), text.size());
  if (got < 0 && errno != EAGAIN && errno != EINTR) {
    return SystemFailure(errno, "read", folder_ + "/trace_pipe");
  }
  text.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
  return text;
}

ReferenceTracing::~ReferenceTracing() {
  if (folder_.empty()) return;
  // The removal of the instance disables the events, too; until then they would only fill its
  // buffer.
  for (const char* event : kEvents) {
    Write(folder_ + "/events/module/" + event + "/enable", "0").IgnoreFailure();
  }
  pipe_.reset();  // the instance cannot be removed while the pipe is open
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

std::optional<std::string> ModuleFilter(const std::string& module) {
  const bool plain =
      !module.empty() && std::all_of(module.begin(), module.end(), [](unsigned char c) {
        return c > ' ' && c < 0x7f && c != '"' && c != '\'' && c != '\\';
      });
  if (!plain) return std::nullopt;
  return "name == \"" + module + "\"";
}

}  // namespace kmod
