// The format of the messages between Node.js and the helper. lib/live/helper/wire.ts is the other
// end.
//
//   u32 length of the rest, u32 id, then for each string: u32 length, bytes     (little-endian)
//
// The id pairs an answer with its request. Both ends come from one package, so there is no version.
// Strings are bytes, not text: paths and parameter values need not be UTF-8.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../common/result.h"

namespace kmod {

struct Message {
  uint32_t id = 0;
  std::vector<std::string> strings;
};

// The longest message, without its length field. Far above real answers: the largest contain the
// mount tables of all namespaces.
constexpr size_t kMessageLimit = 256 * 1024 * 1024;

// Fails with EMSGSIZE if the message is longer than kMessageLimit.
Result<std::string> EncodeMessage(const Message& message);

// Assembles messages from the pieces in which a stream delivers them.
class MessageDecoder {
 public:
  void Push(std::string_view bytes);

  // The next whole message; nullopt until more bytes arrive. Fails if the bytes are not messages;
  // then no later message can be decoded either.
  Result<std::optional<Message>> Next();

 private:
  std::string bytes_;
  size_t used_ = 0;  // the front of bytes_ that was already decoded
};

}  // namespace kmod
