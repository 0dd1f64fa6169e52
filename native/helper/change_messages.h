// The requests of the role "changes" and the answers to them. lib/live/helper/changes.ts and
// lib/live/helper/commands.ts are the other end.
#pragma once

#include <sys/types.h>

#include <string>
#include <variant>
#include <vector>

#include "../libkmod/insert.h"
#include "../process/command.h"
#include "../process/wire.h"
#include "fields.h"

namespace kmod {

struct RemoveRequest {
  std::string name;
  bool force = false;
};

// A `remove` command of modprobe.d.
struct RunRequest {
  std::string module;
  std::string command;
};

// A program that releases a user of a module, or puts it back.
struct ProgramRequest {
  std::vector<std::string> arguments;
};

// A parameter of a loaded module.
struct SetRequest {
  std::string module;
  std::string parameter;
  std::string value;
};

using ChangeRequest =
    std::variant<RemoveRequest, InsertRequest, RunRequest, ProgramRequest, SetRequest>;

//   remove NAME FORCE
//   insert SOURCE WHAT IS_FILE MODULE MUST_BE_NEW PARAMETERS
//   run MODULE COMMAND
//   program ARGUMENTS   a list
//   set MODULE PARAMETER VALUE
Result<ChangeRequest> ReadChangeRequest(const Message& message);

// Whether this is the request `remove`; the child that serves it can serve another one afterwards.
bool IsRemoval(const Message& message);

// `kill`, with the id of a request: ends the process group that serves it. It has no answer.
bool IsKill(const Message& message);

// The answers before the last one:
//   pid PID                  once: the process that serves the request
//   attempt MODULE COMMAND   before each insertion; COMMAND: whether an install command replaces it
Reply PidReply(pid_t pid);
Reply AttemptReply(const InsertAttempt& attempt);

// The last answer:
//   done | failure FAILURE
//   ran EXIT_CODE SIGNAL OUTPUT   for `run` and `program`; SIGNAL 0: the command exited
//   killed SIGNAL                 the process ended without an answer: killed by the kernel after
//                                 an oops, or by `kill`
Reply EndReply(const Result<>& end);
Reply RanReply(const Result<CommandEnd>& ran);
Reply KilledReply(int signal);
bool IsLastAnswer(const Message& message);

}  // namespace kmod
