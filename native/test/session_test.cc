#include "../libkmod/session.h"

#include <doctest/doctest.h>

#include <cerrno>

#include "index_writer.h"
#include "module_file.h"
#include "temporary_folder.h"

namespace kmod {
namespace {

class SampleFolder : public TemporaryFolder {
 public:
  SampleFolder() {
    IndexWriter dep;
    dep.Add("llc", "kernel/llc.ko:");
    dep.Add("stp", "kernel/stp.ko: kernel/llc.ko");
    Write("modules.dep.bin", dep.Write());
    IndexWriter alias;
    alias.Add("fs_stp", "stp");
    Write("modules.alias.bin", alias.Write());
    Write("modules.symbols.bin", IndexWriter().Write());
    IndexWriter builtin;
    builtin.Add("ext4", "");
    Write("modules.builtin.bin", builtin.Write());
    for (const char* name : {"llc", "stp"}) {
      Write(std::string("kernel/") + name + ".ko",
            MakeModuleFile(std::string("license=GPL\0name=", 17) + name + std::string(1, '\0')));
    }
    Write("etc/test.conf", "options stp a=1\nsoftdep stp pre: llc\nno such line\n");
  }

  Result<std::unique_ptr<Session>> Open() const {
    return Session::Open(path(), std::vector<std::string>{path("etc")});
  }
};

TEST_CASE("a session looks modules up and describes them") {
  const SampleFolder folder;
  const Result<std::unique_ptr<Session>> opened = folder.Open();
  REQUIRE(opened.ok());
  Session& session = **opened;
  const Result<Modules> found = session.ModulesFromLookup("fs-stp");
  REQUIRE(found.ok());
  REQUIRE(found->size() == 1);
  const ModuleId stp = found->front().id;
  CHECK(found->front().name == "stp");
  CHECK(*session.Path(stp) == folder.path("/kernel/stp.ko"));
  CHECK(*session.Options(stp) == "a=1");
  CHECK(*session.InstallCommands(stp) == std::nullopt);
  CHECK((*session.Dependencies(stp)).front().name == "llc");
  CHECK((*session.SoftDependencies(stp)).pre.front().name == "llc");
  CHECK((*session.Info(stp)).front() == ModinfoField{"license", "GPL"});
  CHECK((*session.ExportedSymbols(stp)).empty());
  CHECK((*session.DumpIndex(Index::kDep)).find("stp kernel/stp.ko: kernel/llc.ko\n") !=
        std::string::npos);
  CHECK(*session.InitState(stp) == std::nullopt);
  CHECK(*session.InitState((*session.ModuleFromName("ext4")).id) == 0);
}

TEST_CASE("a module that was released is not used any more") {
  const SampleFolder folder;
  const Result<std::unique_ptr<Session>> opened = folder.Open();
  REQUIRE(opened.ok());
  const Result<ModuleEntry> module = (*opened)->ModuleFromName("stp");
  REQUIRE(module.ok());
  (*opened)->Release(module->id);
  (*opened)->Release(module->id);
  CHECK((*opened)->Path(module->id).failure().error == ESTALE);
}

TEST_CASE("modules that are still held are released with the session") {
  // LeakSanitizer, or valgrind, finds them otherwise.
  const SampleFolder folder;
  for (int i = 0; i < 3; ++i) {
    const Result<std::unique_ptr<Session>> opened = folder.Open();
    REQUIRE(opened.ok());
    CHECK((*opened)->ModulesFromLookup("stp").ok());
  }
}

TEST_CASE("failures name the function of libkmod") {
  const SampleFolder folder;
  const Result<std::unique_ptr<Session>> opened = folder.Open();
  REQUIRE(opened.ok());
  Session& session = **opened;
  const Result<ModuleEntry> missing = session.ModuleFromPath("/nowhere/x.ko");
  CHECK(missing.failure().syscall == "kmod_module_new_from_path");
  CHECK(missing.failure().error == ENOENT);
  const ModuleId stp = (*session.ModuleFromName("stp")).id;
  CHECK(session.Holders(stp).failure().syscall == "kmod_module_get_holders");
  CHECK(session.Holders(stp).failure().error == ENOENT);

  folder.Write("kernel/stp.ko", "this is no module");
  CHECK(session.Info(stp).failure().kind == FailureKind::kFormat);
  CHECK(session.Info(stp).failure().error == ENOEXEC);
  std::string without = MakeModuleFile("x");
  without.replace(without.find(".modinfo"), 2, ".b");
  folder.Write("kernel/stp.ko", without);
  CHECK(session.Info(stp).failure().kind == FailureKind::kFormat);
  CHECK(session.Info(stp).failure().detail ==
        folder.path("/kernel/stp.ko") + " has no module information");
  folder.Write("modules.dep.bin", "x");
  CHECK(session.Dependencies(stp).failure().kind == FailureKind::kFormat);
  CHECK(session.Dependencies(stp).failure().syscall == "kmod_module_get_dependencies");
}

}  // namespace
}  // namespace kmod
