#include "helper_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <utility>
#include <vector>

#include "../common/handles.h"

extern char** environ;

namespace kmod {
namespace {

// The helpers that this process has started and not yet waited for. One list for the whole process
// and not for each Node environment: a helper ends after its environment has closed the socket, so
// another environment has to wait for it. Node waits only for children that it started itself.
struct Started {
  std::mutex mutex;
  std::vector<pid_t> helpers;
};

// Never destroyed: a thread may still use it while the process runs its exit handlers.
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

  // `inherited` is -1 or above 4.
  Result<> Prepare(int socket, int inherited) {
    int error = 0;
    for (int fd = 0; fd <= 2 && error == 0; ++fd) {
      error = posix_spawn_file_actions_addopen(&actions_, fd, "/dev/null", O_RDWR, 0);
    }
    if (error == 0) error = posix_spawn_file_actions_adddup2(&actions_, socket, 3);
    if (error == 0 && inherited >= 0) {
      error = posix_spawn_file_actions_adddup2(&actions_, inherited, 4);
    }
    sigset_t all;
    sigset_t none;
    sigfillset(&all);
    sigemptyset(&none);
    if (error == 0) error = posix_spawnattr_setsigdefault(&attributes_, &all);
    if (error == 0) error = posix_spawnattr_setsigmask(&attributes_, &none);
    if (error == 0) {
      error = posix_spawnattr_setflags(
          &attributes_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
    }
    if (error != 0) return SystemFailure(error, "posix_spawn");
    return Ok();
  }

  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

}  // namespace

Result<HelperProcess> SpawnHelper(const std::string& path, const std::string& role, int inherited) {
  ReapHelpers();
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
    return SystemFailure(errno, "socketpair");
  }
  UniqueFd ours(pair[0]);
  UniqueFd theirs(pair[1]);
  if (theirs.get() <= 3) {
    // The child opens 0 to 2 first and would overwrite this descriptor; and a dup2 of 3 onto itself
    // would leave it close-on-exec.
    theirs.reset(fcntl(pair[1], F_DUPFD_CLOEXEC, 4));
    if (!theirs) return SystemFailure(errno, "fcntl");
  }

  // For the same reasons.
  const UniqueFd copy(inherited < 0 ? -1 : fcntl(inherited, F_DUPFD_CLOEXEC, 5));
  if (inherited >= 0 && !copy) return SystemFailure(errno, "fcntl");

  SpawnSetup setup;
  if (const Result<> prepared = setup.Prepare(theirs.get(), copy.get()); !prepared.ok()) {
    return prepared.failure();
  }
  std::string program = path;
  std::string argument = role;
  char* const arguments[] = {program.data(), argument.data(), nullptr};
  pid_t pid = 0;
  const int error =
      posix_spawn(&pid, path.c_str(), setup.actions(), setup.attributes(), arguments, environ);
  if (error != 0) return SystemFailure(error, "posix_spawn", path);
  Started& started = GetStarted();
  const std::lock_guard<std::mutex> lock(started.mutex);
  started.helpers.push_back(pid);
  return HelperProcess{pid, std::move(ours)};
}

void ReapHelpers() {
  Started& started = GetStarted();
  const std::lock_guard<std::mutex> lock(started.mutex);
  const auto ended = [](pid_t pid) {
    // ECHILD, if this process ignores SIGCHLD: then the kernel has already removed it.
    return waitpid(pid, nullptr, WNOHANG) != 0;
  };
  std::vector<pid_t>& helpers = started.helpers;
  helpers.erase(std::remove_if(helpers.begin(), helpers.end(), ended), helpers.end());
}

}  // namespace kmod
