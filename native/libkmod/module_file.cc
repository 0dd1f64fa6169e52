#include "module_file.h"

#include <sys/stat.h>

#include <cerrno>

#include "context.h"

namespace kmod {
Result<ModuleFile> ReadModuleFile(const std::string& path) {
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) return SystemFailure(errno, "open", path);
  if (!S_ISREG(status.st_mode)) return FormatFailure(path + " is not a regular file");

  // A new context for each file: a context refuses a second path for a name that it knows.
  const Result<Context> context = Context::OpenBare();
  if (!context.ok()) return context.failure();
  const Libkmod& library = context->library();
  kmod_module* raw = nullptr;
  int error = -library.kmod_module_new_from_path(context->get(), path.c_str(), &raw);
  const UniqueModule module(raw, ModuleDeleter{&library});
  if (!module) {
    if (error == ENOENT || error == EACCES || error == ENOTDIR || error == ELOOP) {
      return SystemFailure(error, "open", path);
    }
    return FormatFailure(path +
                         " is not named like a kernel module (.ko, .ko.xz, .ko.zst, .ko.gz)");
  }

  kmod_list* list = nullptr;
  error = -library.kmod_module_get_info(module.get(), &list);
  const UniqueInfoList owner(list, InfoListDeleter{&library});
  if (error > 0) {
    if (error == EACCES || error == EPERM || error == EIO || error == EMFILE) {
      return SystemFailure(error, "open", path);
    }
    return FormatFailure(path + " is not a kernel module that this libkmod can read (" +
                         ErrnoName(error) + ")");
  }
  ModuleFile file;
  file.name = library.kmod_module_get_name(module.get());
  for (const kmod_list* entry = list; entry != nullptr;
       entry = library.kmod_list_next(list, entry)) {
    const char* key = library.kmod_module_info_get_key(entry);
    const char* value = library.kmod_module_info_get_value(entry);
    if (key == nullptr) continue;
    file.fields.push_back({key, value == nullptr ? "" : value});
    if (file.fields.back().key == "name") file.name = file.fields.back().value;
  }
  if (file.fields.empty()) return FormatFailure(path + " has no module information");
  return file;
}

}  // namespace kmod
