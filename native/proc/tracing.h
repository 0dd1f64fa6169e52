// Traces the references to one module in a tracefs instance of its own, so that other tracing on
// the machine is not disturbed.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "../common/handles.h"
#include "../common/result.h"
#include "proc_text.h"

namespace kmod {

class ReferenceTracing {
 public:
  // Looks for tracefs at its usual mount points, and mounts nothing. First removes the instances
  // that earlier processes of this program left behind when they were killed. Fails with ENOENT if
  // there is no tracefs, or if it lacks the events.
  static Result<ReferenceTracing> Open(const std::string& module);

  ReferenceTracing(ReferenceTracing&& other) noexcept
      : folder_(std::exchange(other.folder_, {})), pipe_(std::move(other.pipe_)) {}
  ReferenceTracing& operator=(ReferenceTracing&&) = delete;
  // Removes the instance. If another process has a file of it open, the next Open() removes it.
  ~ReferenceTracing();

  // The descriptor of trace_pipe, for poll; it is non-blocking.
  int fd() const { return pipe_.get(); }
  // The text since the last call; "" if there is none.
  Result<std::string> Read() const;

 private:
  explicit ReferenceTracing(std::string folder) : folder_(std::move(folder)) {}
  Result<> SetUp(const std::string& module);

  std::string folder_;  // of the instance; empty after a move
  UniqueFd pipe_;
};

// The process that made an instance. A process number alone is not enough: the kernel reuses it,
// and it has another meaning in another PID namespace.
struct InstanceOwner {
  pid_t pid = 0;
  unsigned long long start_time = 0;     // in clock ticks since boot
  unsigned long long pid_namespace = 0;  // its inode
};
std::string InstanceName(const InstanceOwner& owner);
std::optional<InstanceOwner> ParseInstanceName(std::string_view name);

// Whether the owner still runs. `stat`: the content of /proc/PID/stat for the owner's process
// number.
bool IsOwner(const InstanceOwner& owner, const std::optional<ProcessStat>& stat);

// The event filter that selects this module; nullopt for a name that a filter cannot contain.
std::optional<std::string> ModuleFilter(const std::string& module);

}  // namespace kmod
