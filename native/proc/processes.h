// Lists the processes in /proc, and what their folders tell of them.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "../common/result.h"
#include "proc_text.h"

namespace kmod {

// The number that a name in /proc stands for.
std::optional<int> ToNumber(const char* name);

std::string ProcPath(pid_t pid, const char* name);

// Whether a file of a process could not be read because the process has ended, which is normal.
bool HasEnded(const Failure& failure);

struct ProcessList {
  std::map<pid_t, ProcessStat> processes;  // those that run in user space, by number
  int unreadable = 0;                      // processes whose name cannot be read either (hidepid)
};
Result<ProcessList> ListProcesses();

// A process and its descendants. Looks at each process once.
std::set<pid_t> FamilyOf(const std::map<pid_t, ProcessStat>& processes, pid_t ancestor);

// The text of /proc/PID/cgroup; "" if the process has ended.
std::string CgroupsOf(pid_t pid);

// The numbers of the threads of a process.
std::vector<pid_t> ListThreads(pid_t pid);

}  // namespace kmod
