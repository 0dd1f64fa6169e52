#include "../libkmod/file_stamps.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "temporary_folder.h"

namespace kmod {
namespace {

TEST_CASE("a change of any file that an index was read from is detected") {
  const TemporaryFolder folder;
  IndexSource source;
  source.directory = folder.path("modules");
  source.config = {folder.path("modprobe.d")};
  source.load_lists = {folder.path("modules-load.d"), folder.path("etc-modules")};
  folder.Write("modules/modules.alias.bin", "one");
  folder.Write("modprobe.d/a.conf", "options dummy one=1\n");
  // A file that changed within the last tick of the kernel's clock may change again without a new
  // time.
  CHECK(FileStamps::Take(source).HaveChanged());
  const auto take_settled = [&source] {
    usleep(50000);
    FileStamps stamps = FileStamps::Take(source);
    CHECK_FALSE(stamps.HaveChanged());
    return stamps;
  };
  FileStamps stamps = take_settled();
  folder.Write("modprobe.d/a.conf", "options dummy one=2\n");  // in place, with the same size
  CHECK(stamps.HaveChanged());
  stamps = take_settled();
  folder.Write("modprobe.d/b.conf", "");
  CHECK(stamps.HaveChanged());
  stamps = take_settled();
  std::filesystem::remove(folder.path("modprobe.d/b.conf"));
  CHECK(stamps.HaveChanged());
  stamps = take_settled();
  folder.Write("etc-modules", "dummy\n");
  CHECK(stamps.HaveChanged());
  stamps = take_settled();
  folder.Write("modules-load.d/a.conf", "dummy\n");
  CHECK(stamps.HaveChanged());
  stamps = take_settled();
  folder.Write("modules/modules.alias.bin", "two");
  CHECK(stamps.HaveChanged());
  stamps = take_settled();
  folder.Write("modules/modules.softdep", "softdep dummy pre: llc\n");
  CHECK(stamps.HaveChanged());
}

}  // namespace
}  // namespace kmod
