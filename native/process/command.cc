#include "command.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "../common/handles.h"

extern char** environ;

namespace kmod {
namespace {

constexpr const char* kShell = "/bin/sh";

// How the shell starts: no input, both output streams into `output`, and all signals at their
// default, as in a new session.
class ShellSetup {
 public:
  explicit ShellSetup(int output) {
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
  ~ShellSetup() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  ShellSetup(const ShellSetup&) = delete;
  ShellSetup& operator=(const ShellSetup&) = delete;

  Result<pid_t> Start(std::string command, std::vector<std::string> variables) const {
    std::string name = "sh";
    std::string option = "-c";
    char* const arguments[] = {name.data(), option.data(), command.data(), nullptr};
    std::vector<char*> environment = EnvironmentWithout(variables);
    for (std::string& variable : variables) environment.push_back(variable.data());
    environment.push_back(nullptr);
    pid_t pid = 0;
    const int error =
        posix_spawn(&pid, kShell, &actions_, &attributes_, arguments, environment.data());
    if (error != 0) return SystemFailure(error, "posix_spawn", kShell);
    return pid;
  }

 private:
  // The environment of this process, except the variables with these names.
  static std::vector<char*> EnvironmentWithout(const std::vector<std::string>& variables) {
    const auto name_of = [](std::string_view variable) {
      return variable.substr(0, variable.find('='));
    };
    std::vector<char*> environment;
    for (char** variable = environ; *variable != nullptr; ++variable) {
      const bool replaced = std::any_of(
          variables.begin(), variables.end(),
          [&](const std::string& other) { return name_of(other) == name_of(*variable); });
      if (!replaced) environment.push_back(*variable);
    }
    return environment;
  }

  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

Result<std::string> ReadOutput(int file) {
  std::string text(kCommandOutputLimit, '\0');
  const ssize_t got = pread(file, text.data(), text.size(), 0);
  if (got < 0) return SystemFailure(errno, "pread", "the output of the command");
  text.resize(static_cast<size_t>(got));
  return text;
}

}  // namespace

Result<CommandEnd> RunCommand(const std::string& command,
                              const std::vector<std::string>& variables) {
  // A file instead of a pipe: a pipe would stay open until the last process in the background ends,
  // and closing it earlier would kill those that still write to it.
  const UniqueFd output(memfd_create("output", MFD_CLOEXEC));
  if (!output) return SystemFailure(errno, "memfd_create");
  const Result<pid_t> pid = ShellSetup(output.get()).Start(command, variables);
  if (!pid.ok()) return pid.failure();
  int status = 0;
  while (waitpid(*pid, &status, 0) < 0) {
    if (errno != EINTR) return SystemFailure(errno, "waitpid", kShell);
  }
  Result<std::string> text = ReadOutput(output.get());
  if (!text.ok()) return text.failure();
  CommandEnd end;
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  if (WIFEXITED(status)) end.exit_code = WEXITSTATUS(status);
  end.output = *std::move(text);
  return end;
}

}  // namespace kmod
