#include "channel.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace kmod {

bool Channel::Fill() {
  char bytes[64 * 1024];
  ssize_t got = 0;
  do {
    got = read(socket_, bytes, sizeof(bytes));
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return false;
  decoder_.Push({bytes, static_cast<size_t>(got)});
  return true;
}

Result<> Channel::Send(const Message& message) const {
  const Result<std::string> bytes = EncodeMessage(message);
  if (!bytes.ok()) return bytes.failure();
  size_t sent = 0;
  while (sent < bytes->size()) {
    // MSG_NOSIGNAL: no SIGPIPE if the other end has closed.
    const ssize_t got = send(socket_, bytes->data() + sent, bytes->size() - sent, MSG_NOSIGNAL);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      // After a part of a message, nothing else may be sent.
      shutdown(socket_, SHUT_RDWR);
      break;
    }
    sent += static_cast<size_t>(got);
  }
  return Ok();
}

}  // namespace kmod
