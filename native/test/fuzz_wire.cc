// Feeds any bytes as messages and as the fields of requests.
#include <cstddef>
#include <cstdint>

#include "../helper/change_messages.h"
#include "../process/wire.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  kmod::MessageDecoder decoder;
  decoder.Push(bytes);
  std::string again;
  for (;;) {
    const auto message = decoder.Next();
    if (!message.ok() || !*message) break;
    again += *kmod::EncodeMessage(**message);
    const auto request = kmod::ReadChangeRequest(**message);
    if (request.ok() && (*message)->strings.size() < 3) __builtin_trap();
  }
  // The messages that were decoded are encoded to the same bytes.
  if (again != bytes.substr(0, again.size())) __builtin_trap();
  return 0;
}
