#include "../proc/text_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "temporary_folder.h"

namespace kmod {
namespace {

TEST_CASE("a file of any length is read completely") {
  const TemporaryFolder folder;
  for (const size_t length : {0UL, 1UL, 16384UL, 16385UL, 3000000UL}) {
    const std::string text(length, 'x');
    const auto read = ReadTextFile(folder.Write("file", text), 4000000);
    REQUIRE(read.ok());
    CHECK(*read == text);
  }
}

TEST_CASE("files in /proc, whose size is 0, are read completely") {
  const auto read = ReadTextFile("/proc/self/status", 1000000);
  REQUIRE(read.ok());
  CHECK(read->find("CapEff:") != std::string::npos);
}

TEST_CASE("a device, a FIFO and a file that is too long are refused") {
  const TemporaryFolder folder;
  const auto device = ReadTextFile("/dev/zero", 1000);
  REQUIRE_FALSE(device.ok());
  CHECK(device.failure().kind == FailureKind::kFormat);

  const std::string fifo = folder.path("fifo");
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  CHECK_FALSE(ReadTextFile(fifo, 1000).ok());

  const auto large = ReadTextFile(folder.Write("large", std::string(2000, 'x')), 1000);
  REQUIRE_FALSE(large.ok());
  CHECK(large.failure().kind == FailureKind::kFormat);
}

TEST_CASE("a folder and a missing file are failures with their errno") {
  const TemporaryFolder folder;
  const auto directory = ReadTextFile(folder.path(), 1000);
  REQUIRE_FALSE(directory.ok());
  CHECK(directory.failure().error == EISDIR);
  const auto missing = ReadTextFile(folder.path("none"), 1000);
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.failure().error == ENOENT);
  CHECK(missing.failure().syscall == "open");
}

}  // namespace
}  // namespace kmod
