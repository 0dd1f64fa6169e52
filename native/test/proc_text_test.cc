#include "../proc/proc_text.h"

#include <doctest/doctest.h>

namespace kmod {
namespace {

const char* TypeAt(const std::vector<MountLine>& mounts, const char* path) {
  const MountLine* mount = CoveringMount(mounts, path);
  return mount == nullptr ? "" : mount->type.c_str();
}

TEST_CASE("the name of a process can contain anything") {
  const auto plain = ParseProcessStat("7 (bash) S 3 7 7 34816 8 4194304 100 0\n");
  REQUIRE(plain);
  CHECK(plain->comm == "bash");
  CHECK(plain->parent == 3);
  CHECK_FALSE(plain->kernel_thread);
  const auto hostile = ParseProcessStat("7 (a) R 1 (\n) ) S 3 7 7 0 -1 2129984 0\n");
  REQUIRE(hostile);
  CHECK(hostile->comm == "a) R 1 (\n) ");
  CHECK(hostile->parent == 3);
  CHECK(hostile->kernel_thread);
  CHECK_FALSE(ParseProcessStat(""));
  CHECK_FALSE(ParseProcessStat("7 )x("));
  CHECK_FALSE(ParseProcessStat("7 (x)"));
  CHECK_FALSE(ParseProcessStat("7 (x) S y 7 7 0 -1 0 "));
}

TEST_CASE("the start time distinguishes a process from a later one with the same number") {
  const auto stat =
      ParseProcessStat("7 (x) Z 3 7 7 0 -1 4194304 1 0 0 0 5 6 0 0 20 0 1 0 184467440737 4096 1\n");
  REQUIRE(stat);
  CHECK(stat->state == 'Z');
  CHECK(stat->start_time == 184467440737ULL);
}

TEST_CASE("the process that a thread belongs to is read") {
  CHECK(ParseThreadGroup("Name:\tTgid:\t5\nState:\tS\nTgid:\t177\nNgid:\t0\n") == 177);
  CHECK_FALSE(ParseThreadGroup("Name:\tx\n"));
  CHECK_FALSE(ParseThreadGroup(""));
}

TEST_CASE("mounts are read with their escapes decoded; malformed lines are skipped") {
  const auto mounts = ParseMounts(
      "36 35 98:0 / / rw,noatime shared:1 master:2 - ext4 /dev/sda1 rw,errors=continue\n"
      "nonsense\n"
      "37 36 0:4 net:[4026532000] /run/a\\040b\\134\\012c rw - nsfs nsfs rw\n"
      "38 36 0:5 / relative rw - tmpfs tmpfs rw\n"
      "39 36 0:5 / /no/type rw shared:1");
  REQUIRE(mounts.size() == 2);
  CHECK(mounts[0].type == "ext4");
  CHECK(mounts[0].super_options == "rw,errors=continue");
  CHECK(mounts[1].parent == 36);
  CHECK(mounts[1].root == "net:[4026532000]");
  CHECK(mounts[1].path == "/run/a b\\\nc");
}

TEST_CASE("a path lies on the mount that the kernel's path walk would reach") {
  const auto mounts = ParseMounts(
      "1 0 8:1 / / rw - ext4 a rw\n"
      "2 1 0:6 / /dev rw - devtmpfs b rw\n"
      "3 2 0:7 / /dev/shm rw - tmpfs c rw\n"
      "4 1 0:8 / /far/below rw - nfs d rw\n"
      "5 1 0:9 / /far rw - fuse e rw\n"  // over what was mounted below
      "6 5 0:10 / /far rw - xfs f rw\n"  // over that
      "7 1 0:11 / /devices rw - nfs g rw\n");
  CHECK(TypeAt(mounts, "/etc") == std::string("ext4"));
  CHECK(TypeAt(mounts, "/dev") == std::string("devtmpfs"));
  CHECK(TypeAt(mounts, "/dev/null") == std::string("devtmpfs"));
  CHECK(TypeAt(mounts, "/dev/shm/x") == std::string("tmpfs"));
  CHECK(TypeAt(mounts, "/device") == std::string("ext4"));
  CHECK(TypeAt(mounts, "/far/below/x") == std::string("xfs"));
  CHECK(TypeAt({}, "/dev") == std::string());
  // As a process in a chroot sees it: the mount that contains its root is not listed.
  const auto inside = ParseMounts("9 8 0:6 / /dev rw - devtmpfs b rw\n");
  CHECK(TypeAt(inside, "/dev/null") == std::string("devtmpfs"));
  CHECK(TypeAt(inside, "/etc") == std::string());
  // Two mounts that are each other's parent, which no kernel prints: the walk ends.
  const auto circle = ParseMounts("1 2 0:6 / / rw - a a rw\n2 1 0:6 / / rw - b b rw\n");
  CHECK(TypeAt(circle, "/etc") == std::string());
  const auto itself = ParseMounts("1 1 0:6 / / rw - rootfs a rw\n");
  CHECK(TypeAt(itself, "/etc") == std::string("rootfs"));
}

TEST_CASE("each path of the mapped files is listed once") {
  CHECK(ParseMappedPaths("55-56 r--p 00000000 fe:01 12      /usr/bin/a b\n"
                         "56-57 r--p 00000000 fe:01 12      /usr/bin/a b\n"
                         "57-58 rw-p 00000000 00:00 0 \n"
                         "58-59 rw-p 00000000 00:00 0       [heap]\n"
                         "59-60 rw-s 00000000 00:06 9       /dev/x (deleted)\n"
                         "short\n") ==
        std::vector<std::string>{"/usr/bin/a b", "/dev/x (deleted)"});
}

TEST_CASE("effective capabilities are read") {
  CHECK(ParseEffectiveCapabilities("Name:\tx\nCapEff:\t000001ffffffffff\nCapBnd:\t0\n") ==
        0x1ffffffffffULL);
  CHECK(ParseEffectiveCapabilities("Name:\tCapEff:\n") == 0);
  CHECK(ParseEffectiveCapabilities("CapEff:\tnonsense\n") == 0);
}

}  // namespace
}  // namespace kmod
