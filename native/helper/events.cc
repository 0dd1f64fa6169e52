#include "events.h"

#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include "../net/change_watch.h"
#include "../process/channel.h"
#include "reply.h"

namespace kmod {
namespace {

// A removal sends several messages, the first a moment before the module is out of the table.
constexpr useconds_t kSettleMicroseconds = 1000;

class Events {
 public:
  explicit Events(int socket) : channel_(socket) {}

  int Serve() {
    for (;;) {
      if (watch_ && watch_->Await(channel_.socket())) {
        usleep(kSettleMicroseconds);
        watch_->Drain();
        channel_.Send({id_, {"changed"}});
      } else if (!channel_.Fill() || !TakeRequests()) {
        return 0;
      }
    }
  }

 private:
  // watch: answered by `ready`, and then by `changed` again and again.
  bool TakeRequests() {
    Message message;
    bool broken = false;
    while (channel_.Next(&message, &broken)) {
      Result<ChangeWatch> opened = ChangeWatch::Open();
      if (message.strings != std::vector<std::string>{"watch"}) {
        channel_.Send({message.id, Reply::Of(SystemFailure(EBADMSG, "read")).Take()});
      } else if (Failed(opened)) {
        channel_.Send({message.id, Reply::Of(std::get<Failure>(opened)).Take()});
      } else {
        id_ = message.id;
        watch_ = std::get<ChangeWatch>(std::move(opened));
        channel_.Send({id_, {"ready"}});
      }
    }
    return !broken;
  }

  Channel channel_;
  std::optional<ChangeWatch> watch_;
  uint32_t id_ = 0;
};

}  // namespace

int ServeEvents(int socket) {
  return Events(socket).Serve();
}

}  // namespace kmod
