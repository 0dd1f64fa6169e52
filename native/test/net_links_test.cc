#include "../net/net_links.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace kmod {
namespace {

TEST_CASE("the interfaces are those in /sys/class/net") {
  const auto socket = OpenRouteSocket();
  REQUIRE(socket.ok());
  const auto read = ReadNetTables(socket->get());
  REQUIRE(read.ok());
  const NetTables& tables = *read;
  CHECK(tables.unreadable.empty());
  size_t expected = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/sys/class/net")) {
    const std::string name = entry.path().filename();
    if (name == "lo") continue;
    // In a sandbox, /sys may show another network namespace.
    const auto link = std::find_if(tables.links.begin(), tables.links.end(),
                                   [&name](const NetLink& one) { return one.name == name; });
    if (link == tables.links.end()) continue;
    ++expected;
    int index = 0;
    std::ifstream(entry.path() / "ifindex") >> index;
    CHECK(link->index == index);
  }
  CHECK(tables.links.size() >= expected);
  for (const int index : tables.default_routes) {
    CHECK(std::any_of(tables.links.begin(), tables.links.end(),
                      [index](const NetLink& link) { return link.index == index; }));
  }
}

}  // namespace
}  // namespace kmod
