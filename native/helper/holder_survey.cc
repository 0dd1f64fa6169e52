#include "holder_survey.h"

#include <utility>

namespace kmod {
namespace {

constexpr size_t kDevicesLimit = 20'000;
constexpr int kComparisonsLimit = 100'000;  // each takes less than a microsecond

std::vector<pid_t> NumbersOf(const std::map<pid_t, ProcessStat>& processes) {
  std::vector<pid_t> numbers;
  numbers.reserve(processes.size());
  for (const auto& [pid, stat] : processes) numbers.push_back(pid);
  return numbers;
}

}  // namespace

HolderSurvey::HolderSurvey(const std::map<pid_t, ProcessStat>& processes, pid_t caller,
                           Mounted mounted)
    : processes_(processes),
      caller_(caller),
      family_(FamilyOf(processes, caller)),
      files_(std::move(mounted)),
      mappings_(NumbersOf(processes)) {
  ancestors_.insert(1);
  pid_t pid = caller;
  // Each process once, in case a number that was reused closes a cycle.
  for (auto at = processes.find(pid); at != processes.end(); at = processes.find(pid)) {
    own_cgroups_.push_back(CgroupsOf(pid));
    pid = at->second.parent;
    if (!ancestors_.insert(pid).second) break;
  }
}

std::vector<OpenNetwork> HolderSurvey::Look(pid_t pid) {
  Result<OpenFiles> open = files_.Read(pid);
  if (!open.ok()) {
    if (!HasEnded(open.failure())) ++closed_;
    return {};
  }
  const bool too_many = devices_.size() + open->files.size() > kDevicesLimit;
  if (!open->complete || too_many) ++closed_;
  if (too_many) open->files.clear();
  if (!open->files.empty()) {
    const Holder holder = HolderOf(pid);
    for (OpenFile& file : open->files) devices_.push_back({holder, std::move(file)});
  }
  AddSockets(pid, open->sockets);
  return std::move(open->networks);
}

void HolderSurvey::AddSockets(pid_t pid, const std::vector<OpenSocket>& open) {
  std::map<std::string, OpenSockets> by_protocol;
  for (const OpenSocket& socket : open) {
    OpenSockets& sockets = by_protocol[socket.protocol];
    if (known_sockets_.insert(socket.inode).second) ++sockets.count;
    if (socket.protocol == "NETLINK") sockets.inodes.push_back(std::to_string(socket.inode));
  }
  if (by_protocol.empty()) return;
  const Holder holder = HolderOf(pid);
  for (auto& [protocol, sockets] : by_protocol) {
    sockets.holder = holder;
    sockets.protocol = protocol;
    sockets_.push_back(std::move(sockets));
  }
}

void HolderSurvey::MarkShared() {
  int comparisons_left = kComparisonsLimit;
  // For each device, one descriptor for each of its open files.
  std::map<std::pair<FileKind, DeviceId>, std::vector<const OpenDevice*>> first;
  for (OpenDevice& open : devices_) {
    if (!open.file.fd) continue;
    std::vector<const OpenDevice*>& known = first[{open.file.kind, open.file.device}];
    for (const OpenDevice* one : known) {
      if (comparisons_left == 0) break;
      --comparisons_left;
      open.file.shared = IsSameFile(one->holder.pid, *one->file.fd, open.holder.pid, *open.file.fd);
      if (open.file.shared) break;
    }
    if (!open.file.shared) known.push_back(&open);
  }
}

void HolderSurvey::Finish() {
  MarkShared();
  MappedDevices mapped = mappings_.Finish();
  for (MappedDevice& device : mapped.devices) {
    devices_.push_back({HolderOf(device.pid), std::move(device.file)});
  }
  unmapped_ = mapped.unread;
}

Holder HolderSurvey::HolderOf(pid_t pid) const {
  Holder holder;
  holder.pid = pid;
  if (const auto found = processes_.find(pid); found != processes_.end()) {
    holder.comm = found->second.comm;
  }
  holder.self = family_.count(pid) > 0;
  holder.ancestor = ancestors_.count(pid) > 0 && pid != caller_;
  holder.cgroups = CgroupsOf(pid);
  return holder;
}

}  // namespace kmod
