// The role "changes" of the helper: removes and inserts modules and runs commands of modprobe.d,
// each in a child process. change_messages.h has its messages.
#pragma once

namespace kmod {

// Serves until the socket closes; returns the exit status of the process. Children that are still
// inside the kernel then continue alone, and init waits for them.
int ServeChanges(int socket);

}  // namespace kmod
