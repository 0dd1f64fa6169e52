// Starts the helper executable.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "../common/handles.h"
#include "../common/result.h"

namespace kmod {

// The descriptors of a helper, besides /dev/null on 0 to 2.
constexpr int kHelperSocket = 3;
// The reading end of a pipe. Only the process that started the helper has the other end, and keeps
// it open for as long as both run.
constexpr int kHelperParentPipe = 4;
// Only the role `watch` gets it.
constexpr int kHelperInherited = 5;

struct HelperProcess {
  pid_t pid;
  UniqueFd socket;  // this end of a stream socket pair; close-on-exec
};

// Starts `path` with `role` as its argument and one end of a socket pair as kHelperSocket. The
// helper gets /dev/null on 0 to 2 (so that a reader of this process's output reaches its end even
// if the helper still runs), a session of its own, default signals, and a fixed environment. If
// `inherited` is not -1, the helper gets a copy of it. Takes as long as an exec, so do not call it
// on the event loop.
Result<HelperProcess> SpawnHelper(const std::string& path, const std::string& role,
                                  int inherited = -1);

// Waits for the helpers of this process that have ended; never blocks.
void ReapHelpers();

// Sends SIGKILL to a helper of this process. One that sleeps inside the kernel ends when that ends.
void KillHelper(pid_t pid);

bool IsHelperRunning(pid_t pid);

struct HelperEnd {
  pid_t pid;
  int signal;  // 0: it exited
};

// How a helper of this process ended, if it has ended and that is known.
std::optional<HelperEnd> EndOfHelper(pid_t pid);

}  // namespace kmod
