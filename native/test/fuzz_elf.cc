// Changes bytes of a module file, and lets libkmod read what CheckElf accepts.
#include "../libkmod/file_check.h"
#include "../libkmod/session.h"
#include "module_file.h"
#include "temporary_folder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string sample = kmod::MakeModuleFile(std::string("license=GPL\0", 12));
  std::string bytes = sample;
  // Each change: an offset of two bytes, and the new byte.
  constexpr size_t kChange = 3;
  for (size_t at = 0; at + kChange <= size; at += kChange) {
    const size_t offset = (data[at] | data[at + 1] << 8) % bytes.size();
    bytes[offset] = static_cast<char>(data[at + 2]);
  }
  if (!kmod::CheckElf(bytes).ok()) return 0;

  static const kmod::TemporaryFolder folder;
  const std::string file = folder.Write("fuzz.ko", bytes);
  const auto session = kmod::Session::Open(folder.path(), std::vector<std::string>());
  if (!session.ok()) __builtin_trap();
  const auto module = (*session)->ModuleFromPath(file);
  if (!module.ok()) __builtin_trap();
  (void)(*session)->Info(module->id);
  (void)(*session)->Versions(module->id);
  (void)(*session)->ExportedSymbols(module->id);
  (void)(*session)->DependencySymbols(module->id);
  return 0;
}
