// What the roles of the helper share to exchange messages with Node.js.
#pragma once

#include <cstdint>
#include <functional>

#include "../process/channel.h"
#include "fields.h"

namespace kmod {

// Sends an answer. If it is longer than a message can be, a failure that says so is sent instead.
void SendReply(const Channel& channel, uint32_t id, Reply reply);

// Answers requests one after the other, until the socket closes or something other than a message
// arrives. Returns the exit status of the process.
int AnswerRequests(int socket, const std::function<Reply(Request*)>& answer);

}  // namespace kmod
