// What the roles of the helper share to exchange messages with Node.js.
#pragma once

#include <cstdint>
#include <functional>

#include "../process/channel.h"
#include "../process/parent.h"
#include "fields.h"

namespace kmod {

// The requests of Node.js. A request of a process that has dropped privileges is not returned: it
// is answered with a failure.
class RequestChannel : public Channel {
 public:
  explicit RequestChannel(int socket) : Channel(socket), parent_(Parent::Open()) {}

  // As Channel::Next().
  Result<std::optional<Message>> Next();
  // Calls `take` for each request that has arrived. Returns false if something other than a message
  // arrived.
  bool TakeArrived(const std::function<void(const Message&)>& take);

 private:
  Parent parent_;
};

// Sends an answer. If it is longer than a message can be, a failure that says so is sent instead.
void SendReply(const Channel& channel, uint32_t id, Reply reply);

// Calls `take` for each request, one after the other, until the socket closes or something other
// than a message arrives. Returns the exit status of the process.
int TakeRequests(RequestChannel channel,
                 const std::function<void(const Channel&, const Message&)>& take);

// The same, for a role that has one answer to each request.
int AnswerRequests(RequestChannel channel, const std::function<Reply(Request*)>& answer);

}  // namespace kmod
