#include "context.h"

#include <syslog.h>

#include <cerrno>
#include <cstdio>
#include <utility>

namespace kmod {
namespace {

constexpr size_t kLogLimit = 4096;

}  // namespace

void Context::AppendLog(void* data, int priority, const char* /*file*/, int /*line*/,
                        const char* /*function*/, const char* format, va_list arguments) {
  const int error = errno;
  // The environment variable KMOD_LOG makes libkmod log more than errors.
  if (priority > LOG_ERR) return;
  auto* log = static_cast<Log*>(data);
  char text[1024];
  if (log->text.size() <= kLogLimit && vsnprintf(text, sizeof(text), format, arguments) >= 0) {
    log->text.append(text);
    if (log->text.back() != '\n') log->text.push_back('\n');
    log->error = error;
  }
  errno = error;
}

Context::Context(const Libkmod* library, kmod_ctx* context)
    : library_(library), log_(std::make_unique<Log>()), context_(context, ContextDeleter{library}) {
  library->kmod_set_log_fn(context, AppendLog, log_.get());
}

Result<Context> Context::Open(const IndexSource& source) {
  const Result<const Libkmod*> library = Libkmod::Open();
  if (!library.ok()) return library.failure();
  std::vector<const char*> paths;
  if (source.config) {
    for (const std::string& path : *source.config) paths.push_back(path.c_str());
  }
  paths.push_back(nullptr);
  kmod_ctx* context =
      (*library)->kmod_new(source.directory.c_str(), source.config ? paths.data() : nullptr);
  if (context == nullptr) return SystemFailure(ENOMEM, "kmod_new", source.directory);
  return Context(*library, context);
}

Result<Context> Context::OpenBare() {
  return Open({"/", std::vector<std::string>(), {}, {}, true});
}

Result<UniqueModule> Context::NewModule(const std::string& name) const {
  kmod_module* module = nullptr;
  const int error = -library_->kmod_module_new_from_name(get(), name.c_str(), &module);
  if (error != 0) return SystemFailure(error, "kmod_module_new_from_name", name);
  return UniqueModule(module, ModuleDeleter{library_});
}

std::vector<std::string> Context::NamesIn(const kmod_list* list) const {
  std::vector<std::string> names;
  for (const kmod_list* entry = list; entry != nullptr;
       entry = library_->kmod_list_next(list, entry)) {
    const UniqueModule module(library_->kmod_module_get_module(entry), ModuleDeleter{library_});
    names.emplace_back(library_->kmod_module_get_name(module.get()));
  }
  return names;
}

Result<std::vector<ConfigLine>> Context::ConfigLines(
    kmod_config_iter* (*open)(const kmod_ctx*)) const {
  const UniqueConfigIter iter(open(get()), ConfigIterDeleter{library_});
  // An empty list has an iterator, too.
  if (!iter) return SystemFailure(ENOMEM, "kmod_config_get");
  std::vector<ConfigLine> lines;
  while (library_->kmod_config_iter_next(iter.get())) {
    const char* key = library_->kmod_config_iter_get_key(iter.get());
    const char* value = library_->kmod_config_iter_get_value(iter.get());
    if (key != nullptr) lines.push_back({key, value == nullptr ? "" : value});
  }
  return lines;
}

std::string Context::TakeLog() const {
  std::string log = std::exchange(*log_, {}).text;
  while (!log.empty() && log.back() == '\n') log.pop_back();
  return log;
}

std::optional<Failure> Context::TakeLogged(const char* function) const {
  const int error = log_->error;
  std::string log = TakeLog();
  if (log.empty()) return std::nullopt;
  return SystemFailure(error, function, std::move(log));
}

}  // namespace kmod
