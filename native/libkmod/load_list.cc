#include "load_list.h"

#include <dirent.h>

#include <set>

#include "../common/handles.h"
#include "../proc/text_file.h"

namespace kmod {
namespace {

constexpr size_t kLimit = 1024 * 1024;

bool IsConfigFile(std::string_view name) {
  constexpr std::string_view kEnd = ".conf";
  return name.size() > kEnd.size() && name.front() != '.' &&
         name.substr(name.size() - kEnd.size()) == kEnd;
}

std::vector<std::string> FilesIn(const std::vector<std::string>& places) {
  std::vector<std::string> files;
  std::set<std::string> known;
  for (const std::string& place : places) {
    const UniqueDir directory(opendir(place.c_str()));
    if (!directory) {
      files.push_back(place);
      continue;
    }
    while (const dirent* entry = readdir(directory.get())) {
      const std::string name = entry->d_name;
      if (IsConfigFile(name) && known.insert(name).second) files.push_back(place + "/" + name);
    }
  }
  return files;
}

}  // namespace

std::vector<std::string> ParseLoadList(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\v\f";
  std::vector<std::string> names;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const size_t first = line.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) continue;
    line = line.substr(first, line.find_last_not_of(kBlanks) - first + 1);
    if (line.front() != '#' && line.front() != ';') names.emplace_back(line);
  }
  return names;
}

std::vector<std::string> ReadLoadLists(const std::vector<std::string>& places) {
  std::vector<std::string> names;
  for (const std::string& file : FilesIn(places)) {
    const Result<std::string> text = ReadTextFile(file.c_str(), kLimit);
    if (Failed(text)) continue;
    for (std::string& name : ParseLoadList(std::get<std::string>(text))) {
      names.push_back(std::move(name));
    }
  }
  return names;
}

}  // namespace kmod
