// The helper of node-kmod: the only program that loads libkmod, and the only one that asks the
// kernel to remove or insert a module. It is a program of its own because
//   - the init or exit function of a module can stay inside the kernel for ever, and then the
//     process that called it cannot be killed;
//   - libkmod is not thread safe, prints to stderr, and ends its process (by an assertion, or a
//     read past the end of a mapping) on a damaged module file.
// It has one thread. It exchanges messages (../process/wire.h) on a socket, and ends when the other
// end closes.

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
#include <utility>
#include <vector>

#include "../common/handles.h"
#include "../process/helper_process.h"
#include "roles.h"

namespace {

struct Role {
  const char* name;
  const char* process_name;
  int (*serve)(kmod::RequestChannel channel);
};

int ServeInherited(kmod::RequestChannel channel) {
  return kmod::ServeWatch(std::move(channel), kmod::kHelperInherited);
}

constexpr Role kRoles[] = {
    {"queries", "kmod-queries", kmod::ServeQueries}, {"files", "kmod-files", kmod::ServeFiles},
    {"changes", "kmod-changes", kmod::ServeChanges}, {"survey", "kmod-survey", kmod::ServeSurvey},
    {"events", "kmod-events", kmod::ServeEvents},    {"trace", "kmod-trace", kmod::ServeTrace},
    {"watch", "kmod-watch", ServeInherited}};

const Role* FindRole(const char* name) {
  for (const Role& role : kRoles) {
    if (strcmp(role.name, name) == 0) return &role;
  }
  return nullptr;
}

// Descriptors of the Node process that were not close-on-exec must not stay open here.
void CloseOthers(int first) {
  // Not SYS_close_range, which the C library of the prebuilt binaries (2.31) does not know.
#ifdef __NR_close_range
  if (syscall(__NR_close_range, first, ~0U, 0) == 0) return;
#endif
  // Before Linux 5.9. Not all numbers up to the limit, which can be a million or more.
  const kmod::UniqueDir folder(opendir("/proc/self/fd"));
  if (!folder) return;
  std::vector<int> others;
  while (const dirent* entry = readdir(folder.get())) {
    const auto fd = static_cast<int>(strtol(entry->d_name, nullptr, 10));
    if (fd >= first && fd != dirfd(folder.get())) others.push_back(fd);
  }
  for (const int fd : others) close(fd);
}

bool IsSocket(int fd) {
  struct stat status = {};
  return fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
}

}  // namespace

int main(int count, char** arguments) {
  const Role* role = FindRole(count == 2 ? arguments[1] : "");
  if (role == nullptr || !IsSocket(kmod::kHelperSocket)) {
    fputs("This program is a part of node-kmod, which starts it; it cannot be used on its own.\n",
          stderr);
    return EX_USAGE;
  }
  CloseOthers(kmod::kHelperInherited + (role->serve == ServeInherited ? 1 : 0));
  // Not for the commands that the role `changes` runs.
  fcntl(kmod::kHelperParentPipe, F_SETFD, FD_CLOEXEC);
  if (chdir("/") != 0) return EX_OSERR;
  prctl(PR_SET_NAME, role->process_name);
  return role->serve(kmod::RequestChannel(kmod::kHelperSocket));
}
