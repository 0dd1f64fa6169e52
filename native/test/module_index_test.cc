// Through the libkmod that is installed: these fail where there is none.
#include "../libkmod/module_index.h"

#include <doctest/doctest.h>
#include <elf.h>
#include <unistd.h>

#include <cstring>

#include "index_writer.h"
#include "module_file.h"
#include "temporary_folder.h"

namespace kmod {
namespace {

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
                       {"top", "top.ko: broken.ko dummy.ko"}});
    WriteIndex("alias", {{"rtnl_link_dummy", "dummy"}, {"pci:v0000*", "dummy"}});
    WriteIndex("symbols", {{"symbol:dummy_setup", "dummy"}});
    WriteIndex("builtin", {{"serial", ""}});
    folder.Write("modules/modules.builtin.modinfo", std::string("serial.license=GPL\0", 19));
    folder.Write("modules/dummy.ko",
                 ModuleFile(std::string("license=GPL\0vermagic=6.1 SMP \0", 30)));
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
    REQUIRE_FALSE(Failed(opened));
    return std::get<std::unique_ptr<ModuleIndex>>(std::move(opened));
  }
};

TEST_CASE("names, aliases and symbols are looked up; what matches nothing gives nothing") {
  const Tree tree;
  const auto index = tree.Open();
  const auto lookup = [&index](const char* alias) {
    return std::get<std::vector<std::string>>(index->Lookup(alias));
  };
  const std::vector<std::string> dummy = {"dummy"};
  CHECK(lookup("dummy") == dummy);
  CHECK(lookup("rtnl-link-dummy") == dummy);
  CHECK(lookup("pci:v00008086") == dummy);
  CHECK(lookup("serial") == std::vector<std::string>{"serial"});
  CHECK(lookup("nothing").empty());
  CHECK(lookup("a[b").empty());
  CHECK(lookup("x]").empty());
  CHECK(lookup(std::string(4095, 'x').c_str()).empty());
}

TEST_CASE("the index tells files, built-ins and what it does not know") {
  const Tree tree;
  const auto index = tree.Open();
  CHECK(index->HasDependencies());
  CHECK(index->Find("dummy").path == tree.source.directory + "/dummy.ko");
  CHECK(index->Find("serial").builtin);
  CHECK_FALSE(index->Find("nothing").path);
  CHECK_FALSE(index->Find("nothing").builtin);
}

TEST_CASE("a list of built-ins without an index by depmod is read all the same") {
  const Tree tree;
  IndexSource bare = tree.source;
  bare.directory = tree.folder.path("bare");
  tree.folder.Write("bare/modules.builtin", "kernel/fs/ext4/ext4.ko\n");
  const auto opened = ModuleIndex::Open(bare);
  REQUIRE_FALSE(Failed(opened));
  const auto& index = std::get<std::unique_ptr<ModuleIndex>>(opened);
  CHECK_FALSE(index->HasDependencies());
  CHECK(index->Find("ext4").builtin);
  CHECK_FALSE(index->Find("xfs").builtin);
}

TEST_CASE("a description has the file's fields, verbatim") {
  const Tree tree;
  const auto described = tree.Open()->Describe("dummy");
  REQUIRE_FALSE(Failed(described));
  const auto& description = std::get<std::optional<ModuleDescription>>(described);
  REQUIRE(description);
  CHECK(description->fields ==
        std::vector<ModinfoField>{{"license", "GPL"}, {"vermagic", "6.1 SMP "}});
  const auto builtin = tree.Open()->Describe("serial");
  CHECK(std::get<std::optional<ModuleDescription>>(builtin)->fields ==
        std::vector<ModinfoField>{{"license", "GPL"}});
  CHECK_FALSE(std::get<std::optional<ModuleDescription>>(tree.Open()->Describe("nothing")));
}

TEST_CASE("a module file that is gone or damaged is a failure of its own kind") {
  const Tree tree;
  const auto lost = tree.Open()->Describe("lost");
  REQUIRE(Failed(lost));
  CHECK(std::get<Failure>(lost).error == ENOENT);
  const auto broken = tree.Open()->Describe("broken");
  REQUIRE(Failed(broken));
  CHECK(std::get<Failure>(broken).kind == FailureKind::kFormat);
  CHECK(Failed(tree.Open()->DescribeFile("/dev/zero")));
  CHECK(Failed(tree.Open()->DescribeFile("/etc")));
}

TEST_CASE("configuration: options, commands, blacklist, all softdep lines") {
  const Tree tree;
  tree.folder.Write("modprobe.d/a.conf",
                    "options dummy numdummies=2\nblacklist dummy\n"
                    "softdep dummy pre: one post: two\nremove dummy /bin/true one\n");
  tree.folder.Write("modprobe.d/b.conf",
                    "options dummy more=1\nsoftdep dum* post: three\ninstall dummy /bin/true two\n"
                    "this line is nonsense\n");
  tree.folder.Write("modprobe.d/c.txt", "options dummy never=1\n");
  const auto index = tree.Open();
  const auto described = index->Describe("dummy");
  const auto& description = *std::get<std::optional<ModuleDescription>>(described);
  CHECK(description.options == "numdummies=2 more=1");
  CHECK(description.remove_command == "/bin/true one");
  CHECK(description.install_command == "/bin/true two");
  CHECK(description.blacklisted);
  const RemovalPolicy policy = index->Policy("dummy");
  CHECK(policy.remove_command == "/bin/true one");
  CHECK(policy.soft_dependencies.pre == std::vector<std::string>{"one"});
  CHECK(policy.soft_dependencies.post == std::vector<std::string>{"two", "three"});
  CHECK_FALSE(index->Policy("serial").remove_command);
}

TEST_CASE("what the load lists name, or an alias of it, is configured") {
  const Tree tree;
  tree.folder.Write("modules-load.d/a.conf", "# lost\n  rtnl-link-dummy \n");
  tree.folder.Write("etc-modules", "of-no-index\n");
  const auto index = tree.Open();
  CHECK(index->Policy("dummy").configured);
  CHECK(index->Policy("of_no_index").configured);
  CHECK_FALSE(index->Policy("dummy").IsEmpty());
  CHECK(index->Policy("lost").IsEmpty());
}

TEST_CASE("a module needs all that modules.dep has for it") {
  const Tree tree;
  const auto index = tree.Open();
  using Names = std::vector<std::string>;
  CHECK(index->Needs("dummy").empty());
  CHECK(index->Needs("broken") == Names{"dummy"});
  CHECK(index->Needs("top") == Names{"dummy", "broken"});
  CHECK(index->Needs("serial").empty());
  CHECK(index->Needs("nothing").empty());
  CHECK(index->Needs(std::string(5000, 'x')).empty());
}

TEST_CASE("a change of any file makes the index stale") {
  const Tree tree;
  tree.folder.Write("modprobe.d/a.conf", "options dummy one=1\n");
  // Files that changed within the last tick of the kernel's clock are never taken for settled.
  CHECK(tree.Open()->IsStale());
  const auto open_settled = [&tree] {
    usleep(50000);
    auto index = tree.Open();
    CHECK_FALSE(index->IsStale());
    return index;
  };
  auto index = open_settled();
  tree.folder.Write("modprobe.d/a.conf", "options dummy one=2\n");  // in place, of the same size
  CHECK(index->IsStale());
  index = open_settled();
  tree.folder.Write("modprobe.d/b.conf", "");
  CHECK(index->IsStale());
  index = open_settled();
  std::filesystem::remove(tree.folder.path("modprobe.d/b.conf"));
  CHECK(index->IsStale());
  index = open_settled();
  tree.folder.Write("etc-modules", "dummy\n");
  CHECK(index->IsStale());
  index = open_settled();
  tree.folder.Write("modules-load.d/a.conf", "dummy\n");
  CHECK(index->IsStale());
  index = open_settled();
  tree.WriteIndex("alias", {{"other", "dummy"}});
  CHECK(index->IsStale());
}

TEST_CASE("a damaged index is a failure instead of an answer") {
  const Tree tree;
  const std::string path = tree.folder.path("modules/modules.alias.bin");
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  const auto opened = ModuleIndex::Open(tree.source);
  REQUIRE(Failed(opened));
  CHECK(std::get<Failure>(opened).kind == FailureKind::kFormat);
  CHECK(std::get<Failure>(opened).detail.find("modules.alias.bin") != std::string::npos);
}

}  // namespace
}  // namespace kmod
