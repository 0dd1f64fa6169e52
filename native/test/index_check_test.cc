#include "../libkmod/index_check.h"

#include <doctest/doctest.h>

#include "index_writer.h"

namespace kmod {
namespace {

std::string Sample() {
  IndexWriter writer;
  writer.Add("dummy", "kernel/drivers/net/dummy.ko:");
  writer.Add("bridge", "kernel/net/bridge/bridge.ko: kernel/net/802/stp.ko kernel/net/llc/llc.ko");
  writer.Add("br_netfilter", "kernel/net/bridge/br_netfilter.ko: kernel/net/bridge/bridge.ko");
  return writer.Write();
}

std::string FaultOf(std::string_view bytes) {
  const Result<> checked = CheckIndex(bytes);
  REQUIRE_FALSE(checked.ok());
  CHECK(checked.failure().kind == FailureKind::kFormat);
  return checked.failure().detail;
}

TEST_CASE("a complete index is accepted") {
  CHECK(CheckIndex(Sample()).ok());
  CHECK(CheckIndex(IndexWriter().Write()).ok());
}

TEST_CASE("an index that was cut off at any length is refused") {
  const std::string whole = Sample();
  // The root is written last, so each shorter file lacks a part of it.
  for (size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    CHECK_FALSE(CheckIndex(std::string_view(whole).substr(0, length)).ok());
  }
}

TEST_CASE("another magic or version is refused") {
  std::string bytes = Sample();
  bytes[0] = 'x';
  CHECK(FaultOf(bytes).find("magic") != std::string::npos);
  bytes = Sample();
  bytes[5] = 9;
  CHECK(FaultOf(bytes).find("version") != std::string::npos);
}

TEST_CASE("a cycle is detected and not followed for ever") {
  // A root with one child: itself.
  std::string bytes = IndexWriter().Write().substr(0, 12);
  const auto put = [&bytes](uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(value >> shift));
  };
  bytes += "aa";
  put(0x20000000 | 12);
  bytes.replace(8, 4, std::string("\x20\0\0\x0c", 4));
  CHECK(FaultOf(bytes).find("cycle") != std::string::npos);
}

TEST_CASE(
    "a character above the seventh bit, which would overrun the table of libkmod, is refused") {
  std::string bytes = IndexWriter().Write().substr(0, 12);
  bytes += std::string("\0\xff", 2);
  bytes += std::string(1024, '\0');
  bytes.replace(8, 4, std::string("\x20\0\0\x0c", 4));
  CHECK_FALSE(CheckIndex(bytes).ok());
}

}  // namespace
}  // namespace kmod
