#include "helper_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

#include "../common/handles.h"
#include "environment.h"

namespace kmod {
namespace {

// The helpers that this process has started and not yet waited for. One list for the whole process
// and not for each Node environment: a helper ends after its environment has closed the socket, so
// another environment has to wait for it. Node waits only for children that it started itself.
struct Running {
  pid_t pid;
  UniqueFd pipe;  // closed when this process ends: see kHelperParentPipe
};

struct Started {
  std::mutex mutex;
  std::vector<Running> running;
  // The last ones that have ended, for EndOfHelper().
  std::deque<HelperEnd> ended;
};

// More than end in the moment between the end of a helper and the question how it ended.
constexpr size_t kEndsRemembered = 64;

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

  // `inherited` can be -1.
  Result<> Prepare(int socket, int pipe, int inherited) {
    int error = 0;
    for (int fd = 0; fd <= 2 && error == 0; ++fd) {
      error = posix_spawn_file_actions_addopen(&actions_, fd, "/dev/null", O_RDWR, 0);
    }
    const auto give = [&](int fd, int number) {
      if (error != 0) return;
      // The child would overwrite a lower number before it is used, and a dup2 onto the same number
      // would leave it close-on-exec.
      UniqueFd copy(fcntl(fd, F_DUPFD_CLOEXEC, kHelperInherited + 1));
      error = copy ? posix_spawn_file_actions_adddup2(&actions_, copy.get(), number) : errno;
      copies_.push_back(std::move(copy));
    };
    give(socket, kHelperSocket);
    give(pipe, kHelperParentPipe);
    if (inherited >= 0) give(inherited, kHelperInherited);
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
  std::vector<UniqueFd> copies_;  // of what the helper gets
};

// Waits for those that have ended; never blocks.
void Reap(Started* started) {
  const auto ended = [started](const Running& helper) {
    const pid_t pid = helper.pid;
    int status = 0;
    const pid_t waited = waitpid(pid, &status, WNOHANG);
    if (waited == 0) return false;
    // ECHILD, if this process ignores SIGCHLD: then the kernel has already removed it.
    if (waited == pid) started->ended.push_back({pid, WIFSIGNALED(status) ? WTERMSIG(status) : 0});
    return true;
  };
  std::vector<Running>& running = started->running;
  running.erase(std::remove_if(running.begin(), running.end(), ended), running.end());
  while (started->ended.size() > kEndsRemembered) started->ended.pop_front();
}

bool IsIn(const std::vector<Running>& running, pid_t pid) {
  return std::any_of(running.begin(), running.end(),
                     [pid](const Running& helper) { return helper.pid == pid; });
}

}  // namespace

Result<HelperProcess> SpawnHelper(const std::string& path, const std::string& role, int inherited) {
  ReapHelpers();
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
    return SystemFailure(errno, "socketpair");
  }
  UniqueFd our_socket(pair[0]);
  const UniqueFd their_socket(pair[1]);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return SystemFailure(errno, "pipe2");
  const UniqueFd their_pipe(ends[0]);
  UniqueFd our_pipe(ends[1]);

  SpawnSetup setup;
  const Result<> prepared = setup.Prepare(their_socket.get(), their_pipe.get(), inherited);
  if (!prepared.ok()) return prepared.failure();
  std::string program = path;
  std::string argument = role;
  char* const arguments[] = {program.data(), argument.data(), nullptr};
  std::vector<std::string> variables = FixedEnvironment();
  const std::vector<char*> environment = PointersTo(&variables);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, path.c_str(), setup.actions(), setup.attributes(), arguments,
                                environment.data());
  if (error != 0) return SystemFailure(error, "posix_spawn", path);
  Started& started = GetStarted();
  // Not during posix_spawn(), which can take long: the event loop takes this lock too.
  const std::lock_guard<std::mutex> lock(started.mutex);
  started.running.push_back({pid, std::move(our_pipe)});
  return HelperProcess{pid, std::move(our_socket)};
}

void ReapHelpers() {
  Started& started = GetStarted();
  const std::lock_guard<std::mutex> lock(started.mutex);
  Reap(&started);
}

void KillHelper(pid_t pid) {
  Started& started = GetStarted();
  const std::lock_guard<std::mutex> lock(started.mutex);
  // A number that is in the list cannot belong to another process: nobody has waited for it.
  if (IsIn(started.running, pid)) kill(pid, SIGKILL);
}

std::optional<HelperEnd> EndOfHelper(pid_t pid) {
  Started& started = GetStarted();
  const std::lock_guard<std::mutex> lock(started.mutex);
  Reap(&started);
  for (const HelperEnd& end : started.ended) {
    if (end.pid == pid) return end;
  }
  return std::nullopt;
}

bool IsHelperRunning(pid_t pid) {
  Started& started = GetStarted();
  const std::lock_guard<std::mutex> lock(started.mutex);
  Reap(&started);
  return IsIn(started.running, pid);
}

}  // namespace kmod
