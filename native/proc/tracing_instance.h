// An instance of tracefs of its own, so that other tracing on the machine is not disturbed.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../common/result.h"
#include "proc_text.h"

namespace kmod {

class TracingInstance {
 public:
  // Looks for tracefs at its usual mount points, and mounts nothing. First removes the instances
  // that earlier processes of this program left behind when they were killed. Fails with ENOENT if
  // there is no tracefs, or if it lacks one of these events of modules.
  static Result<TracingInstance> Create(const std::vector<std::string>& events);

  TracingInstance(TracingInstance&& other) noexcept : folder_(std::exchange(other.folder_, {})) {}
  TracingInstance& operator=(TracingInstance&&) = delete;
  // Removes the instance. If another process has a file of it open, the next Create() removes it.
  ~TracingInstance();

  const std::string& folder() const { return folder_; }
  // Writes a file of the instance.
  Result<> Write(const std::string& file, std::string_view text) const;

 private:
  explicit TracingInstance(std::string folder) : folder_(std::move(folder)) {}

  std::string folder_;  // empty after a move
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

}  // namespace kmod
