// The helper of node-kmod: the only program that loads libkmod, and the only one that asks the
// kernel to remove or insert a module. It stands apart from the Node process because
//   - a module's init or exit function can stay inside the kernel for ever, unkillable, and takes
//     the process along that called it;
//   - libkmod is not thread safe, prints to stderr, and ends the process (assert, a read past the
//     end) on a damaged module file.
// It has one thread. It speaks on descriptor 3 (kernel/wire.h) and goes when that closes.

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "changes.h"
#include "queries.h"

namespace {

constexpr int kSocket = 3;

// Descriptors of the Node process that were not close-on-exec must not live on in here.
void CloseOthers() {
#ifdef SYS_close_range
  if (syscall(SYS_close_range, kSocket + 1, ~0U, 0) == 0) return;
#endif
  const long most = sysconf(_SC_OPEN_MAX);
  for (int fd = kSocket + 1; fd < (most > 0 ? most : 1024); ++fd) close(fd);
}

bool IsSocket(int fd) {
  struct stat status = {};
  return fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
}

}  // namespace

int main(int count, char** arguments) {
  const char* role = count == 2 ? arguments[1] : "";
  const bool changes = strcmp(role, "changes") == 0;
  if ((!changes && strcmp(role, "queries") != 0) || !IsSocket(kSocket)) {
    fputs("This program is a part of node-kmod, which starts it; it is of no use by itself.\n",
          stderr);
    return 64;
  }
  CloseOthers();
  if (chdir("/") != 0) return 71;
  prctl(PR_SET_NAME, changes ? "kmod-changes" : "kmod-queries");
  // libkmod would take its log level from here.
  unsetenv("KMOD_LOG");
  return changes ? kmod::ServeChanges(kSocket) : kmod::ServeQueries(kSocket);
}
