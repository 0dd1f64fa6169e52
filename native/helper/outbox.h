// Answers that wait until the other end reads them, for roles that must not block while they send.
#pragma once

#include <cstdint>
#include <string>

#include "../process/channel.h"
#include "fields.h"

namespace kmod {

class Outbox {
 public:
  // Does not own the socket.
  explicit Outbox(int socket) : socket_(socket) {}

  bool empty() const { return bytes_.empty(); }
  void Put(uint32_t id, Reply reply);
  // Sends as much as the socket takes. If the other end has closed it, nothing is kept.
  void Flush();

 private:
  int socket_;
  std::string bytes_;  // encoded messages
};

}  // namespace kmod
