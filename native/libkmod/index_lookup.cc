#include "index_lookup.h"

#include <cerrno>
#include <utility>

#include "../proc/text_file.h"
#include "index_check.h"
#include "modinfo.h"

namespace kmod {
namespace {

constexpr size_t kBuiltinLimit = 16 * 1024 * 1024;

}  // namespace

Result<std::unique_ptr<IndexLookup>> IndexLookup::Open(Context context, std::string directory) {
  if (const Result<> checked = CheckIndexFiles(directory); !checked.ok()) return checked.failure();
  // Maps all indexes at once, and none if one of them is missing. Then libkmod opens the others
  // each time it needs them, so the failure only costs time.
  context.library().kmod_load_resources(context.get());
  // Discards the log so far, which is about the configuration.
  context.TakeLog();
  return std::unique_ptr<IndexLookup>(new IndexLookup(std::move(context), std::move(directory)));
}

Result<std::vector<std::string>> IndexLookup::Resolve(const std::string& alias) const {
  const Libkmod& library = context_.library();
  kmod_list* list = nullptr;
  const int error = -library.kmod_module_new_from_lookup(context_.get(), alias.c_str(), &list);
  const UniqueModuleList owner(list, ModuleListDeleter{&library});
  // EINVAL: a text like "a[b" or "x]" is not a valid pattern, so nothing can match it. ENOSYS:
  // there is no index.
  if (error == EINVAL || error == ENOSYS) return std::vector<std::string>();
  if (error > 0) return SystemFailure(error, "kmod_module_new_from_lookup", context_.TakeLog());
  return context_.NamesIn(list);
}

Result<Presence> IndexLookup::Find(const std::string& name) const {
  const Result<UniqueModule> module = context_.NewModule(name);
  if (!module.ok()) return module.failure();
  Presence presence;
  context_.TakeLog();
  const char* path = context_.library().kmod_module_get_path(module->get());
  if (path != nullptr) {
    presence.path = path;
    return presence;
  }
  // libkmod returns null both for a module that the index does not have and for an error; only an
  // error is logged.
  if (std::string log = context_.TakeLog(); !log.empty()) {
    return SystemFailure(0, "kmod_module_get_path", std::move(log));
  }
  const Result<bool> builtin = IsBuiltin(*module, name);
  if (!builtin.ok()) return builtin.failure();
  presence.builtin = *builtin;
  return presence;
}

Result<bool> IndexLookup::IsBuiltin(const UniqueModule& module, const std::string& name) const {
  if (context_.library().kmod_module_get_initstate(module.get()) == kInitstateBuiltin) return true;
  // If depmod has not run yet, there is only this text file.
  const std::string path = directory_ + "/modules.builtin";
  const Result<std::string> text = ReadTextFile(path, kBuiltinLimit);
  if (text.ok()) return ListsModule(*text, name);
  if (text.failure().error == ENOENT || text.failure().error == ENOTDIR) return false;
  return text.failure();
}

Result<std::vector<std::string>> IndexLookup::Needs(const std::string& name) const {
  const Result<UniqueModule> module = context_.NewModule(name);
  if (!module.ok()) return module.failure();
  context_.TakeLog();
  const Libkmod& library = context_.library();
  const UniqueModuleList list(library.kmod_module_get_dependencies(module->get()),
                              ModuleListDeleter{&library});
  // libkmod returns null both for an error and for an empty list, as in Find(). It drops the whole
  // list if the file of one dependency is missing.
  if (std::string log = context_.TakeLog(); list == nullptr && !log.empty()) {
    return SystemFailure(0, "kmod_module_get_dependencies", std::move(log));
  }
  return context_.NamesIn(list.get());
}

}  // namespace kmod
