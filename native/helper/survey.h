// The role "survey" of the helper: what runs on the modules. A process of its own, because it
// enters other network namespaces, and because a process that hangs can block a reader of its
// memory map. lib/live/helper/survey.ts is the other end.
#pragma once

namespace kmod {

// Serves until the socket closes; returns the exit status of the process.
int ServeSurvey(int socket);

}  // namespace kmod
