// Parses the texts of /proc about processes. Names and paths in them come from untrusted users, so
// malformed lines are skipped.
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
  char state = 0;    // 'R', 'S', ...; 'Z': it has ended and its parent has not waited for it yet
  pid_t parent = 0;
  bool kernel_thread = false;
  int threads = 1;
  unsigned long long start_time = 0;  // in clock ticks since boot
};
std::optional<ProcessStat> ParseProcessStat(std::string_view text);

// A line of /proc/PID/mountinfo, with its escapes decoded.
struct MountLine {
  long long id = 0;
  long long parent = 0;
  std::string root;  // the mounted folder of the file system; `net:[4026532000]` for a namespace
  std::string path;
  std::string type;
  std::string super_options;
};
std::vector<MountLine> ParseMounts(std::string_view text);

// The mount that `path` (absolute, without links or dots) lies on; a mount that is hidden by
// another one does not count. Null if there is none.
const MountLine* CoveringMount(const std::vector<MountLine>& mounts, std::string_view path);

// Whether `path` is the folder `folder` or lies in it.
bool IsBelow(std::string_view path, std::string_view folder);

// The paths in /proc/PID/maps in their order, each once.
std::vector<std::string> ParseMappedPaths(std::string_view text);

// The process that a thread belongs to, from the thread's /proc/TID/status.
std::optional<pid_t> ParseThreadGroup(std::string_view text);

// The bits of CapEff in /proc/PID/status; 0 if the line is missing.
unsigned long long ParseEffectiveCapabilities(std::string_view text);

}  // namespace kmod
