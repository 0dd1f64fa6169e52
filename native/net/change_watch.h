// Waiting for what may change which modules are in use.
#pragma once

#include <string_view>

#include "../common/failure.h"
#include "../common/handles.h"

namespace kmod {

// Tells that a module came or went, that a network interface of the own namespace changed, or that
// something was mounted or unmounted in the own namespace; not what.
class ChangeWatch {
 public:
  // Fails where none of the three can be watched.
  static Result<ChangeWatch> Open();

  // Waits. True: something changed. False: there is something to read from `socket`.
  bool Await(int socket) const;
  // Takes all that has been told so far. False: nothing of it was such a change.
  bool Drain() const;

 private:
  ChangeWatch() = default;

  UniqueFd modules_;
  UniqueFd links_;
  UniqueFd mounts_;
};

// A message of the kernel about an object in /sys ("ACTION@PATH", then "KEY=value", each ended by a
// NUL): is it about a module?
bool IsAboutModule(std::string_view event);

}  // namespace kmod
