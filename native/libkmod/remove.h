// Taking one module out of the running kernel.
#pragma once

#include <optional>
#include <string>

#include "../common/failure.h"
#include "libkmod.h"

namespace kmod {

class ModuleRemover {
 public:
  // Needs libkmod, but neither an index nor configuration.
  static Result<ModuleRemover> Open();

  // One delete_module(2), which waits as long as the module's exit function takes: call it in a
  // process that nobody has to wait for. Nothing: the module is gone.
  std::optional<Failure> Remove(const std::string& name, bool force) const;

 private:
  ModuleRemover(const Libkmod* library, UniqueContext context)
      : library_(library), context_(std::move(context)) {}
  const Libkmod* library_;
  UniqueContext context_;
};

}  // namespace kmod
