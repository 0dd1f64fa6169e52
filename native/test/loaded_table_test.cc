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

TEST_CASE("a table's names are found in its order") {
  const TableScan scan = ScanTable(kTable);
  CHECK(scan.malformed_line == 0);
  CHECK(scan.ascii);
  CHECK(scan.names == std::vector<std::string_view>{"br_netfilter", "bridge", "kmodtest_no_exit",
                                                    "kmodtest_slow_exit", "llc"});
}

TEST_CASE("a kernel without CONFIG_MODULE_UNLOAD prints no counts") {
  CHECK(ScanTable("dummy 16384 - - Live 0x0000000000000000\n").malformed_line == 0);
}

TEST_CASE("rows of another form are found, by line") {
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
    CHECK(ScanTable(row).malformed_line == 1);
    CHECK(ScanTable(std::string("llc 1 0 - Live 0x0\n") + row).malformed_line == 2);
  }
}

TEST_CASE("fields that later kernels may add do no harm") {
  CHECK(ScanTable("dummy 16384 0 - Live 0x0 (OE) more and more\n").malformed_line == 0);
}

TEST_CASE("two readings are the same picture only with the same modules, each once") {
  const TableScan scan = ScanTable(kTable);
  CHECK(SameModules(scan, ScanTable(kTable)));
  CHECK_FALSE(SameModules(scan, ScanTable("llc 1 0 - Live 0x0\n")));
  const TableScan twice = ScanTable("llc 1 0 - Live 0x0\nstp 1 0 - Live 0x0\nllc 1 0 - Live 0x0\n");
  CHECK_FALSE(SameModules(twice, twice));
}

TEST_CASE("a table that holds still is read twice") {
  const TemporaryFolder folder;
  const auto table = ReadLoadedTable(folder.Write("modules", kTable).c_str());
  REQUIRE_FALSE(Failed(table));
  CHECK(std::get<LoadedTable>(table).text == kTable);
  CHECK(std::get<LoadedTable>(table).readings == 2);
}

TEST_CASE("one row is found by its whole name") {
  const TemporaryFolder folder;
  const std::string path = folder.Write("modules", kTable);
  const auto row = [&path](const char* name) {
    return std::get<std::string>(ReadTableRow(path.c_str(), name));
  };
  CHECK(row("bridge") == "bridge 311296 1 br_netfilter, Live 0xffffffffc09f1000\n");
  CHECK(row("llc") == "llc 16384 2 bridge,stp, Live 0x0000000000000000\n");
  CHECK(row("bridg").empty());
  CHECK(row("br").empty());
  CHECK(Failed(ReadTableRow(folder.path("none").c_str(), "llc")));
  CHECK(Failed(ReadTableRow(folder.Write("cut", "llc 16384 2").c_str(), "llc")));
}

TEST_CASE("an empty table is a table") {
  const TemporaryFolder folder;
  const auto table = ReadLoadedTable(folder.Write("modules", "").c_str());
  REQUIRE_FALSE(Failed(table));
  CHECK(std::get<LoadedTable>(table).text.empty());
}

TEST_CASE("a module that is always there twice is no true picture") {
  const TemporaryFolder folder;
  const auto table = ReadLoadedTable(folder.Write("modules", std::string(kTable) + kTable).c_str());
  REQUIRE(Failed(table));
  CHECK(std::get<Failure>(table).kind == FailureKind::kTransient);
}

TEST_CASE("a missing or malformed table is a failure that names it") {
  const TemporaryFolder folder;
  const auto missing = ReadLoadedTable(folder.path("none").c_str());
  REQUIRE(Failed(missing));
  CHECK(std::get<Failure>(missing).error == ENOENT);
  const auto malformed = ReadLoadedTable(folder.Write("modules", "llc 1\n").c_str());
  REQUIRE(Failed(malformed));
  CHECK(std::get<Failure>(malformed).kind == FailureKind::kFormat);
  CHECK(std::get<Failure>(malformed).detail.find("line 1") != std::string::npos);
}

}  // namespace
}  // namespace kmod
