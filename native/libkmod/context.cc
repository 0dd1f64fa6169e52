#include "context.h"

#include <cstdio>

namespace kmod {
namespace {

constexpr size_t kLogLimit = 4096;

void AppendLog(void* data, int /*priority*/, const char* /*file*/, int /*line*/,
               const char* /*function*/, const char* format, va_list arguments) {
  char text[1024];
  if (vsnprintf(text, sizeof(text), format, arguments) < 0) return;
  auto* log = static_cast<std::string*>(data);
  if (log->size() > kLogLimit) return;
  log->append(text);
  if (log->back() != '\n') log->push_back('\n');
}

}  // namespace

void CollectLog(const Libkmod* library, kmod_ctx* context, std::string* log) {
  library->kmod_set_log_fn(context, AppendLog, log);
}

}  // namespace kmod
