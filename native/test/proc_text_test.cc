#include "../proc/proc_text.h"

#include <doctest/doctest.h>

namespace kmod {
namespace {

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
  CHECK(mounts[0].id == 36);
  CHECK(mounts[0].major == 98);
  CHECK(mounts[1].minor == 4);
  CHECK(mounts[1].root == "net:[4026532000]");
  CHECK(mounts[1].path == "/run/a b\\\nc");
}

TEST_CASE("mapped files are read with their file system and inode") {
  const auto mappings = ParseMappings(
      "55-56 r--p 00000000 fe:01 12      /usr/bin/a b\n"
      "57-58 rw-p 00000000 00:00 0 \n"
      "58-59 rw-p 00000000 00:00 0       [heap]\n"
      "59-60 rw-s 00000000 00:06 9       /dev/x (deleted)\n"
      "short\n");
  REQUIRE(mappings.size() == 2);
  CHECK(mappings[0].range == "55-56");
  CHECK(mappings[0].file_system == "fe:01");
  CHECK(mappings[0].inode == 12);
  CHECK(mappings[0].path == "/usr/bin/a b");
  CHECK(mappings[1].path == "/dev/x (deleted)");
}

TEST_CASE("effective capabilities are read") {
  CHECK(ParseEffectiveCapabilities("Name:\tx\nCapEff:\t000001ffffffffff\nCapBnd:\t0\n") ==
        0x1ffffffffffULL);
  CHECK(ParseEffectiveCapabilities("Name:\tCapEff:\n") == 0);
  CHECK(ParseEffectiveCapabilities("CapEff:\tnonsense\n") == 0);
}

}  // namespace
}  // namespace kmod
