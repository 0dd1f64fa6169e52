#include "conversation.h"

#include <sysexits.h>

#include <optional>
#include <utility>

namespace kmod {

void SendReply(const Channel& channel, uint32_t id, Reply reply) {
  const Result<> sent = channel.Send({id, reply.Take()});
  // This cannot fail: the message of a failure is far below the limit.
  if (!sent.ok()) channel.Send({id, Reply::Of(sent.failure()).Take()}).IgnoreFailure();
}

int AnswerRequests(int socket, const std::function<Reply(Request*)>& answer) {
  Channel channel(socket);
  while (channel.Fill()) {
    for (;;) {
      const Result<std::optional<Message>> message = channel.Next();
      if (!message.ok()) return EX_PROTOCOL;
      if (!*message) break;
      Request request((*message)->strings);
      SendReply(channel, (*message)->id, answer(&request));
    }
  }
  return EX_OK;
}

}  // namespace kmod
