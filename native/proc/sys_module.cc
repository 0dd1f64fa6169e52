#include "sys_module.h"

#include <sys/stat.h>

#include <cerrno>

#include "text_file.h"

namespace kmod {
namespace {

Result<SysModule> ReadSysModule(const std::string& path) {
  SysModule module;
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return module;
    return SystemFailure(errno, "stat", path);
  }
  // /sys/module also has a file, `compression`.
  if (!S_ISDIR(status.st_mode)) return module;
  module.identity = std::to_string(status.st_ino);
  const Result<std::string> state = ReadTextFile(path + "/initstate", 4096);
  if (state.ok()) {
    module.initstate = state->substr(0, state->find('\n'));
  } else if (state.failure().error != ENOENT && state.failure().error != ENODEV) {
    // ENODEV: the module was removed between the open and the read.
    return state.failure();
  }
  return module;
}

}  // namespace

Result<std::vector<SysModule>> ReadSysModules(const std::string& folder,
                                              const std::vector<std::string>& names) {
  std::vector<SysModule> modules;
  for (const std::string& name : names) {
    Result<SysModule> module = ReadSysModule(folder + "/" + name);
    if (!module.ok()) return module.failure();
    modules.push_back(*std::move(module));
  }
  return modules;
}

}  // namespace kmod
