// The helper's role "survey": what runs on the modules, as raw facts. A process of its own, because
// it goes into other network namespaces, and because a process that hangs can keep whoever looks at
// its memory map waiting.
#pragma once

namespace kmod {

// Serves until the socket closes; returns the process's exit status.
int ServeSurvey(int socket);

}  // namespace kmod
