// Starting the helper executable.
#pragma once

#include <sys/types.h>

#include <string>

#include "../common/failure.h"

namespace kmod {

struct HelperProcess {
  pid_t pid;
  int socket;  // this end of a stream socket pair; close-on-exec; the receiver owns it
};

// Starts `path` with `role` as its argument and one end of a socket pair as descriptor 3. Nothing
// else is passed on: /dev/null on 0 to 2 (who reads this process's output must see its end even
// while the helper lives on), a session of its own, default signals. Takes as long as an exec; call
// it off the event loop.
Result<HelperProcess> SpawnHelper(const std::string& path, const std::string& role);

// Waits for those helpers of this process that have ended; never blocks.
void ReapHelpers();

}  // namespace kmod
