#include "../net/module_events.h"

#include <doctest/doctest.h>

namespace kmod {
namespace {

using namespace std::string_view_literals;

TEST_CASE("an event about a module has its name and number") {
  const auto load = ParseModuleEvent(
      "add@/module/dummy\0ACTION=add\0DEVPATH=/module/dummy\0SUBSYSTEM=module\0SEQNUM=687\0"sv);
  REQUIRE(load);
  CHECK(load->load);
  CHECK(load->module == "dummy");
  CHECK(load->number == 687);
  const auto unload = ParseModuleEvent(
      "remove@/module/a\0ACTION=remove\0DEVPATH=/module/a\0SUBSYSTEM=module\0SEQNUM=1"sv);
  REQUIRE(unload);
  CHECK_FALSE(unload->load);
}

TEST_CASE("other events are left out") {
  for (const std::string_view event :
       {""sv, "\0\0"sv, "ACTION=add\0DEVPATH=/module/x\0SUBSYSTEM=module\0"sv,
        "add@/devices/x\0ACTION=add\0DEVPATH=/devices/x\0SUBSYSTEM=net\0SEQNUM=1\0"sv,
        "change@/module/x\0ACTION=change\0DEVPATH=/module/x\0SUBSYSTEM=module\0SEQNUM=1\0"sv,
        // A program has written to /sys/module/x/uevent.
        "add@/module/x\0ACTION=add\0DEVPATH=/module/x\0SUBSYSTEM=module\0SYNTH_UUID=0\0"
        "SEQNUM=1\0"sv,
        "add@/module/x/y\0ACTION=add\0DEVPATH=/module/x/y\0SUBSYSTEM=module\0SEQNUM=1\0"sv,
        "add@/module/\0ACTION=add\0DEVPATH=/module/\0SUBSYSTEM=module\0SEQNUM=1\0"sv}) {
    CAPTURE(event);
    CHECK_FALSE(ParseModuleEvent(event));
  }
}

}  // namespace
}  // namespace kmod
