#include "load_list.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>
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

bool IsMissing(int error) {
  return error == ENOENT || error == ENOTDIR;
}

// Whether `path` leads to /dev/null: a link to it masks a file of the same name.
bool IsNull(const std::string& path) {
  const dev_t kNull = makedev(1, 3);
  struct stat status = {};
  return stat(path.c_str(), &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == kNull;
}

// The files to read; directories that cannot be listed become failures.
std::vector<std::string> FilesIn(const std::vector<std::string>& places,
                                 std::vector<Failure>* failures) {
  std::vector<std::string> files;
  std::set<std::string> known;
  for (const std::string& place : places) {
    const UniqueDir directory(opendir(place.c_str()));
    if (!directory) {
      if (errno == ENOTDIR) {
        files.push_back(place);
      } else if (!IsMissing(errno)) {
        failures->push_back(SystemFailure(errno, "opendir", place));
      }
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
  constexpr std::string_view kSpaces = " \t\r\v\f";
  std::vector<std::string> names;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const size_t first = line.find_first_not_of(kSpaces);
    if (first == std::string_view::npos) continue;
    line = line.substr(first, line.find_last_not_of(kSpaces) - first + 1);
    if (line.front() != '#' && line.front() != ';') names.emplace_back(line);
  }
  return names;
}

LoadLists ReadLoadLists(const std::vector<std::string>& places) {
  LoadLists lists;
  for (const std::string& file : FilesIn(places, &lists.failures)) {
    const Result<std::string> text = ReadTextFile(file, kLimit);
    if (!text.ok()) {
      if (!IsMissing(text.failure().error) && !IsNull(file)) {
        lists.failures.push_back(text.failure());
      }
      continue;
    }
    for (std::string& name : ParseLoadList(*text)) lists.names.push_back(std::move(name));
  }
  return lists;
}

}  // namespace kmod
