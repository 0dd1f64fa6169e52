// The role "trace" of the helper: reports who takes and drops references to one module.
// lib/live/helper/trace.ts is the other end.
#pragma once

namespace kmod {

// Serves until the socket closes or a signal (SIGTERM, SIGINT, SIGHUP) arrives, and removes the
// tracing instance. Returns the exit status of the process.
int ServeTrace(int socket);

}  // namespace kmod
