#include "file_check.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "../common/handles.h"
#include "../proc/text_file.h"
#include "index_source.h"

namespace kmod {
namespace {

constexpr size_t kModuleLimit = 1024UL * 1024 * 1024;

bool StartsWith(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

bool IsCompressed(std::string_view bytes) {
  using namespace std::string_view_literals;
  constexpr std::string_view kStarts[] = {"\x1f\x8b"sv,
                                          "\xfd"
                                          "7zXZ\0"sv,
                                          "\x28\xb5\x2f\xfd"sv};
  return std::any_of(std::begin(kStarts), std::end(kStarts),
                     [bytes](std::string_view start) { return StartsWith(bytes, start); });
}

}  // namespace

Result<> CheckRegularFile(const std::string& path) {
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode)) return Ok();
  const dev_t kNull = makedev(1, 3);
  if (S_ISDIR(status.st_mode) || (S_ISCHR(status.st_mode) && status.st_rdev == kNull)) return Ok();
  return FormatFailure(path + " is not a regular file");
}

Result<> CheckConfigFiles(const std::string& directory,
                          const std::optional<std::vector<std::string>>& config) {
  std::vector<std::string> files;
  for (const char* name : kConfigFiles) files.push_back(directory + "/" + name);
  const std::vector<std::string> places = config.value_or(
      std::vector<std::string>(std::begin(kConfigDirectories), std::end(kConfigDirectories)));
  for (const std::string& place : places) {
    files.push_back(place);
    const UniqueDir folder(opendir(place.c_str()));
    if (!folder) continue;
    // Every name: which endings count differs between the versions of libkmod.
    while (const dirent* entry = readdir(folder.get())) {
      files.push_back(place + "/" + entry->d_name);
    }
  }
  for (const std::string& file : files) {
    if (Result<> checked = CheckRegularFile(file); !checked.ok()) return checked;
  }
  return Ok();
}

Result<> CheckModuleFile(const std::string& path) {
  const Result<std::string> bytes = ReadTextFile(path, kModuleLimit);
  if (!bytes.ok()) return bytes.failure();
  if (IsCompressed(*bytes)) return Ok();
  if (const Result<> checked = CheckElf(*bytes); !checked.ok()) {
    return FormatFailure(path +
                         " is not a kernel module, or is damaged: " + checked.failure().detail);
  }
  return Ok();
}

}  // namespace kmod
