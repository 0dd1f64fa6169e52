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
  buffer_.append(bytes, static_cast<size_t>(got));
  return true;
}

bool Channel::Next(Message* message, bool* broken) {
  const DecodeStatus status = DecodeMessage(&buffer_, message);
  *broken = status == DecodeStatus::kMalformed;
  return status == DecodeStatus::kMessage;
}

void Channel::Send(const Message& message) {
  const std::string bytes = EncodeMessage(message);
  size_t sent = 0;
  while (sent < bytes.size()) {
    // MSG_NOSIGNAL: the Node process may be gone.
    const ssize_t got = send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    sent += static_cast<size_t>(got);
  }
}

}  // namespace kmod
