#include "conversation.h"

#include <sysexits.h>

#include <optional>
#include <utility>

#include "../process/helper_process.h"

namespace kmod {

Result<std::optional<Message>> RequestChannel::Next() {
  for (;;) {
    Result<std::optional<Message>> message = Channel::Next();
    if (!message.ok() || !*message) return message;
    const Result<> allowed = parent_.Check();
    if (allowed.ok()) return message;
    // `kill` has no answer: its id is that of another request.
    const bool has_answer = (*message)->strings.empty() || (*message)->strings[0] != "kill";
    if (has_answer) SendReply(*this, (*message)->id, Reply::Of(allowed.failure()));
  }
}

bool RequestChannel::TakeArrived(const std::function<void(const Message&)>& take) {
  for (;;) {
    const Result<std::optional<Message>> message = Next();
    if (!message.ok()) return false;
    if (!*message) return true;
    take(**message);
  }
}

void SendReply(const Channel& channel, uint32_t id, Reply reply) {
  const Result<> sent = channel.Send({id, reply.Take()});
  // This cannot fail: the message of a failure is far below the limit.
  if (!sent.ok()) channel.Send({id, Reply::Of(sent.failure()).Take()}).IgnoreFailure();
}

int TakeRequests(RequestChannel channel,
                 const std::function<void(const Channel&, const Message&)>& take) {
  // A file can hang this process, and then it would not see that Node.js has ended.
  if (!EndWithParent(kHelperParentPipe)) return EX_OK;
  const auto take_one = [&](const Message& message) { take(channel, message); };
  while (channel.Fill()) {
    if (!channel.TakeArrived(take_one)) return EX_PROTOCOL;
  }
  return EX_OK;
}

int AnswerRequests(RequestChannel channel, const std::function<Reply(Request*)>& answer) {
  return TakeRequests(std::move(channel),
                      [&answer](const Channel& channel, const Message& message) {
                        Request request(message.strings);
                        SendReply(channel, message.id, answer(&request));
                      });
}

}  // namespace kmod
