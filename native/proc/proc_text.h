// The texts of /proc about processes. Their names and paths come from anybody: what is malformed is
// left out, and never believed.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kmod {

// /proc/PID/stat.
struct ProcessStat {
  std::string comm;  // any bytes, also blanks, parentheses and newlines
  char state = 0;    // 'R', 'S', ...; 'Z' of one that has ended and was not collected yet
  pid_t parent = 0;
  bool kernel_thread = false;
  unsigned long long start_time = 0;  // in clock ticks since boot
};
std::optional<ProcessStat> ParseProcessStat(std::string_view text);

// A line of /proc/PID/mountinfo, escapes undone.
struct MountLine {
  long long id = 0;
  long long parent = 0;
  std::string root;  // what of the file system is mounted; `net:[4026532000]` of a namespace
  std::string path;
  std::string type;
  std::string super_options;
};
std::vector<MountLine> ParseMounts(std::string_view text);

// The mount on which `path` (absolute, without links or dots) really is: one that lies under
// another is not taken. Null: none of them.
const MountLine* CoveringMount(const std::vector<MountLine>& mounts, std::string_view path);

// Is `path` the folder `folder`, or in it?
bool IsBelow(std::string_view path, std::string_view folder);

// The paths in /proc/PID/maps, each once, in their order.
std::vector<std::string> ParseMappedPaths(std::string_view text);

// The process that a thread belongs to, out of the thread's /proc/TID/status.
std::optional<pid_t> ParseThreadGroup(std::string_view text);

// The bits of CapEff in /proc/PID/status; 0 where it is not there.
unsigned long long ParseEffectiveCapabilities(std::string_view text);

}  // namespace kmod
