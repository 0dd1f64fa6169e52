// Feeds any bytes as a file of modprobe.d, which libkmod reads, and as a load list.
#include <cstddef>
#include <cstdint>

#include "../libkmod/configuration.h"
#include "../libkmod/context.h"
#include "temporary_folder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const std::string& name : kmod::ParseLoadList(text)) {
    if (name.empty() || name[0] == '#' || name.find('\n') != std::string::npos) __builtin_trap();
  }

  static const kmod::TemporaryFolder folder;
  kmod::IndexSource source;
  source.directory = folder.path("modules");
  source.config = {folder.path("modprobe.d")};
  source.kernel_command_line = false;
  folder.Write("modprobe.d/fuzz.conf", text);
  const auto context = kmod::Context::Open(source);
  if (!context.ok()) __builtin_trap();
  const auto configuration = kmod::Configuration::Read(*context, source);
  if (!configuration.ok()) __builtin_trap();
  configuration->OptionsOf("a");
  configuration->InstallCommandOf("a");
  configuration->RemoveCommandOf("a");
  configuration->IsBlacklisted("a");
  for (const std::string& module : configuration->SoftDependenciesOf("a").pre) {
    if (module.empty()) __builtin_trap();
  }
  configuration->ModulesOf("a");
  return 0;
}
