// Parses the texts of /proc about processes. Names and paths in them come from untrusted users, so
// malformed lines are skipped.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kmod {

// /proc/PID/stat.
struct ProcessStat {
  std::string comm;  // any bytes, also blanks, parentheses and newlines
  char state = 0;    // 'R', 'S', ...; 'Z': it has ended and its parent has not waited for it yet
  pid_t parent = 0;
  bool kernel_thread = false;
  int threads = 1;
  unsigned long long start_time = 0;  // in clock ticks since boot
};
std::optional<ProcessStat> ParseProcessStat(std::string_view text);

// A line of /proc/PID/mountinfo, with its escapes decoded.
struct MountLine {
  uint64_t id = 0;     // in use only once on the whole system
  unsigned major = 0;  // the device number of the file system
  unsigned minor = 0;
  std::string root;  // the mounted folder of the file system; `net:[4026532000]` for a namespace
  std::string path;
  std::string type;
  std::string super_options;
};
std::vector<MountLine> ParseMounts(std::string_view text);

// A mapped file in /proc/PID/maps. The views point into the parsed text.
struct Mapping {
  std::string_view range;        // "7f00-7f01", which is a name in /proc/PID/map_files
  std::string_view file_system;  // "fe:01"
  uint64_t inode = 0;
  std::string_view path;
};
std::vector<Mapping> ParseMappings(std::string_view text);

// The process that a thread belongs to, from the thread's /proc/TID/status.
std::optional<pid_t> ParseThreadGroup(std::string_view text);

// The bits of CapEff in /proc/PID/status; 0 if the line is missing.
unsigned long long ParseEffectiveCapabilities(std::string_view text);

}  // namespace kmod
