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

TEST_CASE("a whole index has no fault") {
  CHECK_FALSE(FindIndexFault(Sample()));
  CHECK_FALSE(FindIndexFault(IndexWriter().Write()));
}

TEST_CASE("an index that was cut off anywhere has one") {
  const std::string whole = Sample();
  // The root is written last: every shorter file lacks a part of it.
  for (size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    CHECK(FindIndexFault(std::string_view(whole).substr(0, length)));
  }
}

TEST_CASE("another magic or version is told") {
  std::string bytes = Sample();
  bytes[0] = 'x';
  CHECK(FindIndexFault(bytes)->find("magic") != std::string::npos);
  bytes = Sample();
  bytes[5] = 9;
  CHECK(FindIndexFault(bytes)->find("version") != std::string::npos);
}

TEST_CASE("a cycle is told instead of followed") {
  // A root with one child: itself.
  std::string bytes = IndexWriter().Write().substr(0, 12);
  const auto put = [&bytes](uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(value >> shift));
  };
  bytes += "aa";
  put(0x20000000 | 12);
  bytes.replace(8, 4, std::string("\x20\0\0\x0c", 4));
  CHECK(FindIndexFault(bytes)->find("cycle") != std::string::npos);
}

TEST_CASE("characters past the seventh bit would overrun libkmod's table") {
  std::string bytes = IndexWriter().Write().substr(0, 12);
  bytes += std::string("\0\xff", 2);
  bytes += std::string(1024, '\0');
  bytes.replace(8, 4, std::string("\x20\0\0\x0c", 4));
  CHECK(FindIndexFault(bytes));
}

}  // namespace
}  // namespace kmod
