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
constexpr size_t kMapsLimit = 64 * 1024 * 1024;

std::optional<int> ToNumber(const char* name) {
  int number = 0;
  const char* end = name + strlen(name);
  const auto [last, error] = std::from_chars(name, end, number);
  if (error != std::errc() || last != end) return std::nullopt;
  return number;
}

bool MayBeDevice(const std::string& path) {
  if (path.rfind(kKvmFiles, 0) == 0) return true;
  return path[0] == '/' && path.find("/dev/") != std::string::npos;
}

}  // namespace

std::string ProcPath(pid_t pid, const char* name) {
  return "/proc/" + std::to_string(pid) + "/" + name;
}

bool IsGone(const Failure& failure) {
  return failure.error == ENOENT || failure.error == ESRCH;
}

std::map<pid_t, ProcessStat> ListProcesses(int* unreadable) {
  std::map<pid_t, ProcessStat> processes;
  const UniqueDir directory(opendir("/proc"));
  if (!directory) return processes;
  while (const dirent* entry = readdir(directory.get())) {
    const std::optional<int> pid = ToNumber(entry->d_name);
    if (!pid) continue;
    const Result<std::string> text = ReadTextFile(ProcPath(*pid, "stat").c_str(), kStatLimit);
    if (Failed(text)) {
      if (!IsGone(std::get<Failure>(text))) ++*unreadable;
      continue;
    }
    std::optional<ProcessStat> stat = ParseProcessStat(std::get<std::string>(text));
    if (stat && !stat->kernel_thread) processes.emplace(*pid, std::move(*stat));
  }
  return processes;
}

bool IsDescendant(const std::map<pid_t, ProcessStat>& processes, pid_t pid, pid_t ancestor) {
  // No more steps than there are processes: they were read one after the other, and a number that
  // was given out again meanwhile could lead round in circles.
  for (size_t step = 0; step <= processes.size(); ++step) {
    if (pid == ancestor) return true;
    const auto found = processes.find(pid);
    if (found == processes.end()) return false;
    pid = found->second.parent;
  }
  return false;
}

Result<std::vector<OpenFile>> ListDeviceFiles(pid_t pid) {
  const std::string folder = ProcPath(pid, "fd");
  const UniqueDir directory(opendir(folder.c_str()));
  if (!directory) return SystemFailure(errno, "opendir", folder);
  std::vector<OpenFile> files;
  while (const dirent* entry = readdir(directory.get())) {
    const std::optional<int> fd = ToNumber(entry->d_name);
    if (!fd) continue;
    Result<std::string> target = ReadLinkTarget((folder + "/" + entry->d_name).c_str());
    if (Failed(target) || !MayBeDevice(std::get<std::string>(target))) continue;
    files.push_back({fd, std::get<std::string>(std::move(target))});
  }
  const Result<std::string> maps = ReadTextFile(ProcPath(pid, "maps").c_str(), kMapsLimit);
  // Whoever may look at the one may look at the other: at most, the process has just ended.
  if (Failed(maps)) return files;
  for (std::string& path : ParseMappedPaths(std::get<std::string>(maps))) {
    if (MayBeDevice(path)) files.push_back({std::nullopt, std::move(path)});
  }
  return files;
}

}  // namespace kmod
