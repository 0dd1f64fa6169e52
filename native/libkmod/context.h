// A libkmod context and the text that libkmod logs in it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../common/result.h"
#include "index_source.h"
#include "libkmod_api.h"
#include "module_facts.h"

namespace kmod {

class Context {
 public:
  // libkmod reads the configuration while it makes the context, and writes warnings about it to
  // file descriptor 2, because no log function can be set earlier; the helper has /dev/null there.
  static Result<Context> Open(const IndexSource& source);
  // Opens a context without index and configuration. libkmod still reads /proc/cmdline.
  static Result<Context> OpenBare();

  kmod_ctx* get() const { return context_.get(); }
  const Libkmod& library() const { return *library_; }

  // libkmod cuts the name at its first dot, and does not check whether there is such a module.
  Result<UniqueModule> NewModule(const std::string& name) const;
  std::vector<std::string> NamesIn(const kmod_list* list) const;
  // One of the lists of the configuration, such as kmod_config_get_aliases.
  Result<std::vector<ConfigLine>> ConfigLines(kmod_config_iter* (*open)(const kmod_ctx*)) const;

  // The errors that libkmod has logged since the last call of either function.
  std::string TakeLog() const;
  // For a function of libkmod that reports an error only in the log; nullopt: it logged none. The
  // error number is that of the system call before the message.
  std::optional<Failure> TakeLogged(const char* function) const;

 private:
  static void AppendLog(void* data, int priority, const char* file, int line, const char* function,
                        const char* format, va_list arguments);

  Context(const Libkmod* library, kmod_ctx* context);

  const Libkmod* library_;
  struct Log {
    std::string text;
    int error = 0;
  };
  // On the heap, because libkmod keeps its address. Declared before the context, which writes to it
  // until it is released.
  std::unique_ptr<Log> log_;
  UniqueContext context_;
};

}  // namespace kmod
