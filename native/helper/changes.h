// The helper's role "changes": removes and inserts modules, each in a child process of its own.
#pragma once

namespace kmod {

// Serves until the socket closes; returns the process's exit status. Children that are still inside
// the kernel then live on alone, and init collects them.
int ServeChanges(int socket);

}  // namespace kmod
