#include "wire.h"

namespace kmod {
namespace {

constexpr size_t kNumberSize = 4;

void PutNumber(std::string* bytes, uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) {
    bytes->push_back(static_cast<char>((value >> shift) & 0xff));
  }
}

uint32_t GetNumber(std::string_view bytes) {
  uint32_t value = 0;
  for (int i = kNumberSize - 1; i >= 0; --i) value = (value << 8) | static_cast<uint8_t>(bytes[i]);
  return value;
}

}  // namespace

std::string EncodeMessage(const Message& message) {
  std::string body;
  PutNumber(&body, message.id);
  for (const std::string& text : message.strings) {
    PutNumber(&body, static_cast<uint32_t>(text.size()));
    body += text;
  }
  std::string bytes;
  PutNumber(&bytes, static_cast<uint32_t>(body.size()));
  return bytes + body;
}

DecodeStatus DecodeMessage(std::string* buffer, Message* message) {
  std::string_view rest = *buffer;
  if (rest.size() < kNumberSize) return DecodeStatus::kIncomplete;
  const uint32_t length = GetNumber(rest);
  if (length < kNumberSize || length > kMessageLimit) return DecodeStatus::kMalformed;
  if (rest.size() - kNumberSize < length) return DecodeStatus::kIncomplete;
  rest = rest.substr(kNumberSize, length);

  message->id = GetNumber(rest);
  message->strings.clear();
  rest.remove_prefix(kNumberSize);
  while (!rest.empty()) {
    if (rest.size() < kNumberSize) return DecodeStatus::kMalformed;
    const uint32_t size = GetNumber(rest);
    rest.remove_prefix(kNumberSize);
    if (size > rest.size()) return DecodeStatus::kMalformed;
    message->strings.emplace_back(rest.substr(0, size));
    rest.remove_prefix(size);
  }
  buffer->erase(0, kNumberSize + length);
  return DecodeStatus::kMessage;
}

}  // namespace kmod
