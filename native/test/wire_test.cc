#include "../process/wire.h"

#include <doctest/doctest.h>

#include <cerrno>

namespace kmod {
namespace {

// All messages in some bytes, or the failure at which decoding ends.
Result<std::vector<Message>> DecodeAll(MessageDecoder* decoder) {
  std::vector<Message> messages;
  for (;;) {
    Result<std::optional<Message>> message = decoder->Next();
    if (!message.ok()) return message.failure();
    if (!*message) return messages;
    messages.push_back(**std::move(message));
  }
}

Result<std::vector<Message>> Decode(std::string_view bytes) {
  MessageDecoder decoder;
  decoder.Push(bytes);
  return DecodeAll(&decoder);
}

TEST_CASE("messages are decoded as they were sent, in whatever pieces they arrive") {
  const Message sent = {42, {"remove", "", std::string("a\0b", 3), std::string(100000, 'x')}};
  const std::string bytes = *EncodeMessage(sent) + *EncodeMessage({7, {}});
  for (const size_t size : {size_t{1}, size_t{7}, size_t{4096}, bytes.size()}) {
    CAPTURE(size);
    MessageDecoder decoder;
    std::vector<Message> all;
    for (size_t at = 0; at < bytes.size(); at += size) {
      decoder.Push(std::string_view(bytes).substr(at, size));
      for (Message& message : *DecodeAll(&decoder)) all.push_back(std::move(message));
    }
    REQUIRE(all.size() == 2);
    CHECK(all[0].id == 42);
    CHECK(all[0].strings == sent.strings);
    CHECK(all[1].id == 7);
    CHECK(all[1].strings.empty());
  }
}

TEST_CASE("an incomplete message is no failure") {
  CHECK(Decode("")->empty());
  CHECK(Decode(std::string_view("\x08\0\0\0\1\0\0", 7))->empty());
}

TEST_CASE("bytes that are not a message are a failure") {
  for (const std::string_view bytes :
       {std::string_view("\xff\xff\xff\xff", 4),                            // longer than the limit
        std::string_view("\1\0\0\0x", 5),                                   // without an id
        std::string_view("\x0a\0\0\0\1\0\0\0\x09\0\0\0ab", 14),             // a string too long
        std::string_view("\x06\0\0\0\1\0\0\0ab", 10),                       // half a length
        std::string_view("\x0a\0\0\0\1\0\0\0\xff\xff\xff\xff\0\0", 14)}) {  // would overflow
    const auto decoded = Decode(bytes);
    REQUIRE_FALSE(decoded.ok());
    CHECK(decoded.failure().kind == FailureKind::kFormat);
  }
}

TEST_CASE("the messages before a malformed one are delivered, and none after it") {
  MessageDecoder decoder;
  decoder.Push(*EncodeMessage({1, {"a"}}) + std::string("\1\0\0\0x", 5) + *EncodeMessage({2, {}}));
  const auto first = decoder.Next();
  REQUIRE(first.ok());
  CHECK((*first)->id == 1);
  CHECK_FALSE(decoder.Next().ok());
  CHECK_FALSE(decoder.Next().ok());
}

TEST_CASE("a message that is too long is not encoded") {
  const auto encoded = EncodeMessage({1, {std::string(kMessageLimit, 'x')}});
  REQUIRE_FALSE(encoded.ok());
  CHECK(encoded.failure().error == EMSGSIZE);
  const std::string almost(kMessageLimit - 8, 'x');
  CHECK(EncodeMessage({1, {almost}}).ok());
}

}  // namespace
}  // namespace kmod
