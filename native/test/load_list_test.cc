#include "../libkmod/load_list.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "temporary_folder.h"

namespace kmod {
namespace {

using Names = std::vector<std::string>;

TEST_CASE("a line is a name, without blanks and comments") {
  CHECK(ParseLoadList("loop\n\n  \t\n# loop2\n ; loop3\n\tsnd-seq \r\nnet-pf-10") ==
        Names{"loop", "snd-seq", "net-pf-10"});
  CHECK(ParseLoadList("").empty());
}

TEST_CASE("the first folder's file of a name counts, also where that is empty or /dev/null") {
  const TemporaryFolder folder;
  folder.Write("etc/a.conf", "");
  folder.Write("lib/a.conf", "masked");
  std::filesystem::create_symlink("/dev/null", folder.path("etc/b.conf"));
  folder.Write("lib/b.conf", "masked_too");
  folder.Write("lib/c.conf", "one");
  folder.Write("lib/d.txt", "not_a_list");
  folder.Write("lib/.e.conf", "hidden");
  folder.Write("modules", "two");
  Names names = ReadLoadLists(
      {folder.path("etc"), folder.path("nowhere"), folder.path("lib"), folder.path("modules")});
  std::sort(names.begin(), names.end());
  CHECK(names == Names{"one", "two"});
}

}  // namespace
}  // namespace kmod
