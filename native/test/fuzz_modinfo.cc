// Feeds any bytes as modinfo: of a built-in, and in a module file that libkmod reads.
#include <sys/mman.h>
#include <unistd.h>

#include "../libkmod/configuration.h"
#include "../libkmod/modinfo.h"
#include "../libkmod/module_file.h"
#include "module_file.h"
#include "temporary_folder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const kmod::ModinfoField& field : kmod::BuiltinFields(text, "a")) {
    if (field.key.find('=') != std::string::npos) __builtin_trap();
  }
  kmod::ListsModule(text, "a");
  kmod::ParseSoftDependencies(text);

  static const kmod::TemporaryFolder folder;
  const auto file = kmod::ReadModuleFile(folder.Write("fuzz.ko", kmod::MakeModuleFile(text)));
  if (file.ok() && file->fields.empty()) __builtin_trap();
  return 0;
}
