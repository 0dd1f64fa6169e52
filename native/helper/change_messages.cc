#include "change_messages.h"

#include <vector>

namespace kmod {

Result<ChangeRequest> ReadChangeRequest(const Message& message) {
  Request request(message.strings);
  ChangeRequest change;
  if (request.verb() == "remove") {
    RemoveRequest remove;
    remove.name = request.Text();
    remove.force = request.Flag();
    change = std::move(remove);
  } else if (request.verb() == "insert") {
    InsertRequest insert;
    insert.source = request.Source();
    insert.what = request.Text();
    insert.is_file = request.Flag();
    insert.module = request.Text();
    insert.must_be_new = request.Flag();
    insert.parameters = request.Text();
    change = std::move(insert);
  } else if (request.verb() == "run") {
    RunRequest run;
    run.module = request.Text();
    run.command = request.Text();
    change = std::move(run);
  } else if (request.verb() == "program") {
    ProgramRequest program;
    program.arguments = request.List();
    if (program.arguments.empty()) return request.Malformed();
    change = std::move(program);
  } else if (request.verb() == "set") {
    SetRequest set;
    set.module = request.Text();
    set.parameter = request.Text();
    set.value = request.Text();
    change = std::move(set);
  } else {
    return request.Malformed();
  }
  if (const Result<> checked = request.Check(); !checked.ok()) return checked.failure();
  return change;
}

bool IsRemoval(const Message& message) {
  return !message.strings.empty() && message.strings[0] == "remove";
}

bool IsKill(const Message& message) {
  return message.strings == std::vector<std::string>{"kill"};
}

Reply PidReply(pid_t pid) {
  Reply reply("pid");
  reply.Put(pid);
  return reply;
}

Reply AttemptReply(const InsertAttempt& attempt) {
  Reply reply("attempt");
  reply.Put(attempt.module);
  reply.Put(attempt.command);
  return reply;
}

Reply EndReply(const Result<>& end) {
  return end.ok() ? Reply::Done() : Reply::Of(end.failure());
}

Reply RanReply(const Result<CommandEnd>& ran) {
  if (!ran.ok()) return Reply::Of(ran.failure());
  Reply reply("ran");
  reply.Put(ran->exit_code);
  reply.Put(ran->signal);
  reply.Put(ran->output);
  return reply;
}

Reply KilledReply(int signal) {
  Reply reply("killed");
  reply.Put(signal);
  return reply;
}

bool IsLastAnswer(const Message& message) {
  return message.strings.empty() || message.strings[0] != "attempt";
}

}  // namespace kmod
