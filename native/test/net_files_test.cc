#include "../net/net_files.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace kmod {
namespace {

bool Has(const std::vector<NetFile>& files, const std::string& path) {
  return std::any_of(files.begin(), files.end(),
                     [&path](const NetFile& file) { return file.path == path; });
}

TEST_CASE("files are read as whole lines, and the files about users only if they are wanted") {
  const std::vector<NetFile> few = NetFileReader(false).Read().files;
  const std::vector<NetFile> all = NetFileReader(true).Read().files;
  CHECK(Has(few, "/proc/net/tcp"));
  CHECK_FALSE(Has(few, "/proc/net/protocols"));
  CHECK(Has(all, "/proc/net/protocols"));
  for (const NetFile& file : all) CHECK(file.text.back() == '\n');
}

}  // namespace
}  // namespace kmod
