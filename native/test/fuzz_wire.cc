// Any bytes as messages.
#include "../process/wire.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string buffer(reinterpret_cast<const char*>(data), size);
  kmod::Message message;
  std::string again;
  while (kmod::DecodeMessage(&buffer, &message) == kmod::DecodeStatus::kMessage) {
    again += kmod::EncodeMessage(message);
  }
  // What was understood is written as it was read.
  if (again != std::string(reinterpret_cast<const char*>(data), again.size())) __builtin_trap();
  return 0;
}
