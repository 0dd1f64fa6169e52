#include "command.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>

#include "../common/handles.h"

extern char** environ;

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
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    std::vector<char*> environment = EnvironmentWithout(variables);
    for (std::string& variable : variables) environment.push_back(variable.data());
    environment.push_back(nullptr);
    pid_t pid = 0;
    const int error = posix_spawn(&pid, program.c_str(), &actions_, &attributes_, arguments.data(),
                                  environment.data());
    if (error != 0) return SystemFailure(error, "posix_spawn", program);
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

constexpr const char* kProgramPath = "/usr/sbin:/usr/bin:/sbin:/bin";

// Not with the PATH of the caller, which another user may have set.
Result<std::string> FindProgram(const std::string& name) {
  if (!name.empty() && name[0] == '/') return name;
  std::string_view folders = kProgramPath;
  while (!folders.empty() && name.find('/') == std::string::npos) {
    const size_t end = folders.find(':');
    const std::string path = std::string(folders.substr(0, end)) + "/" + name;
    if (access(path.c_str(), X_OK) == 0) return path;
    folders.remove_prefix(end == std::string_view::npos ? folders.size() : end + 1);
  }
  return SystemFailure(ENOENT, "access", name);
}

Result<CommandEnd> Run(const std::string& program, const std::vector<std::string>& arguments,
                       const std::vector<std::string>& variables) {
  // A file instead of a pipe: a pipe would stay open until the last process in the background ends,
  // and closing it earlier would kill those that still write to it.
  const UniqueFd output(memfd_create("output", MFD_CLOEXEC));
  if (!output) return SystemFailure(errno, "memfd_create");
  const Result<pid_t> pid = Setup(output.get()).Start(program, arguments, variables);
  if (!pid.ok()) return pid.failure();
  int status = 0;
  while (waitpid(*pid, &status, 0) < 0) {
    if (errno != EINTR) return SystemFailure(errno, "waitpid", program);
  }
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
  return Run(*program, arguments, {std::string("PATH=") + kProgramPath});
}

}  // namespace kmod
