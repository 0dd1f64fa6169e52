// Any bytes as /proc/modules.
#include "../proc/loaded_table.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const kmod::TableScan scan = kmod::ScanTable(text);
  for (const std::string_view name : scan.names) {
    // Every name is a part of the text, has a row of its own, and no blank or newline.
    if (name.empty() || name.data() < text.data() ||
        name.data() + name.size() > text.data() + text.size() ||
        name.find_first_of(" \n") != std::string_view::npos) {
      __builtin_trap();
    }
  }
  if (scan.malformed_line == 0) kmod::SameModules(scan, kmod::ScanTable(text));
  return 0;
}
