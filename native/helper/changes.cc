#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>
#include <vector>

#include "../common/handles.h"
#include "../process/channel.h"
#include "change_child.h"
#include "change_messages.h"
#include "conversation.h"
#include "roles.h"

namespace kmod {
namespace {

// A child process (change_child.h). It is forked before it is needed, and after a removal it is
// kept for the next one, so that a removal does not wait for a fork. No other
// process has the child's end of its socket, so when that end is closed, the child has ended, even
// if the kernel killed it.
class Child {
 public:
  Child(pid_t pid, UniqueFd socket)
      : pid_(pid), socket_(std::move(socket)), channel_(socket_.get()) {}

  pid_t pid() const { return pid_; }
  int socket() const { return socket_.get(); }
  uint32_t id() const { return id_; }
  bool has_ended() const { return !socket_; }
  // Whether it has answered its request and can take another one.
  bool IsFree() const { return !has_ended() && answered_ && may_stay_; }

  Result<> Give(const Message& request) {
    id_ = request.id;
    answered_ = false;
    may_stay_ = IsRemoval(request);
    return channel_.Send(request);
  }

  // Passes on the answers that have arrived. When the child has ended, waits for it; if it did not
  // answer, sends an answer in its place.
  void PassOn(const Channel& to) {
    if (channel_.Fill()) {
      for (;;) {
        const Result<std::optional<Message>> answer = channel_.Next();
        if (!answer.ok()) return Abandon(to, answer.failure());
        if (!*answer) return;
        if (IsLastAnswer(**answer)) answered_ = true;
        // This cannot fail: the message was within the limit when it arrived.
        to.Send(**answer).IgnoreFailure();
      }
    }
    socket_.reset();
    int status = 0;
    waitpid(pid_, &status, 0);
    if (answered_) return;
    // An oops in the init or exit function kills the process that called it.
    SendReply(to, id_, KilledReply(WIFSIGNALED(status) ? WTERMSIG(status) : 0));
  }

  // Ends a child that waits for a request.
  void Dismiss() {
    socket_.reset();
    waitpid(pid_, nullptr, 0);
  }

 private:
  // For a child that sent something other than a message, so its memory must be damaged. It may be
  // inside the kernel, so nothing waits for it.
  void Abandon(const Channel& to, const Failure& failure) {
    kill(-pid_, SIGKILL);
    socket_.reset();
    if (!answered_) SendReply(to, id_, Reply::Of(failure));
  }

  pid_t pid_;
  UniqueFd socket_;
  Channel channel_;
  uint32_t id_ = 0;
  bool answered_ = false;
  bool may_stay_ = false;  // after its request it can take another one
};

class Changes {
 public:
  explicit Changes(RequestChannel channel)
      : channel_(std::move(channel)), remover_(ModuleRemover::Open()) {}

  int Serve() {
    for (;;) {
      // No fork while a child works: on a machine with one processor it would delay the child.
      if (!spare_ && busy_.empty()) PrepareSpare();
      std::vector<pollfd> waits;
      waits.push_back({channel_.socket(), POLLIN, 0});
      for (const Child& child : busy_) waits.push_back({child.socket(), POLLIN, 0});
      if (poll(waits.data(), waits.size(), -1) < 0) {
        if (errno == EINTR) continue;
        return EX_OSERR;
      }
      for (size_t i = 1; i < waits.size(); ++i) {
        if (waits[i].revents != 0) busy_[i - 1].PassOn(channel_);
      }
      RetireChildren();
      if (waits[0].revents != 0) {
        if (!channel_.Fill()) return EX_OK;
        if (!TakeRequests()) return EX_PROTOCOL;
      }
    }
  }

 private:
  // Returns false if something other than a message arrived.
  bool TakeRequests() {
    return channel_.TakeArrived([this](const Message& message) {
      if (IsKill(message)) {
        Kill(message.id);
      } else {
        HandOver(message);
      }
    });
  }

  void HandOver(const Message& message) {
    Result<Child> child = TakeChild();
    if (!child.ok()) return SendReply(channel_, message.id, Reply::Of(child.failure()));
    if (const Result<> given = child->Give(message); !given.ok()) {
      child->Dismiss();
      return SendReply(channel_, message.id, Reply::Of(given.failure()));
    }
    SendReply(channel_, message.id, PidReply(child->pid()));
    busy_.push_back(*std::move(child));
  }

  Result<Child> TakeChild() {
    if (!spare_) return Fork();
    Child child = *std::exchange(spare_, std::nullopt);
    // The kernel may have killed it while it waited, because memory ran out.
    if (waitpid(child.pid(), nullptr, WNOHANG) == child.pid()) return Fork();
    return child;
  }

  // If this fails, the next request tries again and reports the failure.
  void PrepareSpare() {
    if (Result<Child> child = Fork(); child.ok()) spare_ = *std::move(child);
  }

  Result<Child> Fork() {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
      return SystemFailure(errno, "socketpair");
    }
    UniqueFd ours(pair[0]);
    const UniqueFd theirs(pair[1]);
    const pid_t pid = fork();
    if (pid < 0) return SystemFailure(errno, "fork");
    if (pid == 0) {
      // A process group of its own, so that an install command can be killed with its children.
      setpgid(0, 0);
      close(channel_.socket());
      for (const Child& child : busy_) close(child.socket());
      ours.reset();
      RunChangeChild(theirs.get(), remover_);
    }
    // Both processes call it, because either may run first.
    setpgid(pid, pid);
    return Child(pid, std::move(ours));
  }

  void Kill(uint32_t id) const {
    for (const Child& child : busy_) {
      if (child.id() == id) kill(-child.pid(), SIGKILL);
    }
  }

  // Keeps one free child for the next request, and lets other free ones end.
  void RetireChildren() {
    std::vector<Child> busy;
    for (Child& child : busy_) {
      if (child.has_ended()) continue;
      if (!child.IsFree()) {
        busy.push_back(std::move(child));
      } else if (!spare_) {
        spare_ = std::move(child);
      } else {
        child.Dismiss();
      }
    }
    busy_ = std::move(busy);
  }

  RequestChannel channel_;
  // Opened once, and inherited by all children.
  Result<ModuleRemover> remover_;
  std::optional<Child> spare_;
  std::vector<Child> busy_;
};

}  // namespace

int ServeChanges(RequestChannel channel) {
  return Changes(std::move(channel)).Serve();
}

}  // namespace kmod
