#include "sys_module.h"

#include <sys/stat.h>

#include <cerrno>

#include "text_file.h"

namespace kmod {

Result<std::vector<SysModule>> ReadSysModules(const std::string& folder,
                                              const std::vector<std::string>& names) {
  std::vector<SysModule> modules;
  for (const std::string& name : names) {
    SysModule module;
    const std::string path = folder + "/" + name;
    struct stat status = {};
    if (stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
      module.identity = std::to_string(status.st_ino);
      const Result<std::string> state = ReadTextFile((path + "/initstate").c_str(), 4096);
      if (!Failed(state)) {
        const std::string& text = std::get<std::string>(state);
        module.initstate = text.substr(0, text.find('\n'));
      } else {
        const Failure& failure = std::get<Failure>(state);
        // ENODEV: the file was open when its module went.
        if (failure.error != ENOENT && failure.error != ENODEV) return failure;
      }
    } else if (errno != ENOENT && errno != ENOTDIR && !S_ISREG(status.st_mode)) {
      return SystemFailure(errno, "stat", path);
    }
    modules.push_back(std::move(module));
  }
  return modules;
}

}  // namespace kmod
