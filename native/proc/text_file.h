// Reads a whole file or symbolic link of /proc, /sys or a captured system.
#pragma once

#include <cstddef>
#include <string>

#include "../common/result.h"

namespace kmod {

// Reads `path` to its end. A directory is an EISDIR failure. Anything else but a regular file (a
// device, a FIFO) is a kFormat failure, because reading it might never end; so is a file longer
// than `limit`. In /proc and /sys, ENODEV or ENOENT from read(2) means that the object was removed
// after the open.
Result<std::string> ReadTextFile(const std::string& path, size_t limit);

// The rest of an open regular file; `what` names it in a failure.
Result<std::string> ReadToEnd(int fd, const std::string& what, size_t limit);

// The target of a symbolic link of any length, as readlink(2) returns it.
Result<std::string> ReadLinkTarget(const std::string& path);
// The same for a link in a folder that is open.
Result<std::string> ReadLinkTarget(int folder, const char* name);

}  // namespace kmod
