#include <sysexits.h>
#include <unistd.h>

#include <optional>
#include <utility>

#include "../net/change_watch.h"
#include "../process/channel.h"
#include "conversation.h"
#include "privileges.h"
#include "roles.h"

namespace kmod {
namespace {

// The kernel sends several events for a removal, the first shortly before the module disappears
// from /proc/modules. One answer is sent for all of them.
constexpr useconds_t kSettleMicroseconds = 1000;

class Events {
 public:
  explicit Events(RequestChannel channel) : channel_(std::move(channel)) {}

  int Serve() {
    for (;;) {
      if (watch_) {
        const Result<ChangeWatch::Event> event = watch_->Await(channel_.socket());
        if (!event.ok()) return EX_OSERR;
        if (*event == ChangeWatch::Event::kChange) {
          usleep(kSettleMicroseconds);
          watch_->Drain();
          SendReply(channel_, id_, Reply("changed"));
          continue;
        }
      }
      if (!channel_.Fill()) return EX_OK;
      if (!TakeRequests()) return EX_PROTOCOL;
    }
  }

 private:
  // The only request: watch. Its answers: failure FAILURE, or `ready` and then `changed` for each
  // change. Returns false if something other than a message arrived.
  bool TakeRequests() {
    return channel_.TakeArrived([this](const Message& message) {
      id_ = message.id;
      const Request request(message.strings);
      SendReply(channel_, id_, Watch(request));
    });
  }

  Reply Watch(const Request& request) {
    const bool known = request.verb() == "watch" && request.Check().ok();
    if (!known) return Reply::Of(request.Malformed());
    Result<ChangeWatch> opened = ChangeWatch::Open();
    if (!opened.ok()) return Reply::Of(opened.failure());
    watch_ = *std::move(opened);
    return Reply("ready");
  }

  RequestChannel channel_;
  std::optional<ChangeWatch> watch_;
  uint32_t id_ = 0;  // of the request `watch`
};

}  // namespace

int ServeEvents(RequestChannel channel) {
  BecomeUnprivileged({});
  return Events(std::move(channel)).Serve();
}

}  // namespace kmod
