// The fields that modinfo shows, where libkmod is not the one to read them: modules.builtin.modinfo
// (libkmod 30 reads it with a system call for each string, and only beside an index by depmod).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kmod {

struct ModinfoField {
  std::string key;
  std::string value;
  bool operator==(const ModinfoField& other) const {
    return key == other.key && value == other.value;
  }
};

// The fields of one built-in module out of the file's strings, each "MODULE.KEY=VALUE" and ended by
// a NUL. Strings of another form are passed over. `name` with underscores.
std::vector<ModinfoField> BuiltinFields(std::string_view file, std::string_view name);

// Does modules.builtin (text, a path a line) name this module?
bool ListsModule(std::string_view modules_builtin, std::string_view name);

// The module's name as the kernel has it: "snd-hda-intel" and "kernel/sound/snd-hda-intel.ko.xz"
// both give "snd_hda_intel".
std::string ModuleNameOf(std::string_view path);

}  // namespace kmod
