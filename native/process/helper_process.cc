#include "helper_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <vector>

#include "../common/handles.h"

extern char** environ;

namespace kmod {
namespace {

// The helpers that this process has started and not yet waited for. For the whole process, not for
// one Node environment: a helper ends after its environment has let go of the socket, so somebody
// else must collect it. Node collects only the children that it started itself.
struct Started {
  std::mutex mutex;
  std::vector<pid_t> helpers;
};

// Never destroyed: a thread may still be in here while the process runs its exit handlers.
Started& GetStarted() {
  static Started& started = *new Started;
  return started;
}

class SpawnSetup {
 public:
  SpawnSetup() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
  }
  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;

  int Prepare(int socket) {
    for (int fd = 0; fd <= 2; ++fd) {
      if (int error = posix_spawn_file_actions_addopen(&actions_, fd, "/dev/null", O_RDWR, 0)) {
        return error;
      }
    }
    if (int error = posix_spawn_file_actions_adddup2(&actions_, socket, 3)) return error;
    sigset_t all;
    sigset_t none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    return posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
  }

  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

}  // namespace

Result<HelperProcess> SpawnHelper(const std::string& path, const std::string& role) {
  ReapHelpers();
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
    return SystemFailure(errno, "socketpair");
  }
  UniqueFd ours(pair[0]);
  UniqueFd theirs(pair[1]);
  if (theirs.get() <= 3) {
    // Out of the way of the descriptors that the child opens first; and a dup2 of a descriptor onto
    // itself would leave it close-on-exec.
    theirs.reset(fcntl(pair[1], F_DUPFD_CLOEXEC, 4));
    if (!theirs) return SystemFailure(errno, "fcntl");
  }

  SpawnSetup setup;
  int error = setup.Prepare(theirs.get());
  if (error != 0) return SystemFailure(error, "posix_spawn", path);
  std::string program = path;
  std::string argument = role;
  char* const arguments[] = {program.data(), argument.data(), nullptr};
  pid_t pid = 0;
  error = posix_spawn(&pid, path.c_str(), setup.actions(), setup.attributes(), arguments, environ);
  if (error != 0) return SystemFailure(error, "posix_spawn", path);
  Started& started = GetStarted();
  const std::lock_guard<std::mutex> lock(started.mutex);
  started.helpers.push_back(pid);
  return HelperProcess{pid, ours.release()};
}

void ReapHelpers() {
  Started& started = GetStarted();
  const std::lock_guard<std::mutex> lock(started.mutex);
  const auto ended = [](pid_t pid) {
    // ECHILD: the process ignores SIGCHLD, so the kernel has collected it already.
    return waitpid(pid, nullptr, WNOHANG) != 0;
  };
  std::vector<pid_t>& helpers = started.helpers;
  helpers.erase(std::remove_if(helpers.begin(), helpers.end(), ended), helpers.end());
}

}  // namespace kmod
