#include "modinfo.h"

#include <algorithm>

namespace kmod {

std::vector<ModinfoField> BuiltinFields(std::string_view file, std::string_view name) {
  std::vector<ModinfoField> fields;
  while (!file.empty()) {
    const size_t end = file.find('\0');
    const std::string_view text = file.substr(0, end);
    file.remove_prefix(end == std::string_view::npos ? file.size() : end + 1);
    // No module name contains a dot and no key a '=', so the first of each is the separator.
    const size_t dot = text.find('.');
    if (dot == std::string_view::npos) continue;
    const size_t equals = text.find('=', dot);
    if (equals == std::string_view::npos || ModuleNameOf(text.substr(0, dot)) != name) continue;
    fields.push_back({std::string(text.substr(dot + 1, equals - dot - 1)),
                      std::string(text.substr(equals + 1))});
  }
  return fields;
}

bool ListsModule(std::string_view modules_builtin, std::string_view name) {
  while (!modules_builtin.empty()) {
    const size_t end = modules_builtin.find('\n');
    const std::string_view line = modules_builtin.substr(0, end);
    modules_builtin.remove_prefix(end == std::string_view::npos ? modules_builtin.size() : end + 1);
    if (!line.empty() && ModuleNameOf(line) == name) return true;
  }
  return false;
}

std::string ModuleNameOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash != std::string_view::npos) path.remove_prefix(slash + 1);
  return WithUnderscores(std::string(path.substr(0, path.find('.'))));
}

std::string WithUnderscores(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

}  // namespace kmod
