// Running a command of modprobe.d.
#pragma once

#include <cstddef>
#include <string>

#include "../common/failure.h"

namespace kmod {

struct CommandEnd {
  int exit_code = 0;
  int signal = 0;      // the one that ended it; 0: it ended by itself
  std::string output;  // of both streams, the first kCommandOutputLimit bytes
};

constexpr size_t kCommandOutputLimit = 64 * 1024;

// Runs `command` with /bin/sh as modprobe does, MODPROBE_MODULE being `module`, in the process
// group of the caller, and waits for the shell, not for what that leaves in the background. Sets
// the variable in the calling process.
Result<CommandEnd> RunCommand(const std::string& module, const std::string& command);

}  // namespace kmod
