// What the methods of a session share: the context, the modules, and the checks before libkmod
// reads a file.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "context.h"
#include "file_stamps.h"
#include "session.h"

namespace kmod {

class Session::Parts {
 public:
  Parts(Context context, std::string directory)
      : context_(std::move(context)), directory_(std::move(directory)) {}

  const Context& context() const { return context_; }
  const Libkmod& library() const { return context_.library(); }
  const std::string& directory() const { return directory_; }

  ModuleEntry Add(UniqueModule module);
  // Takes the ownership of the list, and a reference to each module in it.
  Modules AddAll(kmod_list* list);
  // The same for a function that returns null both for an error, which it logs, and for an empty
  // list.
  Result<Modules> TakeModules(const char* function, kmod_list* list);
  void Release(ModuleId module) { modules_.erase(module); }

  enum Needs { kNothing, kIndexes, kIndexesAndFile };
  // The module for `function`, after the files that the function reads were checked, and the log of
  // earlier calls discarded.
  Result<kmod_module*> Use(ModuleId module, const char* function, Needs needs = kNothing);
  // Checks the indexes completely at the first call, and again if they have changed since; discards
  // the log of earlier calls.
  Result<> CheckIndexes(const char* function);

  // The failure of a function of libkmod that returned a negative errno.
  Failure Failed(const char* function, long result) const {
    return SystemFailure(static_cast<int>(-result), function, context_.TakeLog());
  }

 private:
  Context context_;
  std::string directory_;
  std::optional<FileStamps> checked_;  // of the indexes, when they were last found to be complete
  ModuleId next_ = 1;
  // After the context, so that it is destroyed first: libkmod's modules refer to their context.
  std::unordered_map<ModuleId, UniqueModule> modules_;
};

// A failure that was found before `function` of libkmod was called, as a failure of that function.
// `error`: the errno, if no system call failed.
Failure Refused(Failure failure, const char* function, int error);

// A function that the libkmod at hand does not have.
Failure UnsupportedFunction(const char* function, const char* since);

}  // namespace kmod
