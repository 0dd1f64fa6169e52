// The part of a survey about network namespaces: finds them, enters each once, and reads it.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "../net/net_namespace.h"
#include "../proc/open_files.h"
#include "../proc/proc_text.h"
#include "../proc/processes.h"

namespace kmod {

struct NamespaceContents {
  std::optional<std::string> label;  // nullopt: the network namespace of the caller
  NetContents contents;
};

// What could not be read.
struct NetworkLosses {
  std::optional<Failure> own;  // why the namespace of the caller could not be read
  int forbidden = 0;           // namespaces that this process may not enter
  int unreadable = 0;          // namespaces that could not be read for another reason
  std::set<std::string>
      beyond_limit;  // namespaces that were not entered, because there are too many
  int threads = 0;   // threads whose namespaces were not looked for
};

class NetworkSurvey {
 public:
  // `users`: whether to read the other users of modules, too.
  explicit NetworkSurvey(bool users);

  void LookAtOwn();
  // The namespaces of a process and of its threads.
  void LookAtProcess(pid_t pid, const ProcessStat& stat);
  // A namespace that a process has open.
  void LookAtOpen(pid_t pid, const OpenNetwork& network);
  // Remembers what a process sees mounted, for LookAtMounted().
  void AddMount(pid_t pid, const MountLine& mount);
  // Namespaces without a process that exist because of a mount, such as those of `ip netns add`.
  // `own`: the mounts of this process.
  void LookAtMounted(const std::vector<MountLine>& own);

  const NetworkLosses& losses() const { return losses_; }
  std::vector<NamespaceContents> TakeContents() { return std::move(contents_); }

 private:
  using Open = std::function<Result<UniqueFd>()>;

  void LookAtThreads(pid_t pid);
  void LookAtPath(const std::string& id, const std::string& path, const std::string& label);
  void Enter(const std::string& id, const Open& open_it, const std::string& label);

  NetNamespaces reader_;
  std::set<std::string> known_;
  // For each namespace: a process in whose mount namespace it is mounted, and the path.
  std::map<std::string, std::pair<pid_t, std::string>> elsewhere_;
  int threads_left_;
  std::vector<NamespaceContents> contents_;
  NetworkLosses losses_;
};

}  // namespace kmod
