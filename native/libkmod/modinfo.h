// Parses module names, and the files about built-in modules that are read without libkmod.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "module_facts.h"

namespace kmod {

// The fields of one built-in module from modules.builtin.modinfo, whose strings are
// "MODULE.KEY=VALUE", each ended by a NUL; other strings are skipped. `name` has no dashes.
// (libkmod 30 reads this file with a system call for each string, and only if depmod has written an
// index beside it.)
std::vector<ModinfoField> BuiltinFields(std::string_view file, std::string_view name);

// Whether modules.builtin (a path on each line) lists this module.
bool ListsModule(std::string_view modules_builtin, std::string_view name);

// The name that the kernel uses: "snd-hda-intel" and "kernel/sound/snd-hda-intel.ko.xz" both give
// "snd_hda_intel".
std::string ModuleNameOf(std::string_view path);

// The same for a name without a path: dashes become underscores.
std::string WithUnderscores(std::string name);

}  // namespace kmod
