#include "../proc/tracing.h"

#include <doctest/doctest.h>

namespace kmod {
namespace {

TEST_CASE("the name of an instance identifies its owner") {
  const auto owner = ParseInstanceName(InstanceName({177, 12345678901ULL, 4026531836ULL}));
  REQUIRE(owner);
  CHECK(owner->pid == 177);
  CHECK(owner->start_time == 12345678901ULL);
  CHECK(owner->pid_namespace == 4026531836ULL);
}

TEST_CASE("instances of other programs are not mistaken for one of this program") {
  for (const char* name :
       {"", ".", "node-kmod-", "node-kmod-1", "node-kmod-1-2", "node-kmod-1-2-", "node-kmod-1-2-3x",
        "node-kmod-1-2-3-4", "node-kmod--1-2-3", "node-kmod-0-2-3", "node-kmod-x-2-3",
        "node-kmod-1-2-99999999999999999999", "my-node-kmod-1-2-3", "node-kmod-99999999999-2-3"}) {
    CAPTURE(name);
    CHECK_FALSE(ParseInstanceName(name));
  }
}

TEST_CASE("an owner is a running process with the start time in the name of the instance") {
  const InstanceOwner owner = {177, 1000, 1};
  ProcessStat stat;
  stat.state = 'S';
  stat.start_time = 1000;
  CHECK(IsOwner(owner, stat));
  CHECK_FALSE(IsOwner(owner, std::nullopt));
  stat.state = 'Z';
  CHECK_FALSE(IsOwner(owner, stat));
  stat.state = 'S';
  stat.start_time = 1001;
  CHECK_FALSE(IsOwner(owner, stat));
}

TEST_CASE("a filter is one comparison for any name") {
  CHECK(ModuleFilter("tun") == "name == \"tun\"");
  CHECK(ModuleFilter("a&&b") == "name == \"a&&b\"");
  for (const char* name : {"", "a b", "a\"b", "a'b", "a\\b", "a\nb", "\xc3\xa9"}) {
    CAPTURE(name);
    CHECK_FALSE(ModuleFilter(name));
  }
}

}  // namespace
}  // namespace kmod
