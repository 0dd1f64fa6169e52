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

// Starts `path` with `role` as its argument and one end of a socket pair as descriptor 3. The
// helper gets /dev/null on 0 to 2 (so that a reader of this process's output reaches its end even
// if the helper still runs), a session of its own, and default signals. If `inherited` is not -1,
// the helper gets a copy of it as descriptor 4. Takes as long as an exec, so do not call it on the
// event loop.
Result<HelperProcess> SpawnHelper(const std::string& path, const std::string& role,
                                  int inherited = -1);

// Waits for the helpers of this process that have ended; never blocks.
void ReapHelpers();

}  // namespace kmod
