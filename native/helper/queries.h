// The helper's role "queries": answers from module indexes, configuration and module files.
#pragma once

namespace kmod {

// Serves until the socket closes; returns the process's exit status.
int ServeQueries(int socket);

}  // namespace kmod
