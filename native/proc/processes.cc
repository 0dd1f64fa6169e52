#include "processes.h"

#include <dirent.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "../common/handles.h"
#include "text_file.h"

namespace kmod {
namespace {

constexpr size_t kStatLimit = 64 * 1024;
constexpr size_t kCgroupLimit = 64 * 1024;

}  // namespace

std::optional<int> ToNumber(const char* name) {
  int number = 0;
  const char* end = name + strlen(name);
  const auto [last, error] = std::from_chars(name, end, number);
  if (error != std::errc() || last != end) return std::nullopt;
  return number;
}

std::string ProcPath(pid_t pid, const char* name) {
  return "/proc/" + std::to_string(pid) + "/" + name;
}

bool HasEnded(const Failure& failure) {
  return failure.error == ENOENT || failure.error == ESRCH;
}

Result<ProcessList> ListProcesses() {
  const UniqueDir directory(opendir("/proc"));
  if (!directory) return SystemFailure(errno, "opendir", "/proc");
  ProcessList list;
  while (const dirent* entry = readdir(directory.get())) {
    const std::optional<int> pid = ToNumber(entry->d_name);
    if (!pid) continue;
    const Result<std::string> text = ReadTextFile(ProcPath(*pid, "stat"), kStatLimit);
    if (!text.ok()) {
      if (!HasEnded(text.failure())) ++list.unreadable;
      continue;
    }
    std::optional<ProcessStat> stat = ParseProcessStat(*text);
    if (stat && !stat->kernel_thread) list.processes.emplace(*pid, std::move(*stat));
  }
  return list;
}

std::set<pid_t> FamilyOf(const std::map<pid_t, ProcessStat>& processes, pid_t ancestor) {
  std::multimap<pid_t, pid_t> children;
  for (const auto& [pid, stat] : processes) children.emplace(stat.parent, pid);
  std::set<pid_t> family = {ancestor};
  std::vector<pid_t> next = {ancestor};
  while (!next.empty()) {
    const auto [begin, end] = children.equal_range(next.back());
    next.pop_back();
    // The processes were read one after the other, so a process number that was reused in the
    // meantime can close a cycle.
    for (auto child = begin; child != end; ++child) {
      if (family.insert(child->second).second) next.push_back(child->second);
    }
  }
  return family;
}

std::string CgroupsOf(pid_t pid) {
  return ReadTextFile(ProcPath(pid, "cgroup"), kCgroupLimit).ValueOr({});
}

std::vector<pid_t> ListThreads(pid_t pid) {
  std::vector<pid_t> threads;
  const UniqueDir directory(opendir(ProcPath(pid, "task").c_str()));
  while (const dirent* entry = directory ? readdir(directory.get()) : nullptr) {
    if (const std::optional<pid_t> thread = ToNumber(entry->d_name)) threads.push_back(*thread);
  }
  return threads;
}

}  // namespace kmod
