// The files that a module index and its configuration are read from.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace kmod {

struct IndexSource {
  std::string directory;  // such as /lib/modules/6.1.0
  // Directories or files of modprobe.d; nullopt: libkmod's own list.
  std::optional<std::vector<std::string>> config;
  // Directories or files that name the modules to load when the system starts.
  std::vector<std::string> load_lists;
  // Names and aliases that count as if a load list had them.
  std::vector<std::string> load_names;
  // Whether options and blacklist entries in /proc/cmdline count.
  bool kernel_command_line = true;

  bool operator==(const IndexSource& other) const {
    return directory == other.directory && config == other.config &&
           load_lists == other.load_lists && load_names == other.load_names &&
           kernel_command_line == other.kernel_command_line;
  }
};

// The indexes that depmod writes into the directory.
constexpr const char* kIndexFiles[] = {"modules.dep.bin", "modules.alias.bin",
                                       "modules.symbols.bin", "modules.builtin.bin",
                                       "modules.builtin.alias.bin"};

// All directories that any version of libkmod reads by default; older versions read only some.
constexpr const char* kConfigDirectories[] = {"/etc/modprobe.d", "/run/modprobe.d",
                                              "/usr/local/lib/modprobe.d", "/usr/lib/modprobe.d",
                                              "/lib/modprobe.d"};

// The files in the directory that libkmod reads as configuration.
constexpr const char* kConfigFiles[] = {"modules.softdep", "modules.weakdep"};

}  // namespace kmod
