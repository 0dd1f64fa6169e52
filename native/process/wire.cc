#include "wire.h"

#include <cerrno>

namespace kmod {
namespace {

constexpr size_t kNumberSize = 4;

void PutNumber(std::string* bytes, size_t value) {
  for (int shift = 0; shift < 32; shift += 8) {
    bytes->push_back(static_cast<char>((value >> shift) & 0xff));
  }
}

// `bytes` has at least kNumberSize bytes.
uint32_t GetNumber(std::string_view bytes) {
  uint32_t value = 0;
  for (int i = kNumberSize - 1; i >= 0; --i) value = (value << 8) | static_cast<uint8_t>(bytes[i]);
  return value;
}

// Decodes what follows the length field; nullopt if a string reaches past the end.
std::optional<Message> DecodeBody(std::string_view body) {
  if (body.size() < kNumberSize) return std::nullopt;
  Message message;
  message.id = GetNumber(body);
  body.remove_prefix(kNumberSize);
  while (!body.empty()) {
    if (body.size() < kNumberSize) return std::nullopt;
    const uint32_t size = GetNumber(body);
    body.remove_prefix(kNumberSize);
    if (size > body.size()) return std::nullopt;
    message.strings.emplace_back(body.substr(0, size));
    body.remove_prefix(size);
  }
  return message;
}

}  // namespace

Result<std::string> EncodeMessage(const Message& message) {
  size_t length = kNumberSize;
  for (const std::string& text : message.strings) {
    length += kNumberSize + text.size();
    if (length > kMessageLimit) {
      return SystemFailure(EMSGSIZE, {},
                           "a message to or from the helper program is longer than " +
                               std::to_string(kMessageLimit) + " bytes");
    }
  }
  std::string bytes;
  bytes.reserve(kNumberSize + length);
  PutNumber(&bytes, length);
  PutNumber(&bytes, message.id);
  for (const std::string& text : message.strings) {
    PutNumber(&bytes, text.size());
    bytes += text;
  }
  return bytes;
}

void MessageDecoder::Push(std::string_view bytes) {
  // Erased here and not in Next(), which would move the remaining bytes after each message.
  bytes_.erase(0, used_);
  used_ = 0;
  bytes_ += bytes;
}

Result<std::optional<Message>> MessageDecoder::Next() {
  std::string_view rest = bytes_;
  rest.remove_prefix(used_);
  if (rest.size() < kNumberSize) return std::optional<Message>();
  const size_t length = GetNumber(rest);
  rest.remove_prefix(kNumberSize);
  if (length > kMessageLimit) {
    return FormatFailure("a message of " + std::to_string(length) +
                         " bytes, more than the limit of " + std::to_string(kMessageLimit));
  }
  if (rest.size() < length) return std::optional<Message>();
  std::optional<Message> message = DecodeBody(rest.substr(0, length));
  if (!message) return FormatFailure("a message with a string that is longer than the message");
  used_ += kNumberSize + length;
  return message;
}

}  // namespace kmod
