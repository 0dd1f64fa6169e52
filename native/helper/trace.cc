#include "trace.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "../proc/processes.h"
#include "../proc/text_file.h"
#include "../proc/trace_text.h"
#include "../proc/tracing.h"
#include "../process/channel.h"
#include "reply.h"

namespace kmod {
namespace {

constexpr size_t kTextLimit = 64 * 1024;
// A live module has one reference of its own, which /proc/modules and /sys do not count.
constexpr int kKernelsOwn = 1;
constexpr ino_t kFirstPidNamespace = 0xEFFFFFFC;  // PROC_PID_INIT_INO

// The trace names threads by their numbers in the initial PID namespace.
bool AreOwnNumbers() {
  struct stat status = {};
  return stat("/proc/self/ns/pid", &status) == 0 && status.st_ino == kFirstPidNamespace;
}

long long Microseconds(clockid_t clock) {
  timespec time = {};
  clock_gettime(clock, &time);
  return time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}

// What the time of day is ahead of the trace's clock: the best of a few tries, for the processor
// may be taken away in between.
long long ClockOffset() {
  long long best = 0;
  long long shortest = std::numeric_limits<long long>::max();
  for (int i = 0; i < 3; ++i) {
    const long long before = Microseconds(CLOCK_MONOTONIC);
    const long long now = Microseconds(CLOCK_REALTIME);
    const long long after = Microseconds(CLOCK_MONOTONIC);
    if (after - before >= shortest) continue;
    shortest = after - before;
    best = now - before - shortest / 2;
  }
  return best;
}

// The kernel has a comm for a thread only once that was switched out.
std::optional<std::string> ReadComm(pid_t thread) {
  Result<std::string> read = ReadTextFile(ProcPath(thread, "comm").c_str(), kTextLimit);
  if (Failed(read)) return std::nullopt;
  std::string comm = std::get<std::string>(std::move(read));
  if (!comm.empty()) comm.pop_back();  // the newline
  return comm;
}

class Trace {
 public:
  explicit Trace(int socket) : channel_(socket), own_numbers_(AreOwnNumbers()) {
    sigset_t ends;
    sigemptyset(&ends);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&ends, signal);
    sigprocmask(SIG_BLOCK, &ends, nullptr);
    signals_.reset(signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK));
  }

  int Serve() {
    for (;;) {
      const bool idle = out_.empty();
      const short speak = idle ? 0 : POLLOUT;
      // While the other end does not listen, events stay in the kernel's buffer, where new ones
      // take the place of the oldest: nobody's memory grows.
      const int pipe = idle && tracing_ ? tracing_->fd() : -1;
      pollfd waits[] = {{channel_.socket(), static_cast<short>(POLLIN | speak), 0},
                        {signals_.get(), POLLIN, 0},
                        {pipe, POLLIN, 0}};
      if (poll(waits, std::size(waits), -1) < 0) {
        if (errno == EINTR) continue;
        return 71;
      }
      if (waits[1].revents != 0) return 0;
      if ((waits[0].revents & ~POLLOUT) != 0 && (!channel_.Fill() || !TakeRequests())) return 0;
      if (waits[2].revents != 0) ReadEvents();
      Flush();
    }
  }

 private:
  // trace NAME: answered by `ready`, and then by `event` again and again.
  bool TakeRequests() {
    Message message;
    bool broken = false;
    while (channel_.Next(&message, &broken)) {
      Request request(message.strings);
      const std::string verb = request.Text();
      const std::string module = request.Text();
      if (verb != "trace" || !request.ok() || tracing_) return false;
      id_ = message.id;
      Result<ReferenceTracing> opened = ReferenceTracing::Open(module);
      if (Failed(opened)) {
        Put(Reply::Of(std::get<Failure>(opened)));
        continue;
      }
      tracing_.emplace(std::get<ReferenceTracing>(std::move(opened)));
      text_.emplace(module);
      Reply ready;
      ready.Put("ready");
      Put(std::move(ready));
    }
    return !broken;
  }

  void ReadEvents() {
    const Result<std::string> read = tracing_->Read();
    if (Failed(read)) {
      Put(Reply::Of(std::get<Failure>(read)));
      tracing_.reset();
      return;
    }
    const long long offset = ClockOffset();
    for (const ReferenceEvent& event : text_->Push(std::get<std::string>(read))) {
      Put(ToReply(event, offset));
    }
  }

  // event ACTION PID COMM CALLER COUNT MILLISECONDS: COMM is optional, the time is since 1970.
  Reply ToReply(const ReferenceEvent& event, long long offset) const {
    Reply reply;
    reply.Put("event");
    reply.Put(event.get ? "get" : "put");
    reply.Put(std::to_string(OwnerOf(event.thread)));
    reply.Put(event.comm || !own_numbers_ ? event.comm : ReadComm(event.thread));
    reply.Put(event.caller);
    reply.Put(std::to_string(std::max(event.count - kKernelsOwn, 0)));
    reply.Put(std::to_string((event.microseconds + offset) / 1000));
    return reply;
  }

  // The process of a thread; where that is gone, the thread's number, which is mostly the same.
  pid_t OwnerOf(pid_t thread) const {
    if (!own_numbers_) return thread;
    const Result<std::string> text = ReadTextFile(ProcPath(thread, "status").c_str(), kTextLimit);
    if (Failed(text)) return thread;
    return ParseThreadGroup(std::get<std::string>(text)).value_or(thread);
  }

  void Put(Reply reply) { out_ += EncodeMessage({id_, reply.Take()}); }

  // As much as the socket takes; that the other end is gone is found out by reading.
  void Flush() {
    while (!out_.empty()) {
      const ssize_t sent =
          send(channel_.socket(), out_.data(), out_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0 && errno != EAGAIN) out_.clear();
      if (sent <= 0) return;
      out_.erase(0, static_cast<size_t>(sent));
    }
  }

  Channel channel_;
  bool own_numbers_;
  UniqueFd signals_;
  std::optional<ReferenceTracing> tracing_;
  std::optional<TraceText> text_;
  std::string out_;
  uint32_t id_ = 0;
};

}  // namespace

int ServeTrace(int socket) {
  return Trace(socket).Serve();
}

}  // namespace kmod
