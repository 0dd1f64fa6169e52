// The methods of Session about one module.
#include <dirent.h>

#include <cerrno>
#include <cstdlib>

#include "../common/handles.h"
#include "../proc/text_file.h"
#include "session_parts.h"

namespace kmod {
namespace {

using Text = std::optional<std::string>;

Text ToText(const char* text) {
  if (text == nullptr) return std::nullopt;
  return text;
}

// The functions of libkmod for one of its three lists of symbols.
struct SymbolFunctions {
  const char* name;
  int (*get)(const kmod_module*, kmod_list**);
  const char* (*symbol)(const kmod_list*);
  uint64_t (*crc)(const kmod_list*);
  int (*bind)(const kmod_list*);  // null: this list has none
  void (*free)(kmod_list*);
};

}  // namespace

Result<Text> Session::Path(ModuleId module) {
  constexpr const char* kFunction = "kmod_module_get_path";
  const Result<kmod_module*> found = parts_->Use(module, kFunction, Parts::kIndexes);
  if (!found.ok()) return found.failure();
  const char* path = parts_->library().kmod_module_get_path(*found);
  // Null both for a module that the index does not have and for an error; only an error is logged.
  if (path == nullptr) {
    if (std::optional<Failure> logged = parts_->context().TakeLogged(kFunction)) return *logged;
  }
  return ToText(path);
}

Result<Text> Session::Options(ModuleId module) {
  const Result<kmod_module*> found = parts_->Use(module, "kmod_module_get_options");
  if (!found.ok()) return found.failure();
  return ToText(parts_->library().kmod_module_get_options(*found));
}

Result<Text> Session::InstallCommands(ModuleId module) {
  const Result<kmod_module*> found = parts_->Use(module, "kmod_module_get_install_commands");
  if (!found.ok()) return found.failure();
  return ToText(parts_->library().kmod_module_get_install_commands(*found));
}

Result<Text> Session::RemoveCommands(ModuleId module) {
  const Result<kmod_module*> found = parts_->Use(module, "kmod_module_get_remove_commands");
  if (!found.ok()) return found.failure();
  return ToText(parts_->library().kmod_module_get_remove_commands(*found));
}

Result<std::optional<int>> Session::InitState(ModuleId module) {
  constexpr const char* kFunction = "kmod_module_get_initstate";
  const Result<kmod_module*> found = parts_->Use(module, kFunction, Parts::kIndexes);
  if (!found.ok()) return found.failure();
  const int state = parts_->library().kmod_module_get_initstate(*found);
  if (state == -ENOENT) return std::optional<int>();
  if (state < 0) return parts_->Failed(kFunction, state);
  return std::optional(state);
}

Result<int64_t> Session::RefCount(ModuleId module) {
  constexpr const char* kFunction = "kmod_module_get_refcnt";
  const Result<kmod_module*> found = parts_->Use(module, kFunction);
  if (!found.ok()) return found.failure();
  const int count = parts_->library().kmod_module_get_refcnt(*found);
  // -1 is what the kernel writes while it unloads the module; libkmod would also return it for
  // EPERM, with which the kernel never refuses to open this file.
  if (count < -1) return parts_->Failed(kFunction, count);
  return static_cast<int64_t>(count);
}

Result<int64_t> Session::Size(ModuleId module) {
  constexpr const char* kFunction = "kmod_module_get_size";
  const Result<kmod_module*> found = parts_->Use(module, kFunction);
  if (!found.ok()) return found.failure();
  const long size = parts_->library().kmod_module_get_size(*found);
  if (size < 0) return parts_->Failed(kFunction, size);
  return static_cast<int64_t>(size);
}

Result<Modules> Session::Holders(ModuleId module) {
  constexpr const char* kFunction = "kmod_module_get_holders";
  const Result<kmod_module*> found = parts_->Use(module, kFunction);
  if (!found.ok()) return found.failure();
  return parts_->TakeModules(kFunction, parts_->library().kmod_module_get_holders(*found));
}

Result<Modules> Session::Dependencies(ModuleId module) {
  constexpr const char* kFunction = "kmod_module_get_dependencies";
  const Result<kmod_module*> found = parts_->Use(module, kFunction, Parts::kIndexes);
  if (!found.ok()) return found.failure();
  return parts_->TakeModules(kFunction, parts_->library().kmod_module_get_dependencies(*found));
}

// libkmod looks the names up in the indexes, because they can be aliases; so also in the next
// method.
Result<Modules> Session::WeakDependencies(ModuleId module) {
  constexpr const char* kFunction = "kmod_module_get_weakdeps";
  const auto get = parts_->library().kmod_module_get_weakdeps;
  if (get == nullptr) return UnsupportedFunction(kFunction, "33");
  const Result<kmod_module*> found = parts_->Use(module, kFunction, Parts::kIndexes);
  if (!found.ok()) return found.failure();
  kmod_list* list = nullptr;
  const int error = get(*found, &list);
  if (error < 0) return parts_->Failed(kFunction, error);
  return parts_->AddAll(list);
}

Result<ModuleSoftDependencies> Session::SoftDependencies(ModuleId module) {
  constexpr const char* kFunction = "kmod_module_get_softdeps";
  const Result<kmod_module*> found = parts_->Use(module, kFunction, Parts::kIndexes);
  if (!found.ok()) return found.failure();
  kmod_list* pre = nullptr;
  kmod_list* post = nullptr;
  const int error = parts_->library().kmod_module_get_softdeps(*found, &pre, &post);
  if (error < 0) return parts_->Failed(kFunction, error);
  return ModuleSoftDependencies{parts_->AddAll(pre), parts_->AddAll(post)};
}

Result<std::vector<ModinfoField>> Session::Info(ModuleId module) {
  constexpr const char* kFunction = "kmod_module_get_info";
  const Result<kmod_module*> found = parts_->Use(module, kFunction, Parts::kIndexesAndFile);
  if (!found.ok()) return found.failure();
  const Libkmod& library = parts_->library();
  kmod_list* list = nullptr;
  const int error = library.kmod_module_get_info(*found, &list);
  const UniqueInfoList owner(list, InfoListDeleter{&library});
  const char* path = library.kmod_module_get_path(*found);
  if ((error == -ENOENT || error == -ENODATA) && path != nullptr) {
    return Refused(FormatFailure(std::string(path) + " has no module information"), kFunction,
                   ENOENT);
  }
  if (error < 0) return parts_->Failed(kFunction, error);
  std::vector<ModinfoField> fields;
  for (const kmod_list* entry = list; entry != nullptr;
       entry = library.kmod_list_next(list, entry)) {
    const char* key = library.kmod_module_info_get_key(entry);
    const char* value = library.kmod_module_info_get_value(entry);
    if (key != nullptr) fields.push_back({key, value == nullptr ? "" : value});
  }
  return fields;
}

// kmod_module_get_sections() itself is not called: if the module is removed while it reads, it
// frees its list with the function for another type, which damages memory (libkmod 28 to 34).
Result<std::vector<ModuleSection>> Session::Sections(ModuleId module) {
  constexpr const char* kFunction = "kmod_module_get_sections";
  constexpr size_t kLimit = 4096;
  constexpr int kHexadecimal = 16;
  const Result<kmod_module*> found = parts_->Use(module, kFunction);
  if (!found.ok()) return found.failure();
  const std::string name = parts_->library().kmod_module_get_name(*found);
  const std::string folder = "/sys/module/" + name + "/sections";
  const UniqueDir directory(opendir(folder.c_str()));
  if (!directory) return SystemFailure(errno, kFunction, folder);
  std::vector<ModuleSection> sections;
  while (const dirent* entry = readdir(directory.get())) {
    const std::string section = entry->d_name;
    if (section == "." || section == "..") continue;
    const Result<std::string> text = ReadTextFile(folder + "/" + section, kLimit);
    if (!text.ok()) return Refused(text.failure(), kFunction, EIO);
    sections.push_back({section, std::strtoull(text->c_str(), nullptr, kHexadecimal)});
  }
  return sections;
}

namespace {

Result<Symbols> ReadSymbols(const Context& context, const kmod_module* module,
                            const SymbolFunctions& functions) {
  kmod_list* list = nullptr;
  const int error = functions.get(module, &list);
  // The file has no such section. (ENOENT also means that there is no file; but Use() has just read
  // it.)
  const bool has_file = context.library().kmod_module_get_path(module) != nullptr;
  if (error == -ENODATA || (error == -ENOENT && has_file)) return Symbols();
  if (error < 0) return SystemFailure(-error, functions.name, context.TakeLog());
  Symbols symbols;
  for (const kmod_list* entry = list; entry != nullptr;
       entry = context.library().kmod_list_next(list, entry)) {
    const char* symbol = functions.symbol(entry);
    std::optional<char> bind;
    if (functions.bind != nullptr) bind = static_cast<char>(functions.bind(entry));
    symbols.push_back({symbol == nullptr ? "" : symbol, functions.crc(entry), bind});
  }
  functions.free(list);
  return symbols;
}

}  // namespace

Result<Symbols> Session::Versions(ModuleId module) {
  const Libkmod& library = parts_->library();
  const SymbolFunctions functions = {"kmod_module_get_versions",
                                     library.kmod_module_get_versions,
                                     library.kmod_module_version_get_symbol,
                                     library.kmod_module_version_get_crc,
                                     nullptr,
                                     library.kmod_module_versions_free_list};
  const Result<kmod_module*> found = parts_->Use(module, functions.name, Parts::kIndexesAndFile);
  if (!found.ok()) return found.failure();
  return ReadSymbols(parts_->context(), *found, functions);
}

Result<Symbols> Session::ExportedSymbols(ModuleId module) {
  const Libkmod& library = parts_->library();
  const SymbolFunctions functions = {"kmod_module_get_symbols",
                                     library.kmod_module_get_symbols,
                                     library.kmod_module_symbol_get_symbol,
                                     library.kmod_module_symbol_get_crc,
                                     nullptr,
                                     library.kmod_module_symbols_free_list};
  const Result<kmod_module*> found = parts_->Use(module, functions.name, Parts::kIndexesAndFile);
  if (!found.ok()) return found.failure();
  return ReadSymbols(parts_->context(), *found, functions);
}

Result<Symbols> Session::DependencySymbols(ModuleId module) {
  const Libkmod& library = parts_->library();
  const SymbolFunctions functions = {"kmod_module_get_dependency_symbols",
                                     library.kmod_module_get_dependency_symbols,
                                     library.kmod_module_dependency_symbol_get_symbol,
                                     library.kmod_module_dependency_symbol_get_crc,
                                     library.kmod_module_dependency_symbol_get_bind,
                                     library.kmod_module_dependency_symbols_free_list};
  const Result<kmod_module*> found = parts_->Use(module, functions.name, Parts::kIndexesAndFile);
  if (!found.ok()) return found.failure();
  return ReadSymbols(parts_->context(), *found, functions);
}

}  // namespace kmod
