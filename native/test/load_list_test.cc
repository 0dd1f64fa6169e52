#include "../libkmod/load_list.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "temporary_folder.h"

namespace kmod {
namespace {

using Names = std::vector<std::string>;

TEST_CASE("each line has a name, except empty lines and comments") {
  CHECK(ParseLoadList("loop\n\n  \t\n# loop2\n ; loop3\n\tsnd-seq \r\nnet-pf-10") ==
        Names{"loop", "snd-seq", "net-pf-10"});
  CHECK(ParseLoadList("").empty());
}

TEST_CASE(
    "of files with the same name that in the first folder counts, even if it is empty or "
    "/dev/null") {
  const TemporaryFolder folder;
  folder.Write("etc/a.conf", "");
  folder.Write("lib/a.conf", "masked");
  std::filesystem::create_symlink("/dev/null", folder.path("etc/b.conf"));
  folder.Write("lib/b.conf", "masked_too");
  folder.Write("lib/c.conf", "one");
  folder.Write("lib/d.txt", "not_a_list");
  folder.Write("lib/.e.conf", "hidden");
  folder.Write("modules", "two");
  LoadLists lists = ReadLoadLists(
      {folder.path("etc"), folder.path("nowhere"), folder.path("lib"), folder.path("modules")});
  std::sort(lists.names.begin(), lists.names.end());
  CHECK(lists.names == Names{"one", "two"});
  CHECK(lists.failures.empty());
}

TEST_CASE("a list that cannot be read is a failure, and the others are read") {
  const TemporaryFolder folder;
  std::filesystem::create_symlink("loop.conf", folder.path("loop.conf"));
  folder.Write("huge.conf", std::string(2000000, 'x'));
  folder.Write("fine.conf", "one");
  const LoadLists lists = ReadLoadLists({folder.path()});
  CHECK(lists.names == Names{"one"});
  REQUIRE(lists.failures.size() == 2);
  CHECK((lists.failures[0].detail + lists.failures[1].detail).find("loop.conf") !=
        std::string::npos);
  CHECK((lists.failures[0].detail + lists.failures[1].detail).find("huge.conf") !=
        std::string::npos);
}

}  // namespace
}  // namespace kmod
