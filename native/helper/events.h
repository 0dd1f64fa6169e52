// The helper's role "events": tells when something changed that may end a wait.
#pragma once

namespace kmod {

// Serves until the socket closes; returns the process's exit status.
int ServeEvents(int socket);

}  // namespace kmod
