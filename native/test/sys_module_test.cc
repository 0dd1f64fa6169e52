#include "../proc/sys_module.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include "temporary_folder.h"

namespace kmod {
namespace {

TEST_CASE("a module has an identity and a state, a built-in no state") {
  const TemporaryFolder folder;
  folder.Write("loaded/initstate", "live\n");
  folder.Write("builtin/parameters/x", "1");
  const auto read = ReadSysModules(folder.path(), {"loaded", "builtin", "absent"});
  REQUIRE(read.ok());
  REQUIRE(read->size() == 3);
  CHECK_FALSE((*read)[0].identity.empty());
  CHECK((*read)[0].initstate == "live");
  CHECK_FALSE((*read)[1].identity.empty());
  CHECK((*read)[1].initstate.empty());
  CHECK((*read)[0].identity != (*read)[1].identity);
  CHECK((*read)[2].identity.empty());
}

TEST_CASE("what is not a folder is not a module, whatever failed before") {
  const TemporaryFolder folder;
  folder.Write("compression", "xz");
  REQUIRE(mkfifo(folder.path("fifo").c_str(), 0600) == 0);
  errno = EACCES;  // left over from an earlier call
  const auto read = ReadSysModules(folder.path(), {"compression", "fifo"});
  REQUIRE(read.ok());
  CHECK((*read)[0].identity.empty());
  CHECK((*read)[1].identity.empty());
}

TEST_CASE("a module that cannot be looked at is a failure with its path") {
  const TemporaryFolder folder;
  std::filesystem::create_symlink("loop", folder.path("loop"));
  const auto read = ReadSysModules(folder.path(), {"loop"});
  REQUIRE_FALSE(read.ok());
  CHECK(read.failure().error == ELOOP);
  CHECK(read.failure().syscall == "stat");
  CHECK(read.failure().detail == folder.path("/loop"));
}

}  // namespace
}  // namespace kmod
