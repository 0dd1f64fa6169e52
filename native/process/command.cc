#include "command.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "../common/handles.h"

extern char** environ;

namespace kmod {
namespace {

constexpr const char* kShell = "/bin/sh";

// Input from nowhere, both streams into `output`, and signals as a fresh process has them.
class ShellSetup {
 public:
  explicit ShellSetup(int output) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, output, 1);
    posix_spawn_file_actions_adddup2(&actions_, output, 2);
    sigset_t all;
    sigset_t none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  ~ShellSetup() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  ShellSetup(const ShellSetup&) = delete;
  ShellSetup& operator=(const ShellSetup&) = delete;

  // 0, or an errno.
  int Start(const std::string& command, pid_t* pid) const {
    std::string name = "sh";
    std::string option = "-c";
    std::string text = command;
    char* const arguments[] = {name.data(), option.data(), text.data(), nullptr};
    return posix_spawn(pid, kShell, &actions_, &attributes_, arguments, environ);
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

std::string FirstOf(int file) {
  std::string text(kCommandOutputLimit, '\0');
  const ssize_t got = pread(file, text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return text;
}

}  // namespace

Result<CommandEnd> RunCommand(const std::string& module, const std::string& command) {
  // A file and no pipe: a pipe would end only when the last process that the command leaves behind
  // does, and closing it earlier would kill those that still write.
  const UniqueFd output(memfd_create("output", MFD_CLOEXEC));
  if (!output) return SystemFailure(errno, "memfd_create");
  setenv("MODPROBE_MODULE", module.c_str(), 1);
  pid_t pid = 0;
  const int error = ShellSetup(output.get()).Start(command, &pid);
  if (error != 0) return SystemFailure(error, "posix_spawn", kShell);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return SystemFailure(errno, "waitpid", kShell);
  }
  CommandEnd end;
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  if (WIFEXITED(status)) end.exit_code = WEXITSTATUS(status);
  end.output = FirstOf(output.get());
  return end;
}

}  // namespace kmod
