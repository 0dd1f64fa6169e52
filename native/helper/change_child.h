// The child process of the role "changes" that makes the change itself.
#pragma once

#include "../common/result.h"
#include "../libkmod/remove.h"

namespace kmod {

// Waits for a request on the socket, makes the change, and answers. After a removal it waits for
// another request; otherwise the process ends, because an insertion may leave memory allocated in
// libkmod. `remover` was opened by the parent, so that a removal takes only one system call.
[[noreturn]] void RunChangeChild(int socket, const Result<ModuleRemover>& remover);

}  // namespace kmod
