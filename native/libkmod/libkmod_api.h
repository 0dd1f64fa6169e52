// The functions of libkmod, which is opened at run time.
//
// The declarations are our own. KMOD_FUNCTIONS are in libkmod's version nodes up to LIBKMOD_22,
// which every libkmod.so.2 since 2016 has; KMOD_NEWER_FUNCTIONS are null if the library lacks them.
// So the build needs neither libkmod's header nor its library, and a missing library is reported as
// a failure, instead of a program that does not start. test/libkmod_api_test.cc compares the
// declarations with <libkmod.h>.
#pragma once

#include <fcntl.h>

#include <cstdarg>
#include <cstdint>
#include <memory>
#include <string>

#include "../common/result.h"

struct kmod_ctx;
struct kmod_module;
struct kmod_list;
struct kmod_config_iter;

namespace kmod {

// Flags of kmod_module_remove_module().
constexpr unsigned kRemoveForce = O_TRUNC;  // passed on to delete_module(2)
constexpr unsigned kRemoveNoLog = 1;        // ignored before libkmod 30
// Flags of kmod_module_insert_module().
constexpr unsigned kInsertForceVermagic = 0x1;
constexpr unsigned kInsertForceModversion = 0x2;
// Flags of kmod_module_probe_insert_module().
constexpr unsigned kProbeIgnoreCommand = 0x4;
constexpr unsigned kProbeFailOnLoaded = 0x20;
constexpr unsigned kProbeBlacklistAliasOnly = 0x40000;
// The results of kmod_module_get_initstate().
constexpr int kInitstateBuiltin = 0;
constexpr int kInitstateLive = 1;
constexpr int kInitstateComing = 2;
constexpr int kInitstateGoing = 3;
// The indexes of kmod_dump_index(), as libkmod 27 and later number them.
constexpr int kIndexDep = 0;
constexpr int kIndexAlias = 1;
constexpr int kIndexSymbol = 2;
constexpr int kIndexBuiltinAlias = 3;
constexpr int kIndexBuiltin = 4;

using LogFunction = void (*)(void* data, int priority, const char* file, int line,
                             const char* function, const char* format, va_list arguments);

struct Libkmod {
  // Opens the library once for the process; later calls return the same table. Any thread may call
  // it.
  static Result<const Libkmod*> Open();

  std::string path;  // the file that the dynamic loader found

#define KMOD_FUNCTIONS(_)                                                                   \
  _(kmod_ctx*, kmod_new, (const char* dirname, const char* const* config_paths))            \
  _(kmod_ctx*, kmod_unref, (kmod_ctx*))                                                     \
  _(void, kmod_set_log_fn, (kmod_ctx*, LogFunction, const void* data))                      \
  _(int, kmod_load_resources, (kmod_ctx*))                                                  \
  _(kmod_list*, kmod_list_next, (const kmod_list* list, const kmod_list* current))          \
  _(int, kmod_module_new_from_name, (kmod_ctx*, const char* name, kmod_module**))           \
  _(int, kmod_module_new_from_path, (kmod_ctx*, const char* path, kmod_module**))           \
  _(int, kmod_module_new_from_lookup, (kmod_ctx*, const char* alias, kmod_list**))          \
  _(kmod_module*, kmod_module_unref, (kmod_module*))                                        \
  _(int, kmod_module_unref_list, (kmod_list*))                                              \
  _(kmod_module*, kmod_module_get_module, (const kmod_list*))                               \
  _(const char*, kmod_module_get_name, (const kmod_module*))                                \
  _(const char*, kmod_module_get_path, (const kmod_module*))                                \
  _(kmod_list*, kmod_module_get_dependencies, (const kmod_module*))                         \
  _(int, kmod_module_get_initstate, (const kmod_module*))                                   \
  _(const char*, kmod_module_get_options, (const kmod_module*))                             \
  _(const char*, kmod_module_get_install_commands, (const kmod_module*))                    \
  _(int, kmod_module_get_info, (const kmod_module*, kmod_list**))                           \
  _(const char*, kmod_module_info_get_key, (const kmod_list*))                              \
  _(const char*, kmod_module_info_get_value, (const kmod_list*))                            \
  _(void, kmod_module_info_free_list, (kmod_list*))                                         \
  _(int, kmod_module_remove_module, (kmod_module*, unsigned flags))                         \
  _(int, kmod_module_probe_insert_module,                                                   \
    (kmod_module*, unsigned flags, const char* options,                                     \
     int (*run_install)(kmod_module*, const char* command, void* data), const void* data,   \
     void (*print_action)(kmod_module*, bool install, const char* options)))                \
  _(void, kmod_unload_resources, (kmod_ctx*))                                               \
  _(int, kmod_validate_resources, (kmod_ctx*))                                              \
  _(int, kmod_dump_index, (kmod_ctx*, int index, int fd))                                   \
  _(int, kmod_module_new_from_loaded, (kmod_ctx*, kmod_list**))                             \
  _(const char*, kmod_module_get_remove_commands, (const kmod_module*))                     \
  _(int, kmod_module_get_softdeps, (const kmod_module*, kmod_list** pre, kmod_list** post)) \
  _(int, kmod_module_get_refcnt, (const kmod_module*))                                      \
  _(long, kmod_module_get_size, (const kmod_module*))                                       \
  _(kmod_list*, kmod_module_get_holders, (const kmod_module*))                              \
  _(int, kmod_module_get_versions, (const kmod_module*, kmod_list**))                       \
  _(const char*, kmod_module_version_get_symbol, (const kmod_list*))                        \
  _(uint64_t, kmod_module_version_get_crc, (const kmod_list*))                              \
  _(void, kmod_module_versions_free_list, (kmod_list*))                                     \
  _(int, kmod_module_get_symbols, (const kmod_module*, kmod_list**))                        \
  _(const char*, kmod_module_symbol_get_symbol, (const kmod_list*))                         \
  _(uint64_t, kmod_module_symbol_get_crc, (const kmod_list*))                               \
  _(void, kmod_module_symbols_free_list, (kmod_list*))                                      \
  _(int, kmod_module_get_dependency_symbols, (const kmod_module*, kmod_list**))             \
  _(const char*, kmod_module_dependency_symbol_get_symbol, (const kmod_list*))              \
  _(int, kmod_module_dependency_symbol_get_bind, (const kmod_list*))                        \
  _(uint64_t, kmod_module_dependency_symbol_get_crc, (const kmod_list*))                    \
  _(void, kmod_module_dependency_symbols_free_list, (kmod_list*))                           \
  _(int, kmod_module_insert_module, (kmod_module*, unsigned flags, const char* options))    \
  _(kmod_config_iter*, kmod_config_get_aliases, (const kmod_ctx*))                          \
  _(kmod_config_iter*, kmod_config_get_blacklists, (const kmod_ctx*))                       \
  _(kmod_config_iter*, kmod_config_get_install_commands, (const kmod_ctx*))                 \
  _(kmod_config_iter*, kmod_config_get_options, (const kmod_ctx*))                          \
  _(kmod_config_iter*, kmod_config_get_remove_commands, (const kmod_ctx*))                  \
  _(kmod_config_iter*, kmod_config_get_softdeps, (const kmod_ctx*))                         \
  _(bool, kmod_config_iter_next, (kmod_config_iter*))                                       \
  _(const char*, kmod_config_iter_get_key, (const kmod_config_iter*))                       \
  _(const char*, kmod_config_iter_get_value, (const kmod_config_iter*))                     \
  _(void, kmod_config_iter_free_iter, (kmod_config_iter*))

// The first: since libkmod 30 (its version node differs between versions); the others: since 33.
#define KMOD_NEWER_FUNCTIONS(_)                                                          \
  _(int, kmod_module_new_from_name_lookup, (kmod_ctx*, const char* name, kmod_module**)) \
  _(kmod_config_iter*, kmod_config_get_weakdeps, (const kmod_ctx*))                      \
  _(int, kmod_module_get_weakdeps, (const kmod_module*, kmod_list**))

#define KMOD_MEMBER(result, name, arguments) result(*name) arguments = nullptr;
  KMOD_FUNCTIONS(KMOD_MEMBER)
  KMOD_NEWER_FUNCTIONS(KMOD_MEMBER)
#undef KMOD_MEMBER
};

// The owners of libkmod's objects. `library` is null only in an empty owner, whose deleter is never
// called.
struct ContextDeleter {
  const Libkmod* library = nullptr;
  void operator()(kmod_ctx* context) const { library->kmod_unref(context); }
};
struct ModuleDeleter {
  const Libkmod* library = nullptr;
  void operator()(kmod_module* module) const { library->kmod_module_unref(module); }
};
struct ModuleListDeleter {
  const Libkmod* library = nullptr;
  void operator()(kmod_list* list) const { library->kmod_module_unref_list(list); }
};
struct InfoListDeleter {
  const Libkmod* library = nullptr;
  void operator()(kmod_list* list) const { library->kmod_module_info_free_list(list); }
};
struct ConfigIterDeleter {
  const Libkmod* library = nullptr;
  void operator()(kmod_config_iter* iter) const { library->kmod_config_iter_free_iter(iter); }
};
using UniqueContext = std::unique_ptr<kmod_ctx, ContextDeleter>;
using UniqueModule = std::unique_ptr<kmod_module, ModuleDeleter>;
using UniqueModuleList = std::unique_ptr<kmod_list, ModuleListDeleter>;
using UniqueInfoList = std::unique_ptr<kmod_list, InfoListDeleter>;
using UniqueConfigIter = std::unique_ptr<kmod_config_iter, ConfigIterDeleter>;

}  // namespace kmod
