// Any bytes as modinfo: of a built-in, and in a module file that libkmod reads.
#include <sys/mman.h>
#include <unistd.h>

#include "../libkmod/modinfo.h"
#include "../libkmod/module_index.h"
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
  static const auto opened =
      kmod::ModuleIndex::Open({folder.path(), std::vector<std::string>(), {}, false});
  const auto& index = std::get<std::unique_ptr<kmod::ModuleIndex>>(opened);
  const auto described = index->DescribeFile(folder.Write("fuzz.ko", kmod::ModuleFile(text)));
  if (!kmod::Failed(described) && std::get<kmod::ModuleDescription>(described).fields.empty()) {
    __builtin_trap();
  }
  return 0;
}
