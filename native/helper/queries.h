// The role "queries" of the helper: answers from module indexes, configuration and module files.
// lib/live/helper/queries.ts is the other end.
#pragma once

namespace kmod {

// Serves until the socket closes; returns the exit status of the process.
int ServeQueries(int socket);

}  // namespace kmod
