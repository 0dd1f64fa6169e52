#include "../proc/kernel_log.h"

#include <doctest/doctest.h>

namespace kmod {
namespace {

// Records as Documentation/ABI/testing/dev-kmsg describes them.
TEST_CASE("a record's text is what follows its prefix") {
  CHECK(KernelLogText("6,339,5140900,-;NET: Registered protocol family 10\n") ==
        "NET: Registered protocol family 10");
}

TEST_CASE("the lines after the first name the device and are no text") {
  CHECK(KernelLogText("7,160,424069,-;pci_root PNP0A03:00: host bridge window\n"
                      " SUBSYSTEM=acpi\n DEVICE=+acpi:PNP0A03:00\n") ==
        "pci_root PNP0A03:00: host bridge window");
}

TEST_CASE("escapes are undone, and what only looks like one stays") {
  CHECK(KernelLogText("4,1,1,-;tab\\x09end\n") == "tab\tend");
  CHECK(KernelLogText("4,1,1,-;\\xzz \\x4\n") == "\\xzz \\x4");
  CHECK(KernelLogText("4,1,1,-;back\\x5cslash\n") == "back\\slash");
}

TEST_CASE("what is no record has no text") {
  CHECK(KernelLogText("").empty());
  CHECK(KernelLogText("nonsense").empty());
}

TEST_CASE("a log that is not there is a failure") {
  const auto log = KernelLog::Open("/nowhere/kmsg");
  REQUIRE(Failed(log));
  CHECK(std::get<Failure>(log).error == ENOENT);
}

}  // namespace
}  // namespace kmod
