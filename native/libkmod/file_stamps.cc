#include "file_stamps.h"

#include <dirent.h>
#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "../common/handles.h"

namespace kmod {
namespace {

bool IsConfigFile(std::string_view name) {
  constexpr std::string_view kEnd = ".conf";
  return name.size() >= kEnd.size() && name.substr(name.size() - kEnd.size()) == kEnd;
}

long long Nanoseconds(const timespec& time) {
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

}  // namespace

bool FileStamps::Stamp::operator==(const Stamp& other) const {
  return path == other.path && device == other.device && inode == other.inode &&
         size == other.size && modified == other.modified && changed == other.changed;
}

FileStamps::Stamp FileStamps::StampOf(std::string path) {
  // File systems store the time of the last tick of the kernel's clock, at most 10 ms ago.
  constexpr long long kTwoTicks = 20'000'000;
  Stamp stamp;
  struct stat status = {};
  if (stat(path.c_str(), &status) == 0) {
    stamp.device = status.st_dev;
    stamp.inode = status.st_ino;
    stamp.size = status.st_size;
    stamp.modified = Nanoseconds(status.st_mtim);
    stamp.changed = Nanoseconds(status.st_ctim);
    timespec now = {};
    clock_gettime(CLOCK_REALTIME, &now);
    stamp.fresh = Nanoseconds(now) - stamp.changed < kTwoTicks;
  }
  stamp.path = std::move(path);
  return stamp;
}

FileStamps FileStamps::Take(const IndexSource& source) {
  FileStamps all;
  std::vector<Stamp>& stamps = all.stamps_;
  for (const char* name : kIndexFiles) stamps.push_back(StampOf(source.directory + "/" + name));
  for (const char* name : kConfigFiles) stamps.push_back(StampOf(source.directory + "/" + name));
  std::vector<std::string> places = source.config.value_or(
      std::vector<std::string>(std::begin(kConfigDirectories), std::end(kConfigDirectories)));
  places.insert(places.end(), source.load_lists.begin(), source.load_lists.end());
  for (const std::string& place : places) {
    Stamp stamp = StampOf(place);
    // On most systems /lib is a link to /usr/lib.
    const bool known = std::any_of(stamps.begin(), stamps.end(), [&stamp](const Stamp& other) {
      return stamp.inode != 0 && stamp.inode == other.inode && stamp.device == other.device;
    });
    if (known) continue;
    stamps.push_back(std::move(stamp));
    const UniqueDir directory(opendir(place.c_str()));
    if (!directory) continue;
    while (const dirent* entry = readdir(directory.get())) {
      if (IsConfigFile(entry->d_name)) stamps.push_back(StampOf(place + "/" + entry->d_name));
    }
  }
  return all;
}

bool FileStamps::HaveChanged() const {
  // A new or removed file changes the stamp of its directory, so no directory is listed again.
  return std::any_of(stamps_.begin(), stamps_.end(), [](const Stamp& stamp) {
    return stamp.fresh || !(stamp == StampOf(stamp.path));
  });
}

}  // namespace kmod
