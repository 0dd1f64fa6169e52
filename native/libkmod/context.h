// A libkmod context over a chosen set of files.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libkmod.h"

namespace kmod {

struct IndexSource {
  std::string directory;                           // such as /lib/modules/6.1.0
  std::optional<std::vector<std::string>> config;  // directories or files; nothing: libkmod's own
  std::vector<std::string> load_lists;  // directories or files that name what is loaded on purpose
  bool kernel_command_line = true;      // do options and blacklist in /proc/cmdline count

  bool operator==(const IndexSource& other) const {
    return directory == other.directory && config == other.config &&
           load_lists == other.load_lists && kernel_command_line == other.kernel_command_line;
  }
};

// Reads the configuration and writes what it dislikes in there to file descriptor 2, before any log
// hook can be set: the helper has pointed that at a log of its own. Null: out of memory.
inline UniqueContext OpenContext(const Libkmod* library, const IndexSource& source) {
  std::vector<const char*> paths;
  if (source.config) {
    for (const std::string& path : *source.config) paths.push_back(path.c_str());
  }
  paths.push_back(nullptr);
  return UniqueContext(
      library->kmod_new(source.directory.c_str(), source.config ? paths.data() : nullptr),
      ContextDeleter{library});
}

// Sends what libkmod says from now on to `log`, which must outlive the context.
void CollectLog(const Libkmod* library, kmod_ctx* context, std::string* log);

}  // namespace kmod
