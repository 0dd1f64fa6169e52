#include "outbox.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace kmod {

void Outbox::Put(uint32_t id, Reply reply) {
  const Result<std::string> bytes = EncodeMessage({id, reply.Take()});
  // The texts of an event are far below the limit of a message.
  if (bytes.ok()) bytes_ += *bytes;
}

void Outbox::Flush() {
  while (!bytes_.empty()) {
    const ssize_t sent = send(socket_, bytes_.data(), bytes_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno != EAGAIN) bytes_.clear();
    if (sent <= 0) return;
    bytes_.erase(0, static_cast<size_t>(sent));
  }
}

}  // namespace kmod
