#include "remove.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "context.h"

namespace kmod {

Result<ModuleRemover> ModuleRemover::Open() {
  const Result<const Libkmod*> opened = Libkmod::Open();
  if (Failed(opened)) return std::get<Failure>(opened);
  const Libkmod* library = std::get<const Libkmod*>(opened);
  UniqueContext context = OpenContext(library, {"/", std::vector<std::string>(), {}, true});
  if (!context) return SystemFailure(ENOMEM, "kmod_new");
  library->kmod_set_log_fn(context.get(), nullptr, nullptr);
  return ModuleRemover(library, std::move(context));
}

std::optional<Failure> ModuleRemover::Remove(const std::string& name, bool force) const {
  const unsigned flags =
      static_cast<unsigned>(kRemoveNoLog) | (force ? static_cast<unsigned>(kRemoveForce) : 0U);
  kmod_module* raw = nullptr;
  int error = -library_->kmod_module_new_from_name(context_.get(), name.c_str(), &raw);
  const UniqueModule module(raw, ModuleDeleter{library_});
  if (!module) return SystemFailure(error, "kmod_module_new_from_name", name);

  // libkmod cuts a name at its first dot: for a module whose own name has one it would take another
  // module out. Such a name (it can only come from the kernel's table) goes to the kernel as it is.
  const bool exact = name == library_->kmod_module_get_name(module.get());
  do {
    error = exact
                ? -library_->kmod_module_remove_module(module.get(), flags)
                : (syscall(SYS_delete_module, name.c_str(), O_NONBLOCK | (force ? O_TRUNC : 0)) == 0
                       ? 0
                       : errno);
  } while (error == EINTR);  // a signal came while another module was being loaded or removed
  if (error == 0) return std::nullopt;
  return SystemFailure(error, "delete_module", name);
}

}  // namespace kmod
