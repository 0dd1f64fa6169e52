// Waits for events that may change which modules are in use.
#pragma once

#include <string_view>

#include "../common/handles.h"
#include "../common/result.h"

namespace kmod {

// Reports that a module was loaded or removed, that a network interface of this network namespace
// changed, or that something was mounted or unmounted in this mount namespace. It does not report
// which of these happened.
class ChangeWatch {
 public:
  // Fails if none of the three can be watched.
  static Result<ChangeWatch> Open();

  enum class Event { kChange, kSocketReadable };
  // Blocks until something changes, or until `socket` can be read.
  Result<Event> Await(int socket) const;
  // Discards all queued events. Returns whether there were any.
  bool Drain() const;

 private:
  ChangeWatch() = default;

  UniqueFd modules_;
  UniqueFd links_;
  UniqueFd mounts_;
};

// Whether an event of the kernel about an object in /sys ("ACTION@PATH", then "KEY=value", each
// ended by a NUL) is about a module.
bool IsAboutModule(std::string_view event);

}  // namespace kmod
