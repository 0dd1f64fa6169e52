// The helper's end of the socket to the Node process.
#pragma once

#include <string>

#include "wire.h"

namespace kmod {

class Channel {
 public:
  explicit Channel(int socket) : socket_(socket) {}

  int socket() const { return socket_; }
  // Reads once what is there. False: the other end has closed (or spoke nonsense): time to go.
  bool Fill();
  // The next whole message, if there is one. Sets `*broken` on nonsense.
  bool Next(Message* message, bool* broken);
  // Writes the whole message; a reader that is gone is noticed by Fill.
  void Send(const Message& message);

 private:
  int socket_;
  std::string buffer_;
};

}  // namespace kmod
