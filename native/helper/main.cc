// The helper of node-kmod: the only program that loads libkmod, and the only one that asks the
// kernel to remove or insert a module. It is a program of its own because
//   - the init or exit function of a module can stay inside the kernel for ever, and then the
//     process that called it cannot be killed;
//   - libkmod is not thread safe, prints to stderr, and ends its process (by an assertion, or a
//     read past the end of a mapping) on a damaged module file.
// It has one thread. It exchanges messages (../process/wire.h) on descriptor 3, and ends when the
// other end closes.

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "roles.h"

namespace {

struct Role {
  const char* name;
  const char* process_name;
  int (*serve)(int socket);
};

constexpr int kSocket = 3;
// Only the role `watch` gets it.
constexpr int kInherited = 4;

int ServeInherited(int socket) {
  return kmod::ServeWatch(socket, kInherited);
}

constexpr Role kRoles[] = {{"queries", "kmod-queries", kmod::ServeQueries},
                           {"changes", "kmod-changes", kmod::ServeChanges},
                           {"survey", "kmod-survey", kmod::ServeSurvey},
                           {"events", "kmod-events", kmod::ServeEvents},
                           {"trace", "kmod-trace", kmod::ServeTrace},
                           {"watch", "kmod-watch", ServeInherited}};

const Role* FindRole(const char* name) {
  for (const Role& role : kRoles) {
    if (strcmp(role.name, name) == 0) return &role;
  }
  return nullptr;
}

// Descriptors of the Node process that were not close-on-exec must not stay open here.
void CloseOthers(int first) {
#ifdef SYS_close_range
  if (syscall(SYS_close_range, first, ~0U, 0) == 0) return;
#endif
  const long most = sysconf(_SC_OPEN_MAX);
  for (int fd = first; fd < (most > 0 ? most : 1024); ++fd) close(fd);
}

bool IsSocket(int fd) {
  struct stat status = {};
  return fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
}

}  // namespace

int main(int count, char** arguments) {
  const Role* role = FindRole(count == 2 ? arguments[1] : "");
  if (role == nullptr || !IsSocket(kSocket)) {
    fputs("This program is a part of node-kmod, which starts it; it cannot be used on its own.\n",
          stderr);
    return EX_USAGE;
  }
  CloseOthers(role->serve == ServeInherited ? kInherited + 1 : kSocket + 1);
  if (chdir("/") != 0) return EX_OSERR;
  prctl(PR_SET_NAME, role->process_name);
  // libkmod reads its log level from this variable.
  unsetenv("KMOD_LOG");
  return role->serve(kSocket);
}
