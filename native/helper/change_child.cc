#include "change_child.h"

#include <unistd.h>

#include <optional>
#include <string>

#include "../proc/module_parameter.h"
#include "../process/channel.h"
#include "../process/command.h"
#include "change_messages.h"
#include "conversation.h"

namespace kmod {
namespace {

// The most of a command's output that is put into a message.
constexpr size_t kOutputInMessage = 4096;

// Runs an install command of modprobe.d. Success is exit status 0.
Result<> RunInstallCommand(const InstallCommand& command) {
  const Result<CommandEnd> ran = RunCommand(
      command.text, {"MODPROBE_MODULE=" + command.module, "CMDLINE_OPTS=" + command.options});
  const std::string what =
      "the install command of " + command.module + " in modprobe.d, \"" + command.text + "\", ";
  if (!ran.ok()) {
    return SystemFailure(0, {},
                         what + "could not be run: " + ran.failure().syscall + " failed (" +
                             ErrnoName(ran.failure().error) + ")");
  }
  if (ran->signal == 0 && ran->exit_code == 0) return Ok();
  const std::string end = ran->signal != 0
                              ? "was killed by signal " + std::to_string(ran->signal)
                              : "ended with exit status " + std::to_string(ran->exit_code);
  const std::string output = ran->output.substr(0, kOutputInMessage);
  return SystemFailure(0, {}, what + end + (output.empty() ? "" : ": " + output));
}

// Makes the change that a message asks for, and sends all answers but the last.
class ChangeVisitor {
 public:
  ChangeVisitor(const Channel& channel, uint32_t id, const Result<ModuleRemover>& remover)
      : channel_(channel), id_(id), remover_(remover) {}

  Reply operator()(const RemoveRequest& request) const {
    if (!remover_.ok()) return Reply::Of(remover_.failure());
    return EndReply(remover_->Remove(request.name, request.force));
  }

  Reply operator()(const InsertRequest& request) const {
    InsertCallbacks callbacks;
    callbacks.on_attempt = [this](const InsertAttempt& attempt) {
      SendReply(channel_, id_, AttemptReply(attempt));
    };
    callbacks.run_command = RunInstallCommand;
    return EndReply(InsertModule(request, callbacks));
  }

  Reply operator()(const RunRequest& request) const {
    return RanReply(RunCommand(request.command, {"MODPROBE_MODULE=" + request.module}));
  }

  Reply operator()(const ProgramRequest& request) const {
    return RanReply(RunProgram(request.arguments));
  }

  Reply operator()(const SetRequest& request) const {
    return EndReply(SetModuleParameter(request.module, request.parameter, request.value));
  }

 private:
  const Channel& channel_;
  uint32_t id_;
  const Result<ModuleRemover>& remover_;
};

}  // namespace

void RunChangeChild(int socket, const Result<ModuleRemover>& remover) {
  Channel channel(socket);
  bool more = true;
  while (more && channel.Fill()) {
    const Result<std::optional<Message>> message = channel.Next();
    if (!message.ok()) break;
    if (!*message) continue;
    const uint32_t id = (*message)->id;
    const Result<ChangeRequest> request = ReadChangeRequest(**message);
    SendReply(channel, id,
              request.ok() ? std::visit(ChangeVisitor(channel, id, remover), *request)
                           : Reply::Of(request.failure()));
    more = IsRemoval(**message);
  }
  // Not exit(): the exit handlers of libkmod and the C++ library belong to the parent.
  _exit(0);
}

}  // namespace kmod
