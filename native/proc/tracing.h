// Tracing the references to a module in an instance of tracefs of one's own, beside whatever else
// is traced on the machine.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "../common/failure.h"
#include "../common/handles.h"
#include "proc_text.h"

namespace kmod {

class ReferenceTracing {
 public:
  // Looks for tracefs where it belongs, and mounts nothing. First removes the instances that others
  // of this program left behind when they were killed. Fails with ENOENT where there is no tracefs,
  // or where that has no such events.
  static Result<ReferenceTracing> Open(const std::string& module);

  ReferenceTracing(ReferenceTracing&& other) noexcept
      : folder_(std::exchange(other.folder_, {})), pipe_(std::move(other.pipe_)) {}
  ReferenceTracing& operator=(ReferenceTracing&&) = delete;
  // Removes the instance. One that somebody else looks into just now may stay, for the next Open.
  ~ReferenceTracing();

  // Of trace_pipe, for poll; reading from it does not wait.
  int fd() const { return pipe_.get(); }
  // What has come; empty: nothing.
  Result<std::string> Read() const;

 private:
  explicit ReferenceTracing(std::string folder) : folder_(std::move(folder)) {}
  std::optional<Failure> SetUp(const std::string& module);

  std::string folder_;  // of the instance; empty: moved from
  UniqueFd pipe_;
};

// Whose an instance is. A process number alone may have been given out again, and means nothing in
// another PID namespace.
struct InstanceOwner {
  pid_t pid = 0;
  unsigned long long start_time = 0;     // in clock ticks since boot
  unsigned long long pid_namespace = 0;  // its inode
};
std::string InstanceName(const InstanceOwner& owner);
std::optional<InstanceOwner> ParseInstanceName(std::string_view name);

// Does the process of that number run, and is it the one? `stat`: its /proc/PID/stat.
bool IsOwner(const InstanceOwner& owner, const std::optional<ProcessStat>& stat);

// The filter that lets events of this module through; nothing for a name that it cannot hold.
std::optional<std::string> ModuleFilter(const std::string& module);

}  // namespace kmod
