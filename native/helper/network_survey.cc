#include "network_survey.h"

#include <cerrno>

#include "../proc/namespace_files.h"
#include "../proc/text_file.h"

namespace kmod {
namespace {

constexpr size_t kNetworksLimit = 1000;  // each takes up to a millisecond
constexpr int kThreadsLimit = 20'000;    // each takes about 3 microseconds

// "" if it cannot be read.
std::string LinkTarget(const std::string& path) {
  return ReadLinkTarget(path).ValueOr({});
}

bool IsNetwork(const MountLine& mount) {
  return mount.type == "nsfs" && mount.root.rfind("net:[", 0) == 0;
}

}  // namespace

NetworkSurvey::NetworkSurvey(bool users) : reader_(users), threads_left_(kThreadsLimit) {}

void NetworkSurvey::LookAtOwn() {
  known_.insert(LinkTarget("/proc/self/ns/net"));
  Result<NetContents> contents = reader_.ReadOwn();
  if (!contents.ok()) {
    losses_.own = contents.failure();
  } else {
    contents_.push_back({std::nullopt, *std::move(contents)});
  }
}

void NetworkSurvey::LookAtProcess(pid_t pid, const ProcessStat& stat) {
  const std::string path = ProcPath(pid, "ns/net");
  const std::string id = LinkTarget(path);
  // The mount namespace of such a process, for which the same right is needed, is counted instead.
  if (id.empty()) return;
  LookAtPath(id, path, "pid:" + std::to_string(pid));
  if (stat.threads > 1) LookAtThreads(pid);
}

// A thread can be in another network namespace than its process.
void NetworkSurvey::LookAtThreads(pid_t pid) {
  for (const pid_t thread : ListThreads(pid)) {
    if (thread == pid) continue;
    if (threads_left_ == 0) {
      ++losses_.threads;
      continue;
    }
    --threads_left_;
    const std::string path = ProcPath(pid, "task/") + std::to_string(thread) + "/ns/net";
    const std::string id = LinkTarget(path);
    if (!id.empty()) LookAtPath(id, path, path);
  }
}

void NetworkSurvey::LookAtOpen(pid_t pid, const OpenNetwork& network) {
  const std::string path = ProcPath(pid, "fd/") + std::to_string(network.fd);
  LookAtPath(network.id, path, path);
}

void NetworkSurvey::AddMount(pid_t pid, const MountLine& mount) {
  if (IsNetwork(mount)) elsewhere_.emplace(mount.root, std::make_pair(pid, mount.path));
}

void NetworkSurvey::LookAtMounted(const std::vector<MountLine>& own) {
  for (const MountLine& mount : own) {
    if (IsNetwork(mount)) LookAtPath(mount.root, mount.path, mount.path);
  }
  for (const auto& [id, place] : elsewhere_) {
    const auto& [pid, path] = place;
    const auto open_it = [pid = pid, path = path] { return OpenNamespaceOf(pid, path); };
    Enter(id, open_it, ProcPath(pid, "root") + path);
  }
}

void NetworkSurvey::LookAtPath(const std::string& id, const std::string& path,
                               const std::string& label) {
  Enter(
      id, [&path] { return OpenNamespace(path); }, label);
}

// Opens only namespaces that are not known yet.
void NetworkSurvey::Enter(const std::string& id, const Open& open_it, const std::string& label) {
  if (known_.count(id) > 0) return;
  if (known_.size() > kNetworksLimit) {
    losses_.beyond_limit.insert(id);
    return;
  }
  const Result<UniqueFd> opened = open_it();
  Result<NetContents> contents =
      opened.ok() ? reader_.ReadOther(*opened) : Result<NetContents>(opened.failure());
  if (contents.ok()) {
    known_.insert(id);
    contents_.push_back({label, *std::move(contents)});
    return;
  }
  const Failure& failure = contents.failure();
  if (HasEnded(failure)) return;
  known_.insert(id);
  ++(failure.error == EPERM || failure.error == EACCES ? losses_.forbidden : losses_.unreadable);
}

}  // namespace kmod
