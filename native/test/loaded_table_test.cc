#include "../proc/loaded_table.h"

#include <doctest/doctest.h>

#include "temporary_folder.h"

namespace kmod {
namespace {

// Rows as kernels 6.1 and 7.2 print them.
constexpr char kTable[] =
    "br_netfilter 36864 0 - Live 0xffffffffc0a41000\n"
    "bridge 311296 1 br_netfilter, Live 0xffffffffc09f1000\n"
    "kmodtest_no_exit 16384 0 [permanent], Live 0xffffffffc0a4b000 (OE)\n"
    "kmodtest_slow_exit 16384 -1 - Unloading 0xffffffffc0a46000 (OE)\n"
    "llc 16384 2 bridge,stp, Live 0x0000000000000000\n";

TEST_CASE("the names are found in the order of the table") {
  const auto scan = ScanTable(kTable);
  REQUIRE(scan.ok());
  CHECK(scan->ascii);
  CHECK(scan->names == std::vector<std::string_view>{"br_netfilter", "bridge", "kmodtest_no_exit",
                                                     "kmodtest_slow_exit", "llc"});
}

TEST_CASE("a kernel without CONFIG_MODULE_UNLOAD prints no counts") {
  CHECK(ScanTable("dummy 16384 - - Live 0x0000000000000000\n").ok());
}

TEST_CASE("a malformed row is a failure that names its line") {
  const char* const rows[] = {
      "dummy\n",
      "dummy 16384 0 - Live 0xffffffffc0a41000",  // cut off: no newline
      "dummy 16384 0 - Liv\n",
      "dummy x 0 - Live 0x0\n",
      "dummy 16384 1x - Live 0x0\n",
      "dummy 16384 1 bridge Live 0x0\n",  // a holder without its comma
      " 16384 0 - Live 0x0\n",
      "dummy  16384 0 - Live 0x0\n",
      "dummy 99999999999999999999999 0 - Live 0x0\n",
  };
  for (const char* row : rows) {
    CAPTURE(row);
    const auto first = ScanTable(row);
    REQUIRE_FALSE(first.ok());
    CHECK(first.failure().detail.find("line 1 ") == 0);
    const std::string two = std::string("llc 1 0 - Live 0x0\n") + row;
    const auto second = ScanTable(two);
    REQUIRE_FALSE(second.ok());
    CHECK(second.failure().detail.find("line 2 ") == 0);
  }
}

TEST_CASE("further fields, which later kernels may add, are accepted") {
  CHECK(ScanTable("dummy 16384 0 - Live 0x0 (OE) more and more\n").ok());
}

TEST_CASE("two readings are equal only if they have the same modules, each once") {
  const TableScan scan = *ScanTable(kTable);
  CHECK(SameModules(scan, *ScanTable(kTable)));
  CHECK_FALSE(SameModules(scan, *ScanTable("llc 1 0 - Live 0x0\n")));
  const TableScan twice =
      *ScanTable("llc 1 0 - Live 0x0\nstp 1 0 - Live 0x0\nllc 1 0 - Live 0x0\n");
  CHECK_FALSE(SameModules(twice, twice));
}

TEST_CASE("a table that does not change is read twice") {
  const TemporaryFolder folder;
  const auto table = ReadLoadedTable(folder.Write("modules", kTable));
  REQUIRE(table.ok());
  CHECK(table->text == kTable);
  CHECK(table->readings == 2);
}

TEST_CASE("one row is found by its whole name") {
  const TemporaryFolder folder;
  const std::string path = folder.Write("modules", kTable);
  const auto row = [&path](const char* name) { return *ReadTableRow(path, name); };
  CHECK(row("bridge") == "bridge 311296 1 br_netfilter, Live 0xffffffffc09f1000\n");
  CHECK(row("llc") == "llc 16384 2 bridge,stp, Live 0x0000000000000000\n");
  CHECK(row("bridg").empty());
  CHECK(row("br").empty());
  CHECK_FALSE(ReadTableRow(folder.path("none"), "llc").ok());
  CHECK_FALSE(ReadTableRow(folder.Write("cut", "llc 16384 2"), "llc").ok());
}

TEST_CASE("an empty table is accepted") {
  const TemporaryFolder folder;
  const auto table = ReadLoadedTable(folder.Write("modules", ""));
  REQUIRE(table.ok());
  CHECK(table->text.empty());
}

TEST_CASE("a table that has a module twice in each reading is not consistent") {
  const TemporaryFolder folder;
  const auto table = ReadLoadedTable(folder.Write("modules", std::string(kTable) + kTable));
  REQUIRE_FALSE(table.ok());
  CHECK(table.failure().kind == FailureKind::kTransient);
}

TEST_CASE("a missing or malformed table is a failure that names it") {
  const TemporaryFolder folder;
  const auto missing = ReadLoadedTable(folder.path("none"));
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.failure().error == ENOENT);
  const auto malformed = ReadLoadedTable(folder.Write("modules", "llc 1\n"));
  REQUIRE_FALSE(malformed.ok());
  CHECK(malformed.failure().kind == FailureKind::kFormat);
  CHECK(malformed.failure().detail.find("modules line 1 ") != std::string::npos);
}

}  // namespace
}  // namespace kmod
