#include "../libkmod/modinfo.h"

#include <doctest/doctest.h>

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

TEST_CASE("the fields of a built-in are in the order of the file") {
  CHECK(BuiltinFields(kBuiltins, "8250") ==
        std::vector<ModinfoField>{{"license", "GPL"},
                                  {"description", "Generic 8250/16x50 serial driver"},
                                  {"parmtype", "share_irqs:bool"}});
  CHECK(BuiltinFields(kBuiltins, "snd_core") == std::vector<ModinfoField>{{"license", "GPL"}});
  CHECK(BuiltinFields(kBuiltins, "none").empty());
  CHECK(BuiltinFields("", "8250").empty());
}

TEST_CASE("a last string without a NUL is read, too") {
  CHECK(BuiltinFields("a.b=c", "a") == std::vector<ModinfoField>{{"b", "c"}});
}

TEST_CASE("modules.builtin lists the files of modules") {
  const std::string text = "kernel/drivers/tty/serial/8250/8250.ko\nkernel/sound/snd-core.ko\n";
  CHECK(ListsModule(text, "8250"));
  CHECK(ListsModule(text, "snd_core"));
  CHECK_FALSE(ListsModule(text, "snd"));
  CHECK_FALSE(ListsModule("", "8250"));
}

TEST_CASE("the name of a module is that of its file up to the first dot, with underscores") {
  CHECK(ModuleNameOf("kernel/sound/pci/hda/snd-hda-intel.ko.xz") == "snd_hda_intel");
  CHECK(ModuleNameOf("snd-hda-intel") == "snd_hda_intel");
  CHECK(ModuleNameOf("").empty());
}

}  // namespace
}  // namespace kmod
