#include "tracing.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace kmod {
namespace {

constexpr const char* kEvents[] = {"module_get", "module_put"};

// A new instance inherits the trace options of the whole machine, so the options that the format of
// the lines depends on are set. record-cmd and record-tgid act on all instances and are left alone.
constexpr const char* kOptions[] = {"context-info", "irq-info",     "nolatency-format",
                                    "noraw",        "nohex",        "nobin",
                                    "noverbose",    "nofields",     "nosym-offset",
                                    "nosym-addr",   "nostacktrace", "nouserstacktrace"};
// The size of each CPU's buffer, enough for some thousand unread events.
constexpr const char* kBufferKilobytes = "64";

// More than the kernel returns from one read.
constexpr size_t kPieceBytes = 64 * 1024;

}  // namespace

Result<ReferenceTracing> ReferenceTracing::Open(const std::string& module) {
  Result<TracingInstance> instance = TracingInstance::Create({kEvents[0], kEvents[1]});
  if (!instance.ok()) return instance.failure();
  ReferenceTracing tracing(*std::move(instance));
  if (const Result<> ready = tracing.SetUp(module); !ready.ok()) return ready.failure();
  return tracing;
}

Result<> ReferenceTracing::SetUp(const std::string& module) {
  const std::optional<std::string> filter = ModuleFilter(module);
  if (!filter) return SystemFailure(EINVAL, "write", module);
  // The options are set before the pipe is opened, because the open fixes its format. Older kernels
  // lack some of them.
  for (const char* option : kOptions) instance_.Write("trace_options", option).IgnoreFailure();
  const std::string pipe = instance_.folder() + "/trace_pipe";
  pipe_.reset(open(pipe.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!pipe_) return SystemFailure(errno, "open", pipe);
  // If this fails, the default size remains, which only takes more memory.
  instance_.Write("buffer_size_kb", kBufferKilobytes).IgnoreFailure();
  // CLOCK_MONOTONIC, from which the time of day can be computed.
  if (auto set = instance_.Write("trace_clock", "mono"); !set.ok()) return set;
  for (const char* event : kEvents) {
    const std::string file = "events/module/" + std::string(event) + "/filter";
    if (auto set = instance_.Write(file, *filter); !set.ok()) return set;
  }
  for (const char* event : kEvents) {
    const std::string file = "events/module/" + std::string(event) + "/enable";
    if (auto set = instance_.Write(file, "1"); !set.ok()) return set;
  }
  return Ok();
}

Result<std::string> ReferenceTracing::Read() const {
  std::string text(kPieceBytes, '\0');
  const ssize_t got = read(pipe_.get(), text.data(), text.size());
  if (got < 0 && errno != EAGAIN && errno != EINTR) {
    return SystemFailure(errno, "read", instance_.folder() + "/trace_pipe");
  }
  text.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
  return text;
}

ReferenceTracing::~ReferenceTracing() {
  if (!pipe_) return;
  // The removal of the instance disables the events, too; until then they would only fill its
  // buffer.
  for (const char* event : kEvents) {
    instance_.Write("events/module/" + std::string(event) + "/enable", "0").IgnoreFailure();
  }
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
