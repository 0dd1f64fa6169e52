#include "command.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <string_view>
#include <utility>

#include "../common/handles.h"
#include "environment.h"

namespace kmod {
namespace {

constexpr const char* kShell = "/bin/sh";

// How a command starts: no input, both output streams into `output`, and all signals at their
// default, as in a new session.
class Setup {
 public:
  explicit Setup(int output) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, output, STDERR_FILENO);
    sigset_t all;
    sigset_t none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  ~Setup() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  Setup(const Setup&) = delete;
  Setup& operator=(const Setup&) = delete;

  Result<pid_t> Start(const std::string& program, std::vector<std::string> words,
                      std::vector<std::string> variables) const {
    std::vector<char*> arguments = PointersTo(&words);
    for (std::string& variable : FixedEnvironment()) variables.push_back(std::move(variable));
    const std::vector<char*> environment = PointersTo(&variables);
    pid_t pid = 0;
    const int error = posix_spawn(&pid, program.c_str(), &actions_, &attributes_, arguments.data(),
                                  environment.data());
    if (error != 0) return SystemFailure(error, "posix_spawn", program);
    return pid;
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

// Blocks SIGCHLD while it exists, so that AwaitChild() can wait for it. The child has no signal
// blocked (Setup).
class ChildSignal {
 public:
  ChildSignal() {
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, &before_);
  }
  ~ChildSignal() { sigprocmask(SIG_SETMASK, &before_, nullptr); }
  ChildSignal(const ChildSignal&) = delete;
  ChildSignal& operator=(const ChildSignal&) = delete;

 private:
  sigset_t before_;
};

// Returns when a child has ended, or the time is over.
void AwaitChild(const timespec& time) {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigtimedwait(&child, nullptr, &time);
}

// The largest file of output, more than is ever read from it.
constexpr off_t kOutputFileLimit = 16 * 1024 * 1024;

Result<std::string> ReadOutput(int file) {
  std::string text(kCommandOutputLimit, '\0');
  const ssize_t got = pread(file, text.data(), text.size(), 0);
  if (got < 0) return SystemFailure(errno, "pread", "the output of the command");
  text.resize(static_cast<size_t>(got));
  return text;
}

// The file takes no more: further writes fail with EPERM, which does not end a process as SIGPIPE
// would.
void Close(int output) {
  fcntl(output, F_ADD_SEALS, F_SEAL_GROW);
}

// Waits for the child. Closes `output` if it writes more than kOutputFileLimit.
Result<int> Await(pid_t child, int output) {
  constexpr timespec kPause = {0, 20 * 1000 * 1000};
  bool closed = false;
  for (;;) {
    int status = 0;
    // With a full file there is nothing to watch.
    const pid_t ended = waitpid(child, &status, closed ? 0 : WNOHANG);
    if (ended == child) return status;
    if (ended < 0 && errno != EINTR) return SystemFailure(errno, "waitpid");
    struct stat file = {};
    if (fstat(output, &file) == 0 && file.st_size > kOutputFileLimit) {
      Close(output);
      closed = true;
    } else {
      AwaitChild(kPause);
    }
  }
}

constexpr std::string_view kFolders = "/usr/sbin:/usr/bin:/sbin:/bin";

Result<std::string> FindProgram(const std::string& name) {
  if (!name.empty() && name[0] == '/') return name;
  std::string_view folders = kFolders;
  while (!folders.empty() && name.find('/') == std::string::npos) {
    const size_t end = folders.find(':');
    const std::string path = std::string(folders.substr(0, end)) + "/" + name;
    // With the effective user, unlike access().
    if (faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0) return path;
    folders.remove_prefix(end == std::string_view::npos ? folders.size() : end + 1);
  }
  return SystemFailure(ENOENT, "faccessat", name);
}

Result<CommandEnd> Run(const std::string& program, const std::vector<std::string>& arguments,
                       const std::vector<std::string>& variables) {
  // A file instead of a pipe: a pipe would stay open until the last process in the background ends,
  // and closing it earlier would kill those that still write to it.
  const UniqueFd output(memfd_create("output", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!output) return SystemFailure(errno, "memfd_create");
  const ChildSignal signal;
  const Result<pid_t> pid = Setup(output.get()).Start(program, arguments, variables);
  if (!pid.ok()) return pid.failure();
  const Result<int> waited = Await(*pid, output.get());
  // A process in the background can write to the file for as long as it runs.
  Close(output.get());
  if (!waited.ok()) return waited.failure();
  const int status = *waited;
  Result<std::string> text = ReadOutput(output.get());
  if (!text.ok()) return text.failure();
  CommandEnd end;
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  if (WIFEXITED(status)) end.exit_code = WEXITSTATUS(status);
  end.output = *std::move(text);
  return end;
}

}  // namespace

Result<CommandEnd> RunCommand(const std::string& command,
                              const std::vector<std::string>& variables) {
  return Run(kShell, {"sh", "-c", command}, variables);
}

Result<CommandEnd> RunProgram(const std::vector<std::string>& arguments) {
  const Result<std::string> program = FindProgram(arguments[0]);
  if (!program.ok()) return program.failure();
  return Run(*program, arguments, {});
}

}  // namespace kmod
