#include "libkmod_api.h"

#include <dlfcn.h>
#include <link.h>

#include <mutex>

namespace kmod {
namespace {

std::string LoaderError() {
  const char* error = dlerror();
  return error == nullptr ? "unknown error of the dynamic loader" : error;
}

}  // namespace

Result<const Libkmod*> Libkmod::Open() {
  static Libkmod library;
  static bool opened = false;
  static std::mutex mutex;
  const std::lock_guard<std::mutex> lock(mutex);
  if (opened) return &library;

  // Never closed: libkmod 34 opens further libraries and keeps pointers into them.
  void* handle = dlopen("libkmod.so.2", RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return LibraryFailure(LoaderError());

#define KMOD_LOOK_UP(result, name, arguments)                                    \
  library.name = reinterpret_cast<decltype(library.name)>(dlsym(handle, #name)); \
  if (library.name == nullptr) return LibraryFailure(LoaderError());
  KMOD_FUNCTIONS(KMOD_LOOK_UP)
#undef KMOD_LOOK_UP
#define KMOD_LOOK_UP(result, name, arguments) \
  library.name = reinterpret_cast<decltype(library.name)>(dlsym(handle, #name));
  KMOD_NEWER_FUNCTIONS(KMOD_LOOK_UP)
#undef KMOD_LOOK_UP

  link_map* map = nullptr;
  if (dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0 && map != nullptr) library.path = map->l_name;
  opened = true;
  return &library;
}

}  // namespace kmod
