// These need libkmod, but no index.
#include "../libkmod/configuration.h"

#include <doctest/doctest.h>

#include "../libkmod/context.h"
#include "temporary_folder.h"

namespace kmod {
namespace {

using Names = std::vector<std::string>;

Configuration Read(const TemporaryFolder& folder, const Names& load_names = {}) {
  IndexSource source;
  source.directory = folder.path("modules");
  source.config = {folder.path("modprobe.d")};
  source.load_lists = {folder.path("modules-load.d")};
  source.load_names = load_names;
  source.kernel_command_line = false;
  const auto context = Context::Open(source);
  REQUIRE(context.ok());
  auto configuration = Configuration::Read(*context, source);
  REQUIRE(configuration.ok());
  return *std::move(configuration);
}

TEST_CASE("an empty configuration has nothing for any module") {
  const Configuration configuration = Read(TemporaryFolder());
  CHECK_FALSE(configuration.OptionsOf("dummy"));
  CHECK_FALSE(configuration.InstallCommandOf("dummy"));
  CHECK_FALSE(configuration.RemoveCommandOf("dummy"));
  CHECK_FALSE(configuration.IsBlacklisted("dummy"));
  CHECK(configuration.SoftDependenciesOf("dummy").pre.empty());
  CHECK(configuration.ModulesOf("dummy").empty());
  CHECK(configuration.load_lists().names.empty());
}

TEST_CASE("the load_names of the source count like the names in a load list") {
  const TemporaryFolder folder;
  folder.Write("modules-load.d/a.conf", "one\n");
  CHECK(Read(folder, {"two"}).load_lists().names == Names{"one", "two"});
}

TEST_CASE("options and softdeps of all files count, but only the first command") {
  const TemporaryFolder folder;
  folder.Write("modprobe.d/a.conf",
               "options snd-dummy numdummies=2\nblacklist snd-dummy\n"
               "softdep snd-dummy pre: one post: two\nremove snd-* /bin/true one\n"
               "remove snd-dummy /bin/true never\n");
  folder.Write("modprobe.d/b.conf",
               "options snd-dummy more=1\nsoftdep snd* post: three\n"
               "install snd-dummy /bin/true two\nthis line is malformed\n"
               "alias my-card* snd-dummy\n");
  folder.Write("modprobe.d/c.txt", "options snd-dummy never=1\n");
  const Configuration configuration = Read(folder);
  CHECK(configuration.OptionsOf("snd_dummy") == "numdummies=2 more=1");
  CHECK(configuration.RemoveCommandOf("snd_dummy") == "/bin/true one");
  CHECK(configuration.InstallCommandOf("snd_dummy") == "/bin/true two");
  CHECK(configuration.IsBlacklisted("snd_dummy"));
  CHECK(configuration.SoftDependenciesOf("snd_dummy").pre == Names{"one"});
  CHECK(configuration.SoftDependenciesOf("snd_dummy").post == Names{"two", "three"});
  CHECK(configuration.ModulesOf("my-card-7") == Names{"snd_dummy"});
  CHECK_FALSE(configuration.RemoveCommandOf("dummy"));
  CHECK_FALSE(configuration.OptionsOf("snd"));
}

TEST_CASE("the softdep file that depmod writes counts, too") {
  const TemporaryFolder folder;
  folder.Write("modules/modules.softdep", "softdep dummy pre: llc\n");
  CHECK(Read(folder).SoftDependenciesOf("dummy").pre == Names{"llc"});
}

TEST_CASE("load lists are read as they are written") {
  const TemporaryFolder folder;
  folder.Write("modules-load.d/a.conf", "snd-seq\n");
  CHECK(Read(folder).load_lists().names == Names{"snd-seq"});
}

TEST_CASE("softdeps are parsed with and without the space before post:") {
  const SoftDependencies both = ParseSoftDependencies("pre: a b post: c d");
  CHECK(both.pre == Names{"a", "b"});
  CHECK(both.post == Names{"c", "d"});
  const SoftDependencies glued = ParseSoftDependencies("pre: a bpost: c d");
  CHECK(glued.pre == both.pre);
  CHECK(glued.post == both.post);
  CHECK(ParseSoftDependencies("post: c").post == Names{"c"});
  CHECK(ParseSoftDependencies("").pre.empty());
  CHECK(ParseSoftDependencies("stray words").pre.empty());
}

}  // namespace
}  // namespace kmod
