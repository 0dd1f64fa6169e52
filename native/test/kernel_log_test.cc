#include "../proc/kernel_log.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "temporary_folder.h"

namespace kmod {
namespace {

std::string TextOf(const std::string& record) {
  return ParseKernelLogRecord(record).text;
}

// Records as Documentation/ABI/testing/dev-kmsg describes them.
TEST_CASE("the text of a record follows its prefix") {
  CHECK(TextOf("6,339,5140900,-;NET: Registered protocol family 10\n") ==
        "NET: Registered protocol family 10");
}

TEST_CASE("the lines after the first, which name the device, are left out") {
  CHECK(TextOf("7,160,424069,-;pci_root PNP0A03:00: host bridge window\n"
               " SUBSYSTEM=acpi\n DEVICE=+acpi:PNP0A03:00\n") ==
        "pci_root PNP0A03:00: host bridge window");
}

TEST_CASE("escapes are decoded, and text that only looks like one is kept") {
  CHECK(TextOf("4,1,1,-;tab\\x09end\n") == "tab\tend");
  CHECK(TextOf("4,1,1,-;\\xzz \\x4\n") == "\\xzz \\x4");
  CHECK(TextOf("4,1,1,-;back\\x5cslash\n") == "back\\slash");
}

TEST_CASE("bytes that are not a record have no text") {
  CHECK(TextOf("").empty());
  CHECK(TextOf("nonsense").empty());
}

TEST_CASE("only a record with the facility 0 is from the kernel") {
  CHECK(ParseKernelLogRecord("7,1,1,-;text\n").from_kernel);
  CHECK(ParseKernelLogRecord("0,1,1,-;text\n").from_kernel);
  // The facility user, with the levels 0 and 4.
  CHECK_FALSE(ParseKernelLogRecord("8,1,1,-;text\n").from_kernel);
  CHECK_FALSE(ParseKernelLogRecord("12,1,1,-;text\n").from_kernel);
  CHECK_FALSE(ParseKernelLogRecord("x;text\n").from_kernel);
}

// A file is read in pieces of 16 KiB, each of which counts as a record.
TEST_CASE("what is left after many records counts as lost") {
  const TemporaryFolder folder;
  const std::string path = folder.Write("kmsg", "");
  Result<KernelLog> log = KernelLog::Open(path);
  REQUIRE(log.ok());
  std::filesystem::resize_file(path, 16 * 1024);
  const auto few = log->Read();
  REQUIRE(few.ok());
  CHECK(few->records.size() == 1);
  CHECK_FALSE(few->lost);
  std::filesystem::resize_file(path, 110000UL * 16 * 1024);
  const auto many = log->Read();
  REQUIRE(many.ok());
  CHECK(many->lost);
}

TEST_CASE("a missing log is a failure") {
  const auto log = KernelLog::Open("/nowhere/kmsg");
  REQUIRE_FALSE(log.ok());
  CHECK(log.failure().error == ENOENT);
}

}  // namespace
}  // namespace kmod
