#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
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
#include "../proc/use_count.h"
#include "../process/channel.h"
#include "conversation.h"
#include "outbox.h"
#include "privileges.h"
#include "roles.h"

namespace kmod {
namespace {

constexpr size_t kTextLimit = 64 * 1024;
// A live module has one reference of its own, which /proc/modules and /sys do not count.
constexpr int kOwnReference = 1;
constexpr ino_t kFirstPidNamespace = 0xEFFFFFFC;  // PROC_PID_INIT_INO of the kernel

// Whether this process is in the initial PID namespace. The trace contains the numbers of that
// namespace.
bool IsInFirstPidNamespace() {
  struct stat status = {};
  return stat("/proc/self/ns/pid", &status) == 0 && status.st_ino == kFirstPidNamespace;
}

long long Microseconds(clockid_t clock) {
  timespec time = {};
  clock_gettime(clock, &time);
  return time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}

// The difference between the time of day and the clock of the trace. The shortest of three
// measurements is used, because the process can be preempted between two readings.
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

// The name of a running thread, for an event that has none: the trace contains the name of a thread
// only after the kernel has switched away from that thread once.
std::optional<std::string> ReadComm(pid_t thread) {
  Result<std::string> comm = ReadTextFile(ProcPath(thread, "comm"), kTextLimit);
  if (!comm.ok()) return std::nullopt;
  if (!comm->empty()) comm->pop_back();  // the newline
  return *std::move(comm);
}

class Trace {
 public:
  explicit Trace(RequestChannel channel)
      : channel_(std::move(channel)),
        own_numbers_(IsInFirstPidNamespace()),
        out_(channel_.socket()) {
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
      // While the other end does not read, events stay in the kernel's buffer, where new events
      // replace the oldest: memory stays bounded.
      const int pipe = idle && tracing_ ? tracing_->fd() : -1;
      pollfd waits[] = {{channel_.socket(), static_cast<short>(POLLIN | speak), 0},
                        {signals_.get(), POLLIN, 0},
                        {pipe, POLLIN, 0}};
      if (poll(waits, std::size(waits), -1) < 0) {
        if (errno == EINTR) continue;
        return EX_OSERR;
      }
      if (waits[1].revents != 0) return EX_OK;
      if ((waits[0].revents & ~POLLOUT) != 0) {
        if (!channel_.Fill()) return EX_OK;
        if (!TakeRequests()) return EX_PROTOCOL;
      }
      if (waits[2].revents != 0) ReadEvents();
      out_.Flush();
    }
  }

 private:
  // The requests; a process gets only one of both kinds:
  //   trace MODULE   once. Its answers: failure FAILURE, or `ready` and then `event` for each event
  //   uses           any number of times. Its answer: failure FAILURE, or done FIRST COMPLETE COUNT
  //                  and COUNT times NAME USES, since the first request; FIRST: this is the first
  // Returns false if something other than a message arrived.
  bool TakeRequests() {
    return channel_.TakeArrived([this](const Message& message) {
      id_ = message.id;
      Request request(message.strings);
      Put(Answer(&request));
    });
  }

  void Put(Reply reply) { out_.Put(id_, std::move(reply)); }

  Reply Answer(Request* request) {
    return request->verb() == "uses" ? ReadUses(request) : Begin(request);
  }

  Reply ReadUses(Request* request) {
    if (!request->Check().ok()) return Reply::Of(request->Malformed());
    const bool first = !uses_;
    if (first) {
      Result<UseCount> opened = UseCount::Open();
      if (!opened.ok()) return Reply::Of(opened.failure());
      uses_.emplace(*std::move(opened));
    }
    const Result<Uses> uses = uses_->Read();
    if (!uses.ok()) return Reply::Of(uses.failure());
    Reply reply = Reply::Done();
    reply.Put(first);
    reply.Put(uses->complete);
    reply.Put(uses->counts.size());
    for (const auto& [name, count] : uses->counts) {
      reply.Put(name);
      reply.Put(count);
    }
    return reply;
  }

  Reply Begin(Request* request) {
    const std::string module = request->Text();
    if (request->verb() != "trace" || !request->Check().ok() || tracing_) {
      return Reply::Of(request->Malformed());
    }
    Result<ReferenceTracing> opened = ReferenceTracing::Open(module);
    if (!opened.ok()) return Reply::Of(opened.failure());
    tracing_.emplace(*std::move(opened));
    text_.emplace(module);
    return Reply("ready");
  }

  void ReadEvents() {
    const Result<std::string> read = tracing_->Read();
    if (!read.ok()) {
      Put(Reply::Of(read.failure()));
      tracing_.reset();
      return;
    }
    const long long offset = ClockOffset();
    for (const ReferenceEvent& event : text_->Push(*read)) Put(EventReply(event, offset));
  }

  // event ACTION PID COMM CALLER COUNT MILLISECONDS: ACTION is "get" or "put", COMM is optional,
  // the time is since 1970. readEvent() in lib/live/helper/trace.ts is the other end.
  Reply EventReply(const ReferenceEvent& event, long long offset) const {
    Reply reply("event");
    reply.Put(event.get ? "get" : "put");
    reply.Put(OwnerOf(event.thread));
    reply.Put(event.comm || !own_numbers_ ? event.comm : ReadComm(event.thread));
    reply.Put(event.caller);
    reply.Put(std::max(event.count - kOwnReference, 0));
    reply.Put((event.microseconds + offset) / 1000);
    return reply;
  }

  // The process of a thread. If the thread has ended, its own number, which for the first thread of
  // a process is that of the process.
  pid_t OwnerOf(pid_t thread) const {
    if (!own_numbers_) return thread;
    const Result<std::string> text = ReadTextFile(ProcPath(thread, "status"), kTextLimit);
    if (!text.ok()) return thread;
    return ParseThreadGroup(*text).value_or(thread);
  }

  RequestChannel channel_;
  bool own_numbers_;
  UniqueFd signals_;
  std::optional<ReferenceTracing> tracing_;
  std::optional<TraceText> text_;
  Outbox out_;
  std::optional<UseCount> uses_;
  uint32_t id_ = 0;  // of the last request
};

}  // namespace

int ServeTrace(RequestChannel channel) {
  // The files of tracefs belong to root. The first capability is for a system where they belong to
  // another user, and for a process that has it and is not root. The second is for names and
  // numbers of processes where /proc is mounted with hidepid.
  KeepCapabilities({CAP_DAC_OVERRIDE, CAP_SYS_PTRACE});
  return Trace(std::move(channel)).Serve();
}

}  // namespace kmod
