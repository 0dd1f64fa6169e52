#include "../process/parent.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "../proc/text_file.h"

namespace kmod {
namespace {

TEST_CASE("the effective user and the effective capabilities are read from a status file") {
  const auto parsed = ParsePrivileges(
      "Name:\tnode\nUid:\t0\t1000\t7\t8\nGid:\t1\t2\t3\t4\nCapPrm:\t0000000000000001\n"
      "CapEff:\t000001ffffffffff\nCapBnd:\t0000000000000003\n");
  REQUIRE(parsed.has_value());
  CHECK(parsed->user == 1000);
  CHECK(parsed->capabilities == 0x1ffffffffff);
  const auto own = ReadTextFile("/proc/self/status", 1 << 20);
  REQUIRE(own.ok());
  CHECK(ParsePrivileges(*own)->user == geteuid());
}

TEST_CASE("a file without these lines has no privileges") {
  CHECK_FALSE(ParsePrivileges("").has_value());
  CHECK_FALSE(ParsePrivileges("Uid:\t0\nCapEff:\t0\n").has_value());
  CHECK_FALSE(ParsePrivileges("Uid:\t0\t0\t0\t0\nCapEff:\tz\n").has_value());
  CHECK_FALSE(ParsePrivileges("Uid:\t0\t0\t0\t0").has_value());
}

TEST_CASE("a process that has dropped its user or a capability may not use the helper") {
  const Privileges helper = {0, 0x10000};
  CHECK(MayUse({0, 0x10000}, helper));
  CHECK(MayUse({0, 0x1ffff}, helper));
  CHECK_FALSE(MayUse({0, 0x0ffff}, helper));
  CHECK_FALSE(MayUse({65534, 0x1ffff}, helper));
  CHECK(MayUse({1000, 0}, {1000, 0}));
}

}  // namespace
}  // namespace kmod
