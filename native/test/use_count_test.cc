#include "../proc/use_count.h"

#include <doctest/doctest.h>

namespace kmod {
namespace {

TEST_CASE("a histogram has a count for each module") {
  const Uses uses = ParseHistogram(
      "# event histogram\n#\n"
      "# trigger info: hist:keys=name:vals=hitcount:sort=hitcount:size=1024 [active]\n#\n\n"
      "{ name: dummy                                              } hitcount:          1\n"
      "{ name: ext4                                               } hitcount:         42\n"
      "\nTotals:\n    Hits: 43\n    Entries: 2\n    Dropped: 0\n");
  CHECK(uses.complete);
  REQUIRE(uses.counts.size() == 2);
  CHECK(uses.counts[0].first == "dummy");
  CHECK(uses.counts[0].second == 1);
  CHECK(uses.counts[1].first == "ext4");
  CHECK(uses.counts[1].second == 42);
}

TEST_CASE("uses that did not fit make the counts incomplete") {
  CHECK_FALSE(ParseHistogram("    Dropped: 3\n").complete);
  CHECK(ParseHistogram("").complete);
  CHECK(ParseHistogram("{ name: x\n{ name: y } hitcount: z\n").counts.empty());
}

}  // namespace
}  // namespace kmod
