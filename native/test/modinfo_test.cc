#include "../libkmod/modinfo.h"

#include <doctest/doctest.h>

#include "../libkmod/module_index.h"

namespace kmod {
namespace {

const std::string kBuiltins(
    "8250.license=GPL\0"
    "8250.description=Generic 8250/16x50 serial driver\0"
    "snd-core.license=GPL\0"
    "8250.parmtype=share_irqs:bool\0"
    "no separator\0"
    "no-value.key\0"
    "empty.=x\0",
    138);

TEST_CASE("a built-in's fields come in the file's order") {
  CHECK(BuiltinFields(kBuiltins, "8250") ==
        std::vector<ModinfoField>{{"license", "GPL"},
                                  {"description", "Generic 8250/16x50 serial driver"},
                                  {"parmtype", "share_irqs:bool"}});
  CHECK(BuiltinFields(kBuiltins, "snd_core") == std::vector<ModinfoField>{{"license", "GPL"}});
  CHECK(BuiltinFields(kBuiltins, "none").empty());
  CHECK(BuiltinFields("", "8250").empty());
}

TEST_CASE("a last string without its NUL counts as well") {
  CHECK(BuiltinFields("a.b=c", "a") == std::vector<ModinfoField>{{"b", "c"}});
}

TEST_CASE("modules.builtin names modules by their files") {
  const std::string text = "kernel/drivers/tty/serial/8250/8250.ko\nkernel/sound/snd-core.ko\n";
  CHECK(ListsModule(text, "8250"));
  CHECK(ListsModule(text, "snd_core"));
  CHECK_FALSE(ListsModule(text, "snd"));
  CHECK_FALSE(ListsModule("", "8250"));
}

TEST_CASE("a module's name is its file's, up to the first dot, with underscores") {
  CHECK(ModuleNameOf("kernel/sound/pci/hda/snd-hda-intel.ko.xz") == "snd_hda_intel");
  CHECK(ModuleNameOf("snd-hda-intel") == "snd_hda_intel");
  CHECK(ModuleNameOf("").empty());
}

TEST_CASE("soft dependencies are read as libkmod prints them, with and without its missing blank") {
  const SoftDependencies both = ParseSoftDependencies("pre: a b post: c d");
  CHECK(both.pre == std::vector<std::string>{"a", "b"});
  CHECK(both.post == std::vector<std::string>{"c", "d"});
  const SoftDependencies glued = ParseSoftDependencies("pre: a bpost: c d");
  CHECK(glued.pre == both.pre);
  CHECK(glued.post == both.post);
  CHECK(ParseSoftDependencies("post: c").post == std::vector<std::string>{"c"});
  CHECK(ParseSoftDependencies("").pre.empty());
  CHECK(ParseSoftDependencies("stray words").pre.empty());
}

}  // namespace
}  // namespace kmod
