// Feeds any bytes as texts of /proc.
#include <cstddef>
#include <cstdint>

#include "../proc/proc_text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  kmod::ParseProcessStat(text);
  kmod::ParseEffectiveCapabilities(text);
  for (const kmod::Mapping& mapping : kmod::ParseMappings(text)) {
    if (mapping.path.empty() || mapping.path[0] != '/') __builtin_trap();
  }
  for (const kmod::MountLine& mount : kmod::ParseMounts(text)) {
    if (mount.path.empty() || mount.path[0] != '/') __builtin_trap();
  }
  return 0;
}
