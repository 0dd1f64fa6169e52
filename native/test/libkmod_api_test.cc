// Compares the declarations in libkmod/libkmod_api.h with libkmod's own header at compile time. The
// comparison is not in the code that ships, because that is built without the header, and because a
// later libkmod may add a const to a declaration without changing its binary interface.
#include "../libkmod/libkmod_api.h"

#include <doctest/doctest.h>

#if !__has_include(<libkmod.h>)
#error "Install libkmod's header: apt-get install libkmod-dev"
#endif
#include <libkmod.h>

#include <type_traits>

namespace kmod {
namespace {

// libkmod.h has the index as an enumeration, which C passes like an int.
static_assert(std::is_same_v<decltype(&::kmod_dump_index), int (*)(kmod_ctx*, kmod_index, int)>);
static_assert(sizeof(kmod_index) == sizeof(int));
static_assert(kIndexDep == KMOD_INDEX_MODULES_DEP && kIndexAlias == KMOD_INDEX_MODULES_ALIAS &&
              kIndexSymbol == KMOD_INDEX_MODULES_SYMBOL &&
              kIndexBuiltinAlias == KMOD_INDEX_MODULES_BUILTIN_ALIAS &&
              kIndexBuiltin == KMOD_INDEX_MODULES_BUILTIN);
static_assert(std::is_same_v<decltype(Libkmod::kmod_module_new_from_name_lookup),
                             decltype(&::kmod_module_new_from_name_lookup)>);

#define KMOD_SAME_TYPE(result, name, arguments)                                      \
  static_assert(std::is_same_v<decltype(Libkmod::name), decltype(&::name)> ||        \
                    std::is_same_v<decltype(&::name), decltype(&::kmod_dump_index)>, \
                #name " is declared in another way in <libkmod.h>");
KMOD_FUNCTIONS(KMOD_SAME_TYPE)
#undef KMOD_SAME_TYPE

static_assert(kRemoveForce == KMOD_REMOVE_FORCE);
static_assert(kRemoveNoLog == KMOD_REMOVE_NOLOG);
static_assert(kProbeIgnoreCommand == KMOD_PROBE_IGNORE_COMMAND);
static_assert(kProbeFailOnLoaded == KMOD_PROBE_FAIL_ON_LOADED);
static_assert(kProbeBlacklistAliasOnly == KMOD_PROBE_APPLY_BLACKLIST_ALIAS_ONLY);
static_assert(kInsertForceVermagic == KMOD_INSERT_FORCE_VERMAGIC);
static_assert(kInsertForceModversion == KMOD_INSERT_FORCE_MODVERSION);
static_assert(kInitstateBuiltin == KMOD_MODULE_BUILTIN);
static_assert(kInitstateLive == KMOD_MODULE_LIVE && kInitstateComing == KMOD_MODULE_COMING &&
              kInitstateGoing == KMOD_MODULE_GOING);

TEST_CASE("the installed libkmod has all functions, and its file is known") {
  const Result<const Libkmod*> library = Libkmod::Open();
  REQUIRE(library.ok());
  CHECK((*library)->path.find("libkmod.so") != std::string::npos);
  CHECK(*Libkmod::Open() == *library);
}

}  // namespace
}  // namespace kmod
