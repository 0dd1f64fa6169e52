// The role "events" of the helper: reports changes that may end a wait.
// lib/live/helper/events.ts is the other end.
#pragma once

namespace kmod {

// Serves until the socket closes; returns the exit status of the process.
int ServeEvents(int socket);

}  // namespace kmod
