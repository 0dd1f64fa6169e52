#include "changes.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>
#include <vector>

#include "../common/handles.h"
#include "../libkmod/insert.h"
#include "../libkmod/remove.h"
#include "../process/channel.h"
#include "../process/command.h"
#include "quiet.h"
#include "reply.h"
#include "source.h"

namespace kmod {
namespace {

Reply ToReply(const std::optional<Failure>& failure) {
  return failure ? Reply::Of(*failure) : Reply::Done();
}

// ran EXITCODE SIGNAL OUTPUT: one of the two numbers is ''.
Reply ToReply(const Result<CommandEnd>& ran) {
  if (Failed(ran)) return Reply::Of(std::get<Failure>(ran));
  const auto& end = std::get<CommandEnd>(ran);
  const bool signalled = end.signal != 0;
  Reply reply;
  reply.Put("ran");
  reply.Put(signalled ? std::string() : std::to_string(end.exit_code));
  reply.Put(signalled ? std::to_string(end.signal) : std::string());
  reply.Put(end.output);
  return reply;
}

// What a child does with the one request that it gets:
//   remove NAME FORCE | insert SOURCE WHAT IS_FILE MODULE MUST_BE_NEW PARAMETERS |
//   run MODULE COMMAND
Reply Change(const Message& message, const Result<ModuleRemover>& remover, Channel* report) {
  Request request(message.strings);
  const std::string verb = request.Text();
  if (verb == "remove") {
    const std::string name = request.Text();
    const bool force = request.Flag();
    if (request.ok() && Failed(remover)) return Reply::Of(std::get<Failure>(remover));
    if (request.ok()) return ToReply(std::get<ModuleRemover>(remover).Remove(name, force));
  }
  if (verb == "insert") {
    InsertRequest insert;
    insert.source = TakeSource(&request);
    insert.what = request.Text();
    insert.is_file = request.Flag();
    insert.module = request.Text();
    insert.must_be_new = request.Flag();
    insert.parameters = request.Text();
    if (request.ok()) {
      StderrLog said;
      std::optional<Failure> failure = InsertModule(insert, [&](const InsertAttempt& attempt) {
        report->Send({message.id, {"attempt", attempt.module, attempt.command ? "1" : "0"}});
      });
      if (failure) failure->detail += said.Take();
      return ToReply(failure);
    }
  }
  if (verb == "run") {
    const std::string module = request.Text();
    const std::string command = request.Text();
    if (request.ok()) {
      report->Send({message.id, {"attempt", module, "1"}});
      return ToReply(RunCommand(module, command));
    }
  }
  return Reply::Of(SystemFailure(EBADMSG, "read", verb));
}

// An insertion or a command may leave an environment behind, and memory in libkmod.
bool MayStay(const Message& message) {
  return !message.strings.empty() && message.strings[0] == "remove";
}

// A child process: it waits for a request, is in the kernel for it, and answers. It is forked
// before it is needed, and after a removal it is there for the next one, so that a fork takes no
// time of a removal. It reports through a socket that nobody else holds: the end of that is its own
// end, also when the kernel kills it.
struct Child {
  pid_t pid = 0;
  UniqueFd socket;
  uint32_t id = 0;
  std::string buffer;
  bool answered = false;
  bool may_stay = false;  // for another request after this one
};

class Changes {
 public:
  explicit Changes(int socket) : channel_(socket), remover_(ModuleRemover::Open()) {}

  int Serve() {
    for (;;) {
      // Not while a child is at work: on one processor the fork would hold it up.
      if (!spare_ && busy_.empty()) spare_ = Fork();
      std::vector<pollfd> waits;
      waits.push_back({channel_.socket(), POLLIN, 0});
      for (const Child& child : busy_) waits.push_back({child.socket.get(), POLLIN, 0});
      if (poll(waits.data(), waits.size(), -1) < 0) {
        if (errno == EINTR) continue;
        return 71;
      }
      for (size_t i = 1; i < waits.size(); ++i) {
        if (waits[i].revents != 0) Hear(&busy_[i - 1]);
      }
      RetireChildren();
      if (waits[0].revents != 0 && !TakeRequests()) return 0;
    }
  }

 private:
  bool TakeRequests() {
    if (!channel_.Fill()) return false;
    Message message;
    bool broken = false;
    while (channel_.Next(&message, &broken)) {
      // Every request has an id of its own, but `kill`, which carries the id of the one it ends.
      if (message.strings == std::vector<std::string>{"kill"}) {
        Kill(message.id);
      } else {
        HandOver(message);
      }
    }
    return !broken;
  }

  void HandOver(const Message& message) {
    std::optional<Child> child = spare_ ? std::exchange(spare_, std::nullopt) : Fork();
    // The kernel may have killed a child that only waited (for want of memory): then a new one.
    if (child && waitpid(child->pid, nullptr, WNOHANG) == child->pid) child = Fork();
    if (!child) {
      channel_.Send({message.id, Reply::Of(SystemFailure(errno, "fork")).Take()});
      return;
    }
    Channel(child->socket.get()).Send(message);
    channel_.Send({message.id, {"pid", std::to_string(child->pid)}});
    child->id = message.id;
    child->answered = false;
    child->may_stay = MayStay(message);
    busy_.push_back(std::move(*child));
  }

  // Nothing: errno says why.
  std::optional<Child> Fork() {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) return std::nullopt;
    UniqueFd ours(pair[0]);
    UniqueFd theirs(pair[1]);
    const pid_t pid = fork();
    if (pid < 0) return std::nullopt;
    if (pid == 0) {
      // A group of its own, so that an install command and what it starts can be ended together.
      setpgid(0, 0);
      close(channel_.socket());
      for (const Child& child : busy_) close(child.socket.get());
      ours.reset();
      Work(theirs.get());
    }
    setpgid(pid, pid);
    Child child;
    child.pid = pid;
    child.socket = std::move(ours);
    return child;
  }

  [[noreturn]] void Work(int socket) const {
    Channel channel(socket);
    Message message;
    bool broken = false;
    bool more = true;
    while (more && !broken && channel.Fill()) {
      if (!channel.Next(&message, &broken)) continue;
      channel.Send({message.id, Change(message, remover_, &channel).Take()});
      more = MayStay(message);
    }
    // Not exit(): what libkmod or the C++ library registered belongs to the parent.
    _exit(0);
  }

  void Kill(uint32_t id) const {
    for (const Child& child : busy_) {
      if (child.id == id) kill(-child.pid, SIGKILL);
    }
  }

  // Passes on what a child reports; at its end, collects it.
  void Hear(Child* child) {
    char bytes[4096];
    const ssize_t got = read(child->socket.get(), bytes, sizeof(bytes));
    if (got < 0 && errno == EINTR) return;
    if (got > 0) {
      child->buffer.append(bytes, static_cast<size_t>(got));
      Message message;
      while (DecodeMessage(&child->buffer, &message) == DecodeStatus::kMessage) {
        child->answered = message.strings[0] != "attempt";
        channel_.Send(message);
      }
      return;
    }
    child->socket.reset();
    int status = 0;
    waitpid(child->pid, &status, 0);
    if (child->answered) return;
    // An oops in the exit or init function kills the process that called it.
    const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    channel_.Send({child->id, {"killed", std::to_string(signal)}});
  }

  // One child that has answered is kept for the next removal; others that would wait for one go.
  void RetireChildren() {
    for (Child& child : busy_) {
      if (!child.socket || !child.answered || !child.may_stay) continue;
      if (!spare_) {
        spare_ = std::move(child);  // which leaves a child without a socket behind
      } else {
        child.socket.reset();
        waitpid(child.pid, nullptr, 0);
      }
    }
    busy_.erase(std::remove_if(busy_.begin(), busy_.end(),
                               [](const Child& child) { return !child.socket; }),
                busy_.end());
  }

  Channel channel_;
  // Opened once, for all children to inherit: a child then makes one system call and ends.
  Result<ModuleRemover> remover_;
  std::optional<Child> spare_;
  std::vector<Child> busy_;
};

}  // namespace

int ServeChanges(int socket) {
  // libkmod may have something to say about the kernel command line.
  const StderrLog said;
  return Changes(socket).Serve();
}

}  // namespace kmod
