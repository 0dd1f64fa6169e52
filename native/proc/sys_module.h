// What /sys/module says about a module.
#pragma once

#include <string>
#include <vector>

#include "../common/failure.h"

namespace kmod {

struct SysModule {
  // The inode of /sys/module/NAME, "" where it is not there. It identifies one stay in the kernel:
  // a module that went and came back has another.
  std::string identity;
  // "live", "coming" or "going"; "" for a built-in, whose folder has no such file.
  std::string initstate;
};

// In the order of `names`; `folder` is /sys/module. Names are single path components.
Result<std::vector<SysModule>> ReadSysModules(const std::string& folder,
                                              const std::vector<std::string>& names);

}  // namespace kmod
