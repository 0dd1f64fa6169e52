#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <sysexits.h>

#include <cerrno>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "../net/module_events.h"
#include "conversation.h"
#include "outbox.h"
#include "privileges.h"
#include "roles.h"

namespace kmod {
namespace {

class Watch {
 public:
  Watch(RequestChannel channel, int events)
      : channel_(std::move(channel)), out_(channel_.socket()), events_(events) {}

  int Serve() {
    for (;;) {
      // While the other end does not read, events stay in the kernel's socket, which drops those
      // that do not fit: memory stays bounded.
      const bool idle = out_.empty();
      const short speak = idle ? 0 : POLLOUT;
      pollfd waits[] = {{channel_.socket(), static_cast<short>(POLLIN | speak), 0},
                        {idle && watching_ ? events_ : -1, POLLIN, 0}};
      if (poll(waits, std::size(waits), -1) < 0) {
        if (errno == EINTR) continue;
        return EX_OSERR;
      }
      if ((waits[0].revents & ~POLLOUT) != 0) {
        if (!channel_.Fill()) return EX_OK;
        if (!TakeRequests()) return EX_PROTOCOL;
      }
      if (waits[1].revents != 0) ReadEvents();
      out_.Flush();
    }
  }

 private:
  // The only request, which can be made once: watch. It is answered with `ready`, and then:
  //   event ACTION MODULE NUMBER   ACTION is "load" or "unload"
  //   overrun NUMBER               events after the one with this number were lost
  // Returns false if something other than a message arrived.
  bool TakeRequests() {
    return channel_.TakeArrived([this](const Message& message) {
      id_ = message.id;
      const Request request(message.strings);
      if (request.verb() == "watch" && request.Check().ok()) {
        watching_ = true;
        out_.Put(id_, Reply("ready"));
      } else {
        out_.Put(id_, Reply::Of(request.Malformed()));
      }
    });
  }

  // The kernel reports the loss before the events that were queued earlier, so it is passed on
  // after them.
  void ReadEvents() {
    char bytes[16 * 1024];
    bool lost = false;
    for (;;) {
      sockaddr_nl sender = {};
      socklen_t length = sizeof(sender);
      const ssize_t got =
          recvfrom(events_, bytes, sizeof(bytes), 0, reinterpret_cast<sockaddr*>(&sender), &length);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == ENOBUFS) {
        lost = true;
        continue;
      }
      if (got < 0) break;
      // Other processes can send to this socket, too; the kernel's port is 0.
      if (sender.nl_pid == 0) Tell({bytes, static_cast<size_t>(got)});
      if (!lost && !out_.empty()) {
        out_.Flush();
        if (!out_.empty()) return;
      }
    }
    if (!lost) return;
    Reply reply("overrun");
    reply.Put(last_);
    out_.Put(id_, std::move(reply));
  }

  void Tell(std::string_view text) {
    const std::optional<ModuleEvent> event = ParseModuleEvent(text);
    if (!event) return;
    last_ = event->number;
    Reply reply("event");
    reply.Put(event->load ? "load" : "unload");
    reply.Put(event->module);
    reply.Put(event->number);
    out_.Put(id_, std::move(reply));
  }

  RequestChannel channel_;
  Outbox out_;
  int events_;
  bool watching_ = false;
  uint32_t id_ = 0;              // of the request `watch`
  unsigned long long last_ = 0;  // the number of the last event
};

}  // namespace

int ServeWatch(RequestChannel channel, int events) {
  // The events are read from a socket that is open already.
  BecomeUnprivileged({});
  return Watch(std::move(channel), events).Serve();
}

}  // namespace kmod
