// One libkmod context for node-kmod/libkmod: every lookup and read of libkmod.h, with plain values
// as arguments and results. The failure of a method names the function of libkmod.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../common/result.h"
#include "module_facts.h"

namespace kmod {

// A module that the session holds a reference to until Release(). No other session knows the
// number.
using ModuleId = uint32_t;

struct ModuleEntry {
  ModuleId id = 0;
  std::string name;
};
using Modules = std::vector<ModuleEntry>;

struct ModuleSoftDependencies {
  Modules pre;
  Modules post;
};

// The lists of the configuration, in the order in which libkmod iterates over them.
struct ConfigLists {
  std::vector<ConfigLine> blacklists;
  std::vector<ConfigLine> install_commands;
  std::vector<ConfigLine> remove_commands;
  std::vector<ConfigLine> aliases;
  std::vector<ConfigLine> options;
  std::vector<ConfigLine> softdeps;
  std::vector<ConfigLine> weakdeps;  // empty if the library does not know them (before libkmod 33)
};

struct ModuleSection {
  std::string name;
  uint64_t address = 0;
};

struct ModuleSymbol {
  std::string symbol;
  uint64_t crc = 0;
  std::optional<char> bind;  // enum kmod_symbol_bind; of dependency symbols only
};
using Symbols = std::vector<ModuleSymbol>;

enum class Index { kDep, kAlias, kSymbol, kBuiltinAlias, kBuiltin };

// libkmod is not thread safe: all methods, and the destructor, are called on one thread.
class Session {
 public:
  // `config`: directories or files of modprobe.d; nullopt: libkmod's own list.
  static Result<std::unique_ptr<Session>> Open(
      const std::string& directory, const std::optional<std::vector<std::string>>& config);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // What libkmod has logged since the last method that failed, or the last call.
  std::string TakeLog() const;

  Result<ModuleEntry> ModuleFromName(const std::string& name);
  Result<ModuleEntry> ModuleFromPath(const std::string& path);
  Result<std::optional<ModuleEntry>> ModuleFromNameLookup(const std::string& name);
  Result<Modules> ModulesFromLookup(const std::string& alias);
  Result<Modules> ModulesFromLoaded();
  void Release(ModuleId module);

  Result<> LoadResources();
  Result<> UnloadResources();
  // enum kmod_resources
  Result<int> ValidateResources();
  Result<ConfigLists> Config();
  Result<std::string> DumpIndex(Index index);

  Result<std::optional<std::string>> Path(ModuleId module);
  Result<std::optional<std::string>> Options(ModuleId module);
  Result<std::optional<std::string>> InstallCommands(ModuleId module);
  Result<std::optional<std::string>> RemoveCommands(ModuleId module);
  // enum kmod_module_initstate; nullopt: not loaded and not in modules.builtin.bin.
  Result<std::optional<int>> InitState(ModuleId module);
  Result<int64_t> RefCount(ModuleId module);
  Result<int64_t> Size(ModuleId module);
  Result<Modules> Holders(ModuleId module);
  Result<Modules> Dependencies(ModuleId module);
  Result<Modules> WeakDependencies(ModuleId module);
  Result<ModuleSoftDependencies> SoftDependencies(ModuleId module);
  Result<std::vector<ModinfoField>> Info(ModuleId module);
  Result<std::vector<ModuleSection>> Sections(ModuleId module);
  Result<Symbols> Versions(ModuleId module);
  Result<Symbols> ExportedSymbols(ModuleId module);
  Result<Symbols> DependencySymbols(ModuleId module);

 private:
  class Parts;
  explicit Session(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace kmod
