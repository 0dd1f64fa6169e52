#include "../process/wire.h"

#include <doctest/doctest.h>

namespace kmod {
namespace {

TEST_CASE("a message survives the way there, in whatever pieces it comes") {
  const Message sent = {42, {"remove", "", std::string("a\0b", 3), std::string(100000, 'x')}};
  const std::string bytes = EncodeMessage(sent) + EncodeMessage({7, {}});
  std::string buffer;
  Message received;
  std::vector<Message> all;
  for (const char c : bytes) {
    buffer.push_back(c);
    while (DecodeMessage(&buffer, &received) == DecodeStatus::kMessage) all.push_back(received);
  }
  REQUIRE(all.size() == 2);
  CHECK(all[0].id == 42);
  CHECK(all[0].strings == sent.strings);
  CHECK(all[1].id == 7);
  CHECK(all[1].strings.empty());
  CHECK(buffer.empty());
}

TEST_CASE("nonsense is told from what is not complete yet") {
  Message message;
  const auto decode = [&message](std::string bytes) { return DecodeMessage(&bytes, &message); };
  CHECK(decode("") == DecodeStatus::kIncomplete);
  CHECK(decode(std::string("\x08\0\0\0\1\0\0", 7)) == DecodeStatus::kIncomplete);
  CHECK(decode(std::string("\xff\xff\xff\xff", 4)) == DecodeStatus::kMalformed);
  CHECK(decode(std::string("\1\0\0\0x", 5)) == DecodeStatus::kMalformed);
  // A string that reaches past its message.
  CHECK(decode(std::string("\x0a\0\0\0\1\0\0\0\x09\0\0\0ab", 14)) == DecodeStatus::kMalformed);
  CHECK(decode(std::string("\x06\0\0\0\1\0\0\0ab", 10)) == DecodeStatus::kMalformed);
}

}  // namespace
}  // namespace kmod
