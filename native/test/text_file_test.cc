#include "../proc/text_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "temporary_folder.h"

namespace kmod {
namespace {

TEST_CASE("a file of any length is read whole") {
  const TemporaryFolder folder;
  for (const size_t length : {0UL, 1UL, 16384UL, 16385UL, 3000000UL}) {
    const std::string text(length, 'x');
    const auto read = ReadTextFile(folder.Write("file", text).c_str(), 4000000);
    REQUIRE_FALSE(Failed(read));
    CHECK(std::get<std::string>(read) == text);
  }
}

TEST_CASE("files in /proc, whose size is 0, are read whole") {
  const auto read = ReadTextFile("/proc/self/status", 1000000);
  REQUIRE_FALSE(Failed(read));
  CHECK(std::get<std::string>(read).find("CapEff:") != std::string::npos);
}

TEST_CASE("what has no end is not read") {
  const TemporaryFolder folder;
  const auto device = ReadTextFile("/dev/zero", 1000);
  REQUIRE(Failed(device));
  CHECK(std::get<Failure>(device).kind == FailureKind::kFormat);

  const std::string fifo = folder.path("fifo");
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  CHECK(Failed(ReadTextFile(fifo.c_str(), 1000)));

  const auto large = ReadTextFile(folder.Write("large", std::string(2000, 'x')).c_str(), 1000);
  REQUIRE(Failed(large));
  CHECK(std::get<Failure>(large).kind == FailureKind::kFormat);
}

TEST_CASE("a folder and a missing file are failures with their number") {
  const TemporaryFolder folder;
  const auto directory = ReadTextFile(folder.path().c_str(), 1000);
  REQUIRE(Failed(directory));
  CHECK(std::get<Failure>(directory).error == EISDIR);
  const auto missing = ReadTextFile(folder.path("none").c_str(), 1000);
  REQUIRE(Failed(missing));
  CHECK(std::get<Failure>(missing).error == ENOENT);
  CHECK(std::get<Failure>(missing).syscall == "open");
}

}  // namespace
}  // namespace kmod
