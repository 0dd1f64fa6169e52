// Traces the references to one module in a tracefs instance of its own, so that other tracing on
// the machine is not disturbed.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "../common/handles.h"
#include "../common/result.h"
#include "tracing_instance.h"

namespace kmod {

class ReferenceTracing {
 public:
  // Fails with ENOENT if there is no tracefs, or if it lacks the events.
  static Result<ReferenceTracing> Open(const std::string& module);

  ReferenceTracing(ReferenceTracing&&) noexcept = default;
  ReferenceTracing& operator=(ReferenceTracing&&) = delete;
  ~ReferenceTracing();

  // The descriptor of trace_pipe, for poll; it is non-blocking.
  int fd() const { return pipe_.get(); }
  // The text since the last call; "" if there is none.
  Result<std::string> Read() const;

 private:
  explicit ReferenceTracing(TracingInstance instance) : instance_(std::move(instance)) {}
  Result<> SetUp(const std::string& module);

  TracingInstance instance_;
  UniqueFd pipe_;  // after it: the instance cannot be removed while the pipe is open
};

// The event filter that selects this module; nullopt for a name that a filter cannot contain.
std::optional<std::string> ModuleFilter(const std::string& module);

}  // namespace kmod
