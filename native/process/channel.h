// One end of a socket on which messages are exchanged.
#pragma once

#include <optional>
#include <string>

#include "wire.h"

namespace kmod {

class Channel {
 public:
  // Does not own the socket.
  explicit Channel(int socket) : socket_(socket) {}

  int socket() const { return socket_; }

  // Reads once, and blocks until there is something to read. Returns false at the end of the
  // conversation: the other end has closed the socket, or the socket is broken.
  bool Fill();

  // The next whole message; nullopt until Fill() has read more. A failure means that the bytes are
  // not messages; then no later message can be decoded either.
  Result<std::optional<Message>> Next() { return decoder_.Next(); }

  // Writes the whole message. Fails only if the message is too long, and then writes nothing. It is
  // no failure if the other end has closed the socket: Fill() reports that.
  Result<> Send(const Message& message) const;

 private:
  int socket_;
  MessageDecoder decoder_;
};

}  // namespace kmod
