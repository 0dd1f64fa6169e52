#include "../proc/device_files.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>

namespace kmod {
namespace {

TEST_CASE("devices that are always compiled in belong to no module") {
  CHECK_FALSE(MayBelongToModule({false, 1, 3}));
  CHECK_FALSE(MayBelongToModule({false, 4, 1}));
  CHECK_FALSE(MayBelongToModule({false, 5, 0}));
  CHECK_FALSE(MayBelongToModule({false, 136, 7}));
  CHECK(MayBelongToModule({true, 1, 0}));    // a RAM disk
  CHECK(MayBelongToModule({false, 4, 64}));  // a serial port
  CHECK(MayBelongToModule({false, 10, 229}));
}

TEST_CASE("a path is a device if a device is there now, and only on a local file system") {
  const std::string own = std::filesystem::read_symlink("/proc/self/ns/mnt");
  DeviceFiles devices(own);
  const pid_t pid = getpid();
  CHECK_FALSE(devices.Find(pid, own, "/dev/null"));
  CHECK_FALSE(devices.Find(pid, own, "/dev/nothing at all"));
  CHECK_FALSE(devices.Find(pid, own, "/proc/self/exe"));
  CHECK_FALSE(devices.Find(pid, own, "/dev"));
  CHECK_FALSE(devices.Find(pid, own, "relative/dev/x"));
  struct stat status = {};
  if (lstat("/dev/fuse", &status) != 0) return;
  for (const char* path : {"/dev/fuse", "/dev/fuse (deleted)", "/dev/fuse"}) {
    const auto found = devices.Find(pid, own, path);
    REQUIRE(found);
    CHECK(found->major == major(status.st_rdev));
    CHECK(found->minor == minor(status.st_rdev));
    CHECK_FALSE(found->block);
  }
  // Here the process counts as one in another namespace: the path is looked up in its root folder.
  const auto other = devices.Find(pid, "mnt:[1]", "/dev/fuse");
  REQUIRE(other);
  CHECK(other->major == 10);
}

TEST_CASE("for the files of a virtual machine, the device is /dev/kvm") {
  DeviceFiles devices("mnt:[1]");
  const auto found = devices.Find(getpid(), "mnt:[1]", "anon_inode:kvm-vcpu:3");
  REQUIRE(found);
  CHECK(found->major == 10);
  CHECK(found->minor == 232);
  CHECK_FALSE(found->block);
  CHECK_FALSE(devices.Find(getpid(), "mnt:[1]", "anon_inode:[eventpoll]"));
}

}  // namespace
}  // namespace kmod
