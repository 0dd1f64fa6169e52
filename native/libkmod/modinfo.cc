#include "modinfo.h"

namespace kmod {

std::vector<ModinfoField> BuiltinFields(std::string_view file, std::string_view name) {
  std::vector<ModinfoField> fields;
  while (!file.empty()) {
    const size_t end = file.find('\0');
    const std::string_view text = file.substr(0, end);
    file.remove_prefix(end == std::string_view::npos ? file.size() : end + 1);
    // A module's name has no dot and a key no '=': the first of each is the separator.
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
  std::string name(path.substr(0, path.find('.')));
  for (char& c : name) {
    if (c == '-') c = '_';
  }
  return name;
}

}  // namespace kmod
