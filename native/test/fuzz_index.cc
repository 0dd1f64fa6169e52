// Damaged indexes, and any bytes as one. What the check lets pass must be safe in libkmod's hands.
#include "../libkmod/index_check.h"
#include "../libkmod/module_index.h"
#include "index_writer.h"
#include "temporary_folder.h"

namespace {

// A whole index in which the input overwrites bytes: (position, value) pairs. Few inputs of random
// bytes would come past the magic.
std::string Damage(const uint8_t* data, size_t size) {
  kmod::IndexWriter writer;
  writer.Add("dummy", "kernel/drivers/net/dummy.ko: kernel/lib/a.ko");
  writer.Add("dumb", "kernel/drivers/net/dumb.ko:");
  writer.Add("pci:v0000*d*", "dummy");
  writer.Add("pci:v0000[0_9]*", "dumb");
  std::string bytes = writer.Write();
  for (; size >= 3; data += 3, size -= 3) {
    bytes[(data[0] * 256 + data[1]) % bytes.size()] = static_cast<char>(data[2]);
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string bytes = data[0] % 4 == 0
                                ? std::string(reinterpret_cast<const char*>(data), size)
                                : Damage(data + 1, size - 1);
  if (kmod::FindIndexFault(bytes)) return 0;
  static const kmod::TemporaryFolder folder;
  for (const char* name : {"dep", "alias", "symbols", "builtin"}) {
    folder.Write(std::string("modules.") + name + ".bin", bytes);
  }
  const auto opened =
      kmod::ModuleIndex::Open({folder.path(), std::vector<std::string>(), {}, false});
  if (kmod::Failed(opened)) __builtin_trap();
  const auto& index = std::get<std::unique_ptr<kmod::ModuleIndex>>(opened);
  index->Lookup("dummy");
  index->Lookup("pci:v00001d2");
  index->Find("dummy");
  return 0;
}
