// Starts the helper executable.
#pragma once

#include <sys/types.h>

#include <string>

#include "../common/handles.h"
#include "../common/result.h"

namespace kmod {

struct HelperProcess {
  pid_t pid;
  UniqueFd socket;  // this end of a stream socket pair; close-on-exec
};

// Starts `path` with `role` as its argument and one end of a socket pair as descriptor 3. It
// inherits nothing else: /dev/null on 0 to 2 (a reader of this process's output must see the end of
// it while the helper still lives), a session of its own, default signals. Takes as long as an
// exec, so call it off the event loop.
Result<HelperProcess> SpawnHelper(const std::string& path, const std::string& role);

// Waits for the helpers of this process that have ended; never blocks.
void ReapHelpers();

}  // namespace kmod
