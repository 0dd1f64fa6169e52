// The helper's role "trace": tells who takes and drops references to one module.
#pragma once

namespace kmod {

// Serves until the socket closes or SIGTERM comes; returns the process's exit status. The tracing
// is undone by then.
int ServeTrace(int socket);

}  // namespace kmod
