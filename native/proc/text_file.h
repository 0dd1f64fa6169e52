// Reading a whole file or link of /proc, /sys or a captured system.
#pragma once

#include <cstddef>
#include <string>

#include "../common/failure.h"

namespace kmod {

// Reads `path` to its end. A path that is no regular file (a device, a FIFO put where a table
// should be) is refused instead of read for ever; one longer than `limit` is a format failure. A
// read(2) that fails with ENODEV or ENOENT means that the thing described went away: an ordinary
// failure.
Result<std::string> ReadTextFile(const char* path, size_t limit);

// The target of a symbolic link, however long, as it is written there.
Result<std::string> ReadLinkTarget(const char* path);

}  // namespace kmod
