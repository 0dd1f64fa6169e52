// Runs a shell command of modprobe.d.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "../common/result.h"

namespace kmod {

struct CommandEnd {
  int exit_code = 0;   // 0 if a signal ended the command
  int signal = 0;      // the signal that ended the command; 0: it exited
  std::string output;  // of stdout and stderr, the first kCommandOutputLimit bytes
};

constexpr size_t kCommandOutputLimit = 64 * 1024;

// Runs `command` with /bin/sh, as modprobe does, in the process group of the caller. `variables`
// ("NAME=value") are added to the environment. Waits for the shell, but not for processes that it
// leaves in the background.
Result<CommandEnd> RunCommand(const std::string& command,
                              const std::vector<std::string>& variables);

// The same for a program without a shell, looked up in /usr/sbin, /usr/bin, /sbin and /bin.
// `arguments` begins with its name. Fails with ENOENT if there is no such program.
Result<CommandEnd> RunProgram(const std::vector<std::string>& arguments);

}  // namespace kmod
