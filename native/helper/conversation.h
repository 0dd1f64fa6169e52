// What the roles of the helper have in common in their conversation with Node.js.
#pragma once

#include <cstdint>
#include <functional>

#include "../process/channel.h"
#include "fields.h"

namespace kmod {

// Sends an answer. One that is longer than a message can be is replaced by the failure that says
// so.
void SendReply(const Channel& channel, uint32_t id, Reply reply);

// Answers requests one after the other, until the socket closes or something other than a message
// arrives. Returns the exit status of the process.
int AnswerRequests(int socket, const std::function<Reply(Request*)>& answer);

}  // namespace kmod
