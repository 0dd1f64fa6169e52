// The events that the kernel sends when a module is loaded or unloaded.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "../common/handles.h"
#include "../common/result.h"

namespace kmod {

// A non-blocking socket with the events from now on. Fails with EOPNOTSUPP in a network namespace
// that belongs to another user namespace than the first one: the kernel sends no events there.
Result<UniqueFd> OpenModuleEvents();

struct ModuleEvent {
  bool load = false;  // else unload
  std::string module;
  unsigned long long number = 0;  // SEQNUM
};

// Parses an event of the kernel about an object in /sys: "ACTION@PATH", then "KEY=value", each
// ended by a NUL. nullopt if it is about something else, or if a program asked the kernel to send
// it again (by writing to the object's file `uevent`).
std::optional<ModuleEvent> ParseModuleEvent(std::string_view event);

}  // namespace kmod
