#include "remove.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "context.h"

namespace kmod {
namespace {

// Makes the same system call as libkmod, without libkmod. Returns 0 or an errno.
int DeleteModule(const std::string& name, bool force) {
  const int flags = O_NONBLOCK | (force ? O_TRUNC : 0);
  return syscall(SYS_delete_module, name.c_str(), flags) == 0 ? 0 : errno;
}

}  // namespace

ModuleRemover::ModuleRemover(std::unique_ptr<Context> context) : context_(std::move(context)) {}
ModuleRemover::ModuleRemover(ModuleRemover&& other) noexcept = default;
ModuleRemover& ModuleRemover::operator=(ModuleRemover&& other) noexcept = default;
ModuleRemover::~ModuleRemover() = default;

Result<ModuleRemover> ModuleRemover::Open() {
  Result<Context> context = Context::OpenBare();
  if (!context.ok()) return context.failure();
  return ModuleRemover(std::make_unique<Context>(*std::move(context)));
}

Result<> ModuleRemover::Remove(const std::string& name, bool force) const {
  const Libkmod& library = context_->library();
  const Result<UniqueModule> module = context_->NewModule(name);
  if (!module.ok()) return module.failure();
  const unsigned flags = kRemoveNoLog | (force ? kRemoveForce : 0);
  // libkmod cuts a name at its first dot, so for a name with a dot it would remove a different
  // module. Such a name can only come from the kernel's own table.
  const bool exact = name == library.kmod_module_get_name(module->get());
  int error = 0;
  do {
    error = exact ? -library.kmod_module_remove_module(module->get(), flags)
                  : DeleteModule(name, force);
  } while (error == EINTR);  // a signal arrived while another module was being loaded or removed
  if (error != 0) return SystemFailure(error, "delete_module", name);
  return Ok();
}

}  // namespace kmod
