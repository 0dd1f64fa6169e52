// Feeds any bytes as records of /dev/kmsg.
#include <cstddef>
#include <cstdint>

#include "../proc/kernel_log.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string record(reinterpret_cast<const char*>(data), size);
  const kmod::KernelLogRecord parsed = kmod::ParseKernelLogRecord(record);
  // Decoding makes a text shorter, and a record without a prefix has none.
  if (parsed.text.size() > size || (parsed.from_kernel && record.find(';') == std::string::npos)) {
    __builtin_trap();
  }
  return 0;
}
