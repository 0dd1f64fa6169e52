// Sets a parameter of a loaded module.
#pragma once

#include <string>

#include "../common/result.h"

namespace kmod {

// Writes /sys/module/MODULE/parameters/PARAMETER. The module's own code may run, and take any time.
// Fails with EACCES or EPERM for a parameter that cannot be written, and with EINVAL for a name
// with a slash.
Result<> SetModuleParameter(const std::string& module, const std::string& parameter,
                            const std::string& value);

}  // namespace kmod
