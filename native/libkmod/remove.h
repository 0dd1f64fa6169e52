// Removes one module from the running kernel.
#pragma once

#include <memory>
#include <string>

#include "../common/result.h"

namespace kmod {

class Context;

class ModuleRemover {
 public:
  // Needs libkmod, but neither an index nor configuration.
  static Result<ModuleRemover> Open();
  ModuleRemover(ModuleRemover&& other) noexcept;
  ModuleRemover& operator=(ModuleRemover&& other) noexcept;
  ~ModuleRemover();

  // Makes one delete_module(2) call, which takes as long as the exit function of the module: call
  // it in a process that nothing else depends on.
  Result<> Remove(const std::string& name, bool force) const;

 private:
  explicit ModuleRemover(std::unique_ptr<Context> context);
  std::unique_ptr<Context> context_;
};

}  // namespace kmod
