#include "changes.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <vector>

#include "../kernel/handles.h"
#include "../kernel/insert.h"
#include "../kernel/remove.h"
#include "channel.h"
#include "quiet.h"
#include "reply.h"
#include "source.h"

namespace kmod {
namespace {

// A child process that is in the kernel for one request. It reports through a pipe, which nobody
// else holds: the end of the pipe is the end of its work, also when the kernel kills it.
struct Child {
  uint32_t id;
  pid_t pid;
  UniqueFd pipe;
  std::string buffer;
  bool answered = false;
};

class Changes {
 public:
  explicit Changes(int socket) : channel_(socket) {}

  int Serve() {
    for (;;) {
      std::vector<pollfd> waits;
      waits.push_back({channel_.socket(), POLLIN, 0});
      for (const Child& child : children_) waits.push_back({child.pipe.get(), POLLIN, 0});
      if (poll(waits.data(), waits.size(), -1) < 0) {
        if (errno == EINTR) continue;
        return 71;
      }
      for (size_t i = 1; i < waits.size(); ++i) {
        if (waits[i].revents != 0) Hear(&children_[i - 1]);
      }
      children_.erase(std::remove_if(children_.begin(), children_.end(),
                                     [](const Child& child) { return !child.pipe; }),
                      children_.end());
      if (waits[0].revents != 0 && !TakeRequests()) return 0;
    }
  }

 private:
  bool TakeRequests() {
    if (!channel_.Fill()) return false;
    Message message;
    bool broken = false;
    while (channel_.Next(&message, &broken)) Take(message);
    return !broken;
  }

  // remove NAME FORCE | insert SOURCE WHAT IS_FILE MODULE MUST_BE_NEW PARAMETERS | kill
  // Every request has an id of its own, but `kill`, which carries the id of the one it ends.
  void Take(const Message& message) {
    Request request(message.strings);
    const std::string verb = request.Text();
    if (verb == "kill") return Kill(message.id);
    if (verb == "remove") {
      const std::string name = request.Text();
      const bool force = request.Flag();
      if (request.ok()) return TakeRemoval(message.id, name, force);
    }
    if (verb == "insert") {
      InsertRequest insert;
      insert.source = TakeSource(&request);
      insert.what = request.Text();
      insert.is_file = request.Flag();
      insert.module = request.Text();
      insert.must_be_new = request.Flag();
      insert.parameters = request.Text();
      if (request.ok()) return TakeInsertion(message.id, insert);
    }
    channel_.Send({message.id, Reply::Of(SystemFailure(EBADMSG, "read", verb)).Take()});
  }

  void TakeRemoval(uint32_t id, const std::string& name, bool force) {
    // Opened here, once, for all children to inherit: a child then makes one system call and ends.
    if (!remover_) {
      StderrLog said;
      Result<ModuleRemover> opened = ModuleRemover::Open();
      if (Failed(opened)) {
        return channel_.Send({id, Reply::Of(std::get<Failure>(opened)).Take()});
      }
      remover_.emplace(std::get<ModuleRemover>(std::move(opened)));
    }
    Start(id, [this, &name, force](Channel*) { return remover_->Remove(name, force); });
  }

  void TakeInsertion(uint32_t id, const InsertRequest& insert) {
    Start(id, [id, &insert](Channel* report) {
      StderrLog said;
      std::optional<Failure> failure =
          InsertModule(insert, [id, report](const InsertAttempt& attempt) {
            report->Send({id, {"attempt", attempt.module, attempt.command ? "1" : "0"}});
          });
      if (failure) failure->detail += said.Take();
      return failure;
    });
  }

  template <typename Work>
  void Start(uint32_t id, const Work& work) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
      return channel_.Send({id, Reply::Of(SystemFailure(errno, "socketpair")).Take()});
    }
    UniqueFd ours(pair[0]);
    UniqueFd theirs(pair[1]);
    const pid_t pid = fork();
    if (pid < 0) return channel_.Send({id, Reply::Of(SystemFailure(errno, "fork")).Take()});
    if (pid == 0) {
      // A group of its own, so that an install command and what it starts can be ended together.
      setpgid(0, 0);
      close(channel_.socket());
      for (const Child& child : children_) close(child.pipe.get());
      ours.reset();
      Channel report(theirs.get());
      const std::optional<Failure> failure = work(&report);
      report.Send({id, (failure ? Reply::Of(*failure) : Reply::Done()).Take()});
      // Not exit(): what libkmod or the C++ library registered belongs to the parent.
      _exit(0);
    }
    setpgid(pid, pid);
    channel_.Send({id, {"pid", std::to_string(pid)}});
    children_.push_back({id, pid, std::move(ours), {}, false});
  }

  void Kill(uint32_t id) {
    for (const Child& child : children_) {
      if (child.id == id) kill(-child.pid, SIGKILL);
    }
  }

  // Passes on what a child reports; at its end, collects it.
  void Hear(Child* child) {
    char bytes[4096];
    const ssize_t got = read(child->pipe.get(), bytes, sizeof(bytes));
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
    child->pipe.reset();
    int status = 0;
    waitpid(child->pid, &status, 0);
    if (child->answered) return;
    // An oops in the exit or init function kills the process that called it.
    const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    channel_.Send({child->id, {"killed", std::to_string(signal)}});
  }

  Channel channel_;
  std::optional<ModuleRemover> remover_;
  std::vector<Child> children_;
};

}  // namespace

int ServeChanges(int socket) {
  return Changes(socket).Serve();
}

}  // namespace kmod
