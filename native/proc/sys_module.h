// Reads the folders of modules in /sys/module.
#pragma once

#include <string>
#include <vector>

#include "../common/result.h"

namespace kmod {

struct SysModule {
  // The inode of /sys/module/NAME, "" if there is no such folder. A module that was removed and
  // loaded again has another inode.
  std::string identity;
  // "live", "coming" or "going"; "" for a built-in, whose folder has no such file.
  std::string initstate;
};

// In the order of `names`; `folder` is /sys/module. Each name is a single path component.
Result<std::vector<SysModule>> ReadSysModules(const std::string& folder,
                                              const std::vector<std::string>& names);

}  // namespace kmod
