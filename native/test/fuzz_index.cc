// Feeds damaged indexes, and any bytes, to the check of indexes. libkmod must not crash on an index
// that passes the check.
#include "../libkmod/index_check.h"
#include "../libkmod/module_index.h"
#include "index_writer.h"
#include "temporary_folder.h"

namespace {

// A complete index in which the input overwrites bytes, as pairs of position and value. Few inputs
// of random bytes would pass the check of the magic number.
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
  if (!kmod::CheckIndex(bytes).ok()) return 0;
  static const kmod::TemporaryFolder folder;
  for (const char* name : {"dep", "alias", "symbols", "builtin"}) {
    folder.Write(std::string("modules.") + name + ".bin", bytes);
  }
  const auto opened =
      kmod::ModuleIndex::Open({folder.path(), std::vector<std::string>(), {}, {}, false});
  if (!opened.ok()) __builtin_trap();
  // Any answer is accepted: an index with wrong contents can be complete.
  const std::vector<std::string> names = {"dummy", "pci:v00001d2"};
  if (auto found = (*opened)->Resolve(names); found.ok() && found->size() != 2) __builtin_trap();
  if (auto found = (*opened)->Find(names); found.ok() && found->size() != 2) __builtin_trap();
  return 0;
}
