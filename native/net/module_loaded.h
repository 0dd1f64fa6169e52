// Tells whether a module is in the kernel. A request to a subsystem that is not loaded would load
// it, so this is asked before every such request.
#pragma once

#include <unistd.h>

#include <string>

namespace kmod {

// For a module, also while it is being loaded or unloaded. A built-in has a folder in /sys/module
// only if it has parameters or a version.
inline bool IsModuleLoaded(const std::string& name) {
  return access(("/sys/module/" + name).c_str(), F_OK) == 0;
}

}  // namespace kmod
