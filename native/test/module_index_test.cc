// These use the libkmod that is installed, and fail without one.
#include "../libkmod/module_index.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>

#include "index_writer.h"
#include "module_file.h"
#include "temporary_folder.h"

namespace kmod {
namespace {

using Names = std::vector<std::string>;

struct Tree {
  TemporaryFolder folder;
  IndexSource source;

  Tree() {
    source.directory = folder.path("modules");
    source.config = {folder.path("modprobe.d")};
    source.load_lists = {folder.path("modules-load.d"), folder.path("etc-modules")};
    source.kernel_command_line = false;
    WriteIndex("dep", {{"dummy", "dummy.ko:"},
                       {"lost", "lost.ko:"},
                       {"broken", "broken.ko: dummy.ko"},
                       {"top", "top.ko: broken.ko dummy.ko"},
                       {"orphan", "orphan.ko: lost.ko"}});
    WriteIndex("alias", {{"rtnl_link_dummy", "dummy"}, {"pci:v0000*", "dummy"}});
    WriteIndex("symbols", {{"symbol:dummy_setup", "dummy"}});
    WriteIndex("builtin", {{"serial", ""}});
    folder.Write("modules/modules.builtin.modinfo", std::string("serial.license=GPL\0", 19));
    folder.Write("modules/dummy.ko",
                 MakeModuleFile(std::string("license=GPL\0vermagic=6.1 SMP \0", 30)));
    folder.Write("modules/broken.ko", "this is no module");
  }
  void WriteIndex(const std::string& name,
                  const std::vector<std::pair<std::string, std::string>>& entries) const {
    IndexWriter writer;
    for (const auto& [key, value] : entries) writer.Add(key, value);
    folder.Write("modules/modules." + name + ".bin", writer.Write());
  }
  std::unique_ptr<ModuleIndex> Open() const {
    auto opened = ModuleIndex::Open(source);
    REQUIRE(opened.ok());
    return *std::move(opened);
  }
};

// The policy of one module; an empty one if nothing is configured for it.
RemovalPolicy PolicyOf(const RemovalPolicies& all, const std::string& name) {
  const auto found = std::find_if(all.policies.begin(), all.policies.end(),
                                  [&name](const auto& entry) { return entry.first == name; });
  return found == all.policies.end() ? RemovalPolicy() : found->second;
}

TEST_CASE("names, aliases and symbols are looked up; others give an empty list") {
  const Tree tree;
  const auto index = tree.Open();
  const auto resolve = [&index](const std::string& alias) { return (*index->Resolve({alias}))[0]; };
  CHECK(resolve("dummy") == Names{"dummy"});
  CHECK(resolve("rtnl-link-dummy") == Names{"dummy"});
  CHECK(resolve("pci:v00008086") == Names{"dummy"});
  CHECK(resolve("serial") == Names{"serial"});
  CHECK(resolve("nothing").empty());
  CHECK(resolve("a[b").empty());
  CHECK(resolve("x]").empty());
  CHECK(resolve(std::string(4095, 'x')).empty());
  CHECK(index->Resolve({"dummy", "nothing"})->size() == 2);
}

TEST_CASE("the index knows files and built-ins") {
  const Tree tree;
  const auto index = tree.Open();
  CHECK(index->HasIndex());
  const auto found = index->Find({"dummy", "serial", "nothing"});
  REQUIRE(found.ok());
  CHECK((*found)[0].path == tree.source.directory + "/dummy.ko");
  CHECK((*found)[1].builtin);
  CHECK_FALSE((*found)[2].path);
  CHECK_FALSE((*found)[2].builtin);
}

TEST_CASE("a list of built-ins is read even if depmod has not written an index") {
  Tree tree;
  tree.source.directory = tree.folder.path("bare");
  tree.folder.Write("bare/modules.builtin", "kernel/fs/ext4/ext4.ko\n");
  const auto index = tree.Open();
  CHECK_FALSE(index->HasIndex());
  const auto found = index->Find({"ext4", "xfs"});
  REQUIRE(found.ok());
  CHECK((*found)[0].builtin);
  CHECK_FALSE((*found)[1].builtin);
}

TEST_CASE("a list of built-ins that cannot be read is a failure and is not treated as missing") {
  Tree tree;
  tree.source.directory = tree.folder.path("bare");
  tree.folder.Write("bare/modules.builtin/is/a/folder", "");
  const auto found = tree.Open()->Find({"ext4"});
  REQUIRE_FALSE(found.ok());
  CHECK(found.failure().error == EISDIR);
}

TEST_CASE("a description has the fields of the file unchanged") {
  const Tree tree;
  const auto index = tree.Open();
  const auto dummy = index->Describe("dummy");
  REQUIRE(dummy.ok());
  REQUIRE(dummy->has_value());
  CHECK((*dummy)->fields ==
        std::vector<ModinfoField>{{"license", "GPL"}, {"vermagic", "6.1 SMP "}});
  const auto builtin = index->Describe("serial");
  REQUIRE(builtin.ok());
  REQUIRE(builtin->has_value());
  CHECK((*builtin)->fields == std::vector<ModinfoField>{{"license", "GPL"}});
  CHECK_FALSE((*builtin)->path);
  const auto unknown = index->Describe("nothing");
  REQUIRE(unknown.ok());
  CHECK_FALSE(unknown->has_value());
}

TEST_CASE("missing and damaged module files are different failures") {
  const Tree tree;
  const auto index = tree.Open();
  const auto lost = index->Describe("lost");
  REQUIRE_FALSE(lost.ok());
  CHECK(lost.failure().error == ENOENT);
  const auto broken = index->Describe("broken");
  REQUIRE_FALSE(broken.ok());
  CHECK(broken.failure().kind == FailureKind::kFormat);
  CHECK_FALSE(index->DescribeFile("/dev/zero").ok());
  CHECK_FALSE(index->DescribeFile("/etc").ok());
}

TEST_CASE("a description has the configuration of the module") {
  const Tree tree;
  tree.folder.Write("modprobe.d/a.conf",
                    "options dummy numdummies=2\nblacklist dummy\n"
                    "remove dummy /bin/true one\ninstall dummy /bin/true two\n");
  const auto index = tree.Open();
  for (const auto& described :
       {**index->Describe("dummy"), *index->DescribeFile(tree.source.directory + "/dummy.ko")}) {
    CHECK(described.options == "numdummies=2");
    CHECK(described.remove_command == "/bin/true one");
    CHECK(described.install_command == "/bin/true two");
    CHECK(described.blacklisted);
  }
}

TEST_CASE("a policy resolves aliases in softdeps and load lists") {
  const Tree tree;
  tree.folder.Write("modprobe.d/a.conf",
                    "softdep serial pre: rtnl-link-dummy post: of-no-index my-own\n"
                    "alias my-own lost\n");
  tree.folder.Write("modules-load.d/a.conf", "# lost\n  rtnl-link-dummy \n");
  tree.folder.Write("etc-modules", "of-no-index\n");
  const auto policies = tree.Open()->Policies({"serial", "dummy", "of_no_index", "lost"});
  CHECK(policies.aliases.ok());
  CHECK(policies.load_lists.empty());
  const SoftDependencies softdeps = PolicyOf(policies, "serial").soft_dependencies;
  CHECK(softdeps.pre == Names{"dummy"});
  CHECK(softdeps.post == Names{"of_no_index", "lost"});
  CHECK(PolicyOf(policies, "dummy").configured);
  CHECK(PolicyOf(policies, "of_no_index").configured);
  CHECK(policies.policies.size() == 3);
}

TEST_CASE("a load list that cannot be read is reported together with the policies") {
  const Tree tree;
  tree.folder.Write("modprobe.d/a.conf", "remove dummy /bin/true\n");
  std::filesystem::create_symlink("etc-modules", tree.folder.path("etc-modules"));
  const auto policies = tree.Open()->Policies({"dummy"});
  CHECK(PolicyOf(policies, "dummy").remove_command == "/bin/true");
  REQUIRE(policies.load_lists.size() == 1);
  CHECK(policies.load_lists[0].error == ELOOP);
}

TEST_CASE("a module needs all modules that modules.dep names for it") {
  const Tree tree;
  const auto index = tree.Open();
  const auto needs = [&index](const std::string& name) { return (*index->Needs({name}))[0]; };
  CHECK(needs("dummy").empty());
  CHECK(needs("broken") == Names{"dummy"});
  CHECK(needs("top") == Names{"dummy", "broken"});
  CHECK(needs("serial").empty());
  CHECK(needs("nothing").empty());
  CHECK(needs(std::string(5000, 'x')).empty());
}

TEST_CASE("dependencies that libkmod cannot determine are a failure, not an empty list") {
  const auto needs = Tree().Open()->Needs({"orphan"});
  REQUIRE_FALSE(needs.ok());
  CHECK(needs.failure().syscall == "kmod_module_get_dependencies");
  CHECK(needs.failure().detail.find("lost.ko") != std::string::npos);
}

TEST_CASE("an index is stale after a change of its files") {
  const Tree tree;
  usleep(50000);  // a file that has just changed is never taken as unchanged
  const auto index = tree.Open();
  CHECK_FALSE(index->IsStale());
  tree.WriteIndex("alias", {{"other", "dummy"}});
  CHECK(index->IsStale());
}

TEST_CASE("with a damaged index the configuration still counts, and lookups fail") {
  for (const char* name : {"dep", "alias", "symbols", "builtin"}) {
    for (const bool empty : {true, false}) {
      CAPTURE(name);
      CAPTURE(empty);
      // depmod itself leaves the index of built-ins empty if the kernel has no list of them.
      if (empty && name == std::string("builtin")) continue;
      const Tree tree;
      tree.folder.Write("modprobe.d/a.conf",
                        "remove dummy /bin/true\nsoftdep lost pre: my-own post: rtnl-link-dummy\n"
                        "alias my-own serial\n");
      tree.folder.Write("modules-load.d/a.conf", "top\nmy-own\n");
      const std::string path = tree.folder.path("modules/modules." + std::string(name) + ".bin");
      std::filesystem::resize_file(path, empty ? 0 : std::filesystem::file_size(path) / 2);

      const auto index = tree.Open();
      const auto policies = index->Policies({"dummy", "lost", "top", "serial", "nothing"});
      CHECK(PolicyOf(policies, "dummy").remove_command == "/bin/true");
      CHECK(PolicyOf(policies, "lost").soft_dependencies.pre == Names{"serial"});
      // Only the index has this alias.
      CHECK(PolicyOf(policies, "lost").soft_dependencies.post == Names{"rtnl_link_dummy"});
      CHECK(PolicyOf(policies, "top").configured);
      CHECK(PolicyOf(policies, "serial").configured);
      CHECK(policies.policies.size() == 4);
      CHECK(index->DescribeFile(tree.source.directory + "/dummy.ko").ok());

      const auto check = [&path](const auto& result) {
        REQUIRE_FALSE(result.ok());
        CHECK(result.failure().kind == FailureKind::kFormat);
        CHECK(result.failure().detail.find(path) == 0);
      };
      check(policies.aliases);
      check(index->Resolve({"dummy"}));
      check(index->Find({}));
      check(index->Needs({"dummy"}));
      check(index->Describe("dummy"));
    }
  }
}

}  // namespace
}  // namespace kmod
