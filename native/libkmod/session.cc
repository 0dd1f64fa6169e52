#include "session.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "../common/handles.h"
#include "../proc/text_file.h"
#include "file_check.h"
#include "index_check.h"
#include "session_parts.h"

namespace kmod {
namespace {

constexpr size_t kDumpLimit = 256 * 1024 * 1024;

int IndexNumber(Index index) {
  switch (index) {
    case Index::kDep:
      return kIndexDep;
    case Index::kAlias:
      return kIndexAlias;
    case Index::kSymbol:
      return kIndexSymbol;
    case Index::kBuiltinAlias:
      return kIndexBuiltinAlias;
    case Index::kBuiltin:
      break;
  }
  return kIndexBuiltin;
}

}  // namespace

ModuleEntry Session::Parts::Add(UniqueModule module) {
  const ModuleId id = next_++;
  std::string name = library().kmod_module_get_name(module.get());
  modules_.emplace(id, std::move(module));
  return {id, std::move(name)};
}

Modules Session::Parts::AddAll(kmod_list* list) {
  const UniqueModuleList owner(list, ModuleListDeleter{&library()});
  Modules modules;
  for (const kmod_list* entry = list; entry != nullptr;
       entry = library().kmod_list_next(list, entry)) {
    modules.push_back(
        Add(UniqueModule(library().kmod_module_get_module(entry), ModuleDeleter{&library()})));
  }
  return modules;
}

Result<Modules> Session::Parts::TakeModules(const char* function, kmod_list* list) {
  if (list == nullptr) {
    if (std::optional<Failure> logged = context_.TakeLogged(function)) return *logged;
  }
  return AddAll(list);
}

Result<kmod_module*> Session::Parts::Use(ModuleId module, const char* function, Needs needs) {
  const auto found = modules_.find(module);
  if (found == modules_.end()) return SystemFailure(ESTALE, function, "the module was released");
  kmod_module* raw = found->second.get();
  if (needs != kNothing) {
    if (const Result<> checked = CheckIndexes(function); !checked.ok()) return checked.failure();
  }
  if (needs == kIndexesAndFile) {
    const char* path = library().kmod_module_get_path(raw);
    const Result<> checked = path != nullptr
                                 ? CheckModuleFile(path)
                                 : CheckRegularFile(directory_ + "/modules.builtin.modinfo");
    // ENOEXEC: libkmod's own answer for a file that is no module.
    if (!checked.ok()) return Refused(checked.failure(), function, ENOEXEC);
  }
  context_.TakeLog();
  return raw;
}

Result<> Session::Parts::CheckIndexes(const char* function) {
  context_.TakeLog();
  if (checked_ && !checked_->HaveChanged()) return Ok();
  // The stamps are taken before the files are read, so that a change during the reading is noticed.
  FileStamps stamps = FileStamps::Take({directory_, std::vector<std::string>(), {}, {}, true});
  if (const Result<> checked = CheckIndexFiles(directory_); !checked.ok()) {
    return Refused(checked.failure(), function, EINVAL);
  }
  checked_ = std::move(stamps);
  return Ok();
}

Failure Refused(Failure failure, const char* function, int error) {
  failure.syscall = function;
  if (failure.error == 0) failure.error = error;
  return failure;
}

Failure UnsupportedFunction(const char* function, const char* since) {
  Failure failure;
  failure.kind = FailureKind::kUnsupported;
  failure.error = ENOSYS;
  failure.syscall = function;
  failure.detail = std::string("the libkmod of this system does not have ") + function +
                   ", which is new in libkmod " + since;
  return failure;
}

Session::Session(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Session::~Session() = default;

Result<std::unique_ptr<Session>> Session::Open(
    const std::string& directory, const std::optional<std::vector<std::string>>& config) {
  if (const Result<> checked = CheckConfigFiles(directory, config); !checked.ok()) {
    return Refused(checked.failure(), "kmod_new", EINVAL);
  }
  Result<Context> context = Context::Open({directory, config, {}, {}, true});
  if (!context.ok()) return context.failure();
  return std::unique_ptr<Session>(
      new Session(std::make_unique<Parts>(*std::move(context), directory)));
}

std::string Session::TakeLog() const {
  return parts_->context().TakeLog();
}

Result<ModuleEntry> Session::ModuleFromName(const std::string& name) {
  parts_->context().TakeLog();
  Result<UniqueModule> module = parts_->context().NewModule(name);
  if (!module.ok()) return module.failure();
  return parts_->Add(*std::move(module));
}

Result<ModuleEntry> Session::ModuleFromPath(const std::string& path) {
  parts_->context().TakeLog();
  kmod_module* raw = nullptr;
  const int error =
      parts_->library().kmod_module_new_from_path(parts_->context().get(), path.c_str(), &raw);
  if (error < 0) return SystemFailure(-error, "kmod_module_new_from_path", path);
  return parts_->Add(UniqueModule(raw, ModuleDeleter{&parts_->library()}));
}

Result<std::optional<ModuleEntry>> Session::ModuleFromNameLookup(const std::string& name) {
  constexpr const char* kFunction = "kmod_module_new_from_name_lookup";
  const auto look_up = parts_->library().kmod_module_new_from_name_lookup;
  if (look_up == nullptr) return UnsupportedFunction(kFunction, "30");
  if (const Result<> checked = parts_->CheckIndexes(kFunction); !checked.ok()) {
    return checked.failure();
  }
  kmod_module* raw = nullptr;
  const int error = look_up(parts_->context().get(), name.c_str(), &raw);
  if (error < 0) return parts_->Failed(kFunction, error);
  if (raw == nullptr) return std::optional<ModuleEntry>();
  return std::optional(parts_->Add(UniqueModule(raw, ModuleDeleter{&parts_->library()})));
}

Result<Modules> Session::ModulesFromLookup(const std::string& alias) {
  constexpr const char* kFunction = "kmod_module_new_from_lookup";
  if (const Result<> checked = parts_->CheckIndexes(kFunction); !checked.ok()) {
    return checked.failure();
  }
  kmod_list* list = nullptr;
  const int error =
      parts_->library().kmod_module_new_from_lookup(parts_->context().get(), alias.c_str(), &list);
  if (error < 0) return parts_->Failed(kFunction, error);
  return parts_->AddAll(list);
}

Result<Modules> Session::ModulesFromLoaded() {
  parts_->context().TakeLog();
  kmod_list* list = nullptr;
  const int error = parts_->library().kmod_module_new_from_loaded(parts_->context().get(), &list);
  if (error < 0) return parts_->Failed("kmod_module_new_from_loaded", error);
  return parts_->AddAll(list);
}

void Session::Release(ModuleId module) {
  parts_->Release(module);
}

Result<> Session::LoadResources() {
  constexpr const char* kFunction = "kmod_load_resources";
  if (Result<> checked = parts_->CheckIndexes(kFunction); !checked.ok()) return checked;
  const int error = parts_->library().kmod_load_resources(parts_->context().get());
  if (error < 0) return parts_->Failed(kFunction, error);
  return Ok();
}

Result<> Session::UnloadResources() {
  parts_->library().kmod_unload_resources(parts_->context().get());
  return Ok();
}

Result<int> Session::ValidateResources() {
  parts_->context().TakeLog();
  const int state = parts_->library().kmod_validate_resources(parts_->context().get());
  if (state < 0) return parts_->Failed("kmod_validate_resources", state);
  return state;
}

Result<ConfigLists> Session::Config() {
  const Libkmod& library = parts_->library();
  ConfigLists lists;
  const struct {
    kmod_config_iter* (*open)(const kmod_ctx*);
    std::vector<ConfigLine>* lines;
  } all[] = {
      {library.kmod_config_get_blacklists, &lists.blacklists},
      {library.kmod_config_get_install_commands, &lists.install_commands},
      {library.kmod_config_get_remove_commands, &lists.remove_commands},
      {library.kmod_config_get_aliases, &lists.aliases},
      {library.kmod_config_get_options, &lists.options},
      {library.kmod_config_get_softdeps, &lists.softdeps},
      {library.kmod_config_get_weakdeps, &lists.weakdeps},
  };
  for (const auto& one : all) {
    if (one.open == nullptr) continue;
    Result<std::vector<ConfigLine>> lines = parts_->context().ConfigLines(one.open);
    if (!lines.ok()) return lines.failure();
    *one.lines = *std::move(lines);
  }
  return lists;
}

Result<std::string> Session::DumpIndex(Index index) {
  constexpr const char* kFunction = "kmod_dump_index";
  if (const Result<> checked = parts_->CheckIndexes(kFunction); !checked.ok()) {
    return checked.failure();
  }
  const UniqueFd memory(memfd_create("kmod-index", MFD_CLOEXEC));
  if (!memory) return SystemFailure(errno, "memfd_create");
  const int error =
      parts_->library().kmod_dump_index(parts_->context().get(), IndexNumber(index), memory.get());
  if (error < 0) return parts_->Failed(kFunction, error);
  if (lseek(memory.get(), 0, SEEK_SET) < 0) return SystemFailure(errno, "lseek");
  return ReadToEnd(memory.get(), "the index", kDumpLimit);
}

}  // namespace kmod
