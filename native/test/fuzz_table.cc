// Feeds any bytes as /proc/modules.
#include "../proc/loaded_table.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const kmod::Result<kmod::TableScan> scan = kmod::ScanTable(text);
  if (!scan.ok()) return 0;
  for (const std::string_view name : scan->names) {
    // Each name is a part of the text, without spaces and newlines.
    if (name.empty() || name.data() < text.data() ||
        name.data() + name.size() > text.data() + text.size() ||
        name.find_first_of(" \n") != std::string_view::npos) {
      __builtin_trap();
    }
  }
  kmod::SameModules(*scan, *kmod::ScanTable(text));
  return 0;
}
