// Feeds any bytes as texts of /proc.
#include <cstddef>
#include <cstdint>

#include "../proc/proc_text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  kmod::ParseProcessStat(text);
  kmod::ParseEffectiveCapabilities(text);
  for (const std::string& path : kmod::ParseMappedPaths(text)) {
    if (path.empty() || path[0] != '/') __builtin_trap();
  }
  const std::vector<kmod::MountLine> mounts = kmod::ParseMounts(text);
  for (const kmod::MountLine& mount : mounts) {
    const kmod::MountLine* covering = kmod::CoveringMount(mounts, mount.path);
    if (covering != nullptr && !kmod::IsBelow(mount.path, covering->path)) __builtin_trap();
  }
  return 0;
}
