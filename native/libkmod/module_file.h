// Reads the .modinfo section of a module file, through libkmod.
#pragma once

#include <string>
#include <vector>

#include "../common/result.h"
#include "module_facts.h"

namespace kmod {

struct ModuleFile {
  std::string name;                  // the name that the kernel will use, from inside the file
  std::vector<ModinfoField> fields;  // in the order of modinfo
};

// Needs neither an index nor configuration. Fails with ENOENT, syscall "open", if the file is
// missing.
Result<ModuleFile> ReadModuleFile(const std::string& path);

}  // namespace kmod
