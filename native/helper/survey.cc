#include "survey.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "../net/net_namespace.h"
#include "../proc/device_files.h"
#include "../proc/processes.h"
#include "../proc/text_file.h"
#include "../process/channel.h"
#include "network_reply.h"
#include "reply.h"

namespace kmod {
namespace {

constexpr size_t kMountsLimit = 64 * 1024 * 1024;
constexpr size_t kStatusLimit = 64 * 1024;
constexpr const char* kFirstPidNamespace = "pid:[4026531836]";  // of every kernel since 3.8
constexpr unsigned kCapSysPtrace = 19;

struct MountTable {
  pid_t pid;
  bool own;
  bool first;
  std::string text;
};

struct OpenDevice {
  pid_t pid;
  OpenFile file;
  DeviceNumber device;
};

std::string LinkTarget(const char* path) {
  Result<std::string> target = ReadLinkTarget(path);
  return Failed(target) ? std::string() : std::get<std::string>(std::move(target));
}

std::string FileText(const char* path, size_t limit) {
  Result<std::string> text = ReadTextFile(path, limit);
  return Failed(text) ? std::string() : std::get<std::string>(std::move(text));
}

std::string Count(size_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

// Is `key` among the options, with a value that hides anything?
bool HidesProcesses(const std::string& options) {
  const std::string key = "hidepid=";
  const size_t at = ("," + options).find("," + key);
  if (at == std::string::npos) return false;
  const std::string value =
      options.substr(at + key.size(), options.find(',', at) - at - key.size());
  return value != "0" && value != "off";
}

// One pass over the processes. This process is a child of the one that asks, and in the same
// namespaces.
class Survey {
 public:
  Survey(bool open_devices, pid_t caller)
      : open_devices_(open_devices),
        caller_(caller),
        own_mounts_(LinkTarget("/proc/self/ns/mnt")),
        first_mounts_(LinkTarget("/proc/1/ns/mnt")),
        devices_(own_mounts_),
        networks_(open_devices) {}

  void Run() {
    LookAtOwn();
    processes_ = ListProcesses(&hidden_);
    for (const auto& [pid, stat] : processes_) {
      if (const std::optional<std::string> mounts = LookAtMounts(pid); mounts && open_devices_) {
        LookAtFiles(pid, *mounts);
      }
      LookAtNetwork(pid);
    }
    LookAtNamedNamespaces();
  }

  Reply Answer() const {
    Reply reply = Reply::Done();
    PutMounts(&reply);
    PutNetworks(net_contents_, &reply);
    PutDevices(&reply);
    reply.Put(AllProcessesRead());
    reply.Put(Unreadable());
    return reply;
  }

 private:
  void LookAtOwn() {
    std::string mounts = FileText("/proc/self/mountinfo", kMountsLimit);
    own_lines_ = ParseMounts(mounts);
    mount_tables_.push_back({caller_, true, own_mounts_ == first_mounts_, std::move(mounts)});
    known_mounts_.insert(own_mounts_);
    known_networks_.insert(LinkTarget("/proc/self/ns/net"));
    Result<NetContents> contents = networks_.ReadOwn();
    if (Failed(contents)) {
      no_networks_ = std::get<Failure>(std::move(contents));
    } else {
      net_contents_.push_back({std::nullopt, std::get<NetContents>(std::move(contents))});
    }
  }

  // The mount namespace of the process, where that can be told.
  std::optional<std::string> LookAtMounts(pid_t pid) {
    Result<std::string> link = ReadLinkTarget(ProcPath(pid, "ns/mnt").c_str());
    if (Failed(link)) {
      if (!IsGone(std::get<Failure>(link))) ++closed_processes_;
      return std::nullopt;
    }
    const auto& id = std::get<std::string>(link);
    if (known_mounts_.count(id) == 0) {
      // Where it has just ended, another process of the same namespace may follow.
      std::string text = FileText(ProcPath(pid, "mountinfo").c_str(), kMountsLimit);
      if (!text.empty()) {
        known_mounts_.insert(id);
        mount_tables_.push_back({pid, false, id == first_mounts_, std::move(text)});
      }
    }
    return id;
  }

  void LookAtFiles(pid_t pid, const std::string& mount_namespace) {
    Result<std::vector<OpenFile>> files = ListDeviceFiles(pid);
    if (Failed(files)) {
      if (!IsGone(std::get<Failure>(files))) ++closed_files_;
      return;
    }
    for (OpenFile& file : std::get<std::vector<OpenFile>>(files)) {
      const std::optional<DeviceNumber> device = devices_.Find(pid, mount_namespace, file.path);
      if (device) open_.push_back({pid, std::move(file), *device});
    }
  }

  void LookAtNetwork(pid_t pid) {
    const std::string path = ProcPath(pid, "ns/net");
    // Where it cannot be read, neither can the mount namespace, and that process is counted.
    const std::string id = LinkTarget(path.c_str());
    if (id.empty() || known_networks_.count(id) > 0) return;
    EnterNetwork(id, path, "pid:" + std::to_string(pid));
  }

  void EnterNetwork(const std::string& id, const std::string& path, const std::string& label) {
    Result<NetContents> contents = networks_.ReadOther(path);
    if (!Failed(contents)) {
      known_networks_.insert(id);
      net_contents_.push_back({label, std::get<NetContents>(std::move(contents))});
      return;
    }
    const Failure& failure = std::get<Failure>(contents);
    if (IsGone(failure)) return;
    known_networks_.insert(id);
    ++(failure.error == EPERM || failure.error == EACCES ? forbidden_networks_
                                                         : unreadable_networks_);
  }

  // Namespaces that are kept by a mount, as `ip netns add` does, and that no process is in.
  void LookAtNamedNamespaces() {
    for (const MountLine& mount : own_lines_) {
      if (mount.type != "nsfs") continue;
      if (mount.root.rfind("net:[", 0) == 0 && known_networks_.count(mount.root) == 0) {
        EnterNetwork(mount.root, mount.path, mount.path);
      }
      if (mount.root.rfind("mnt:[", 0) == 0 && known_mounts_.insert(mount.root).second) {
        ++empty_mount_namespaces_;
      }
    }
  }

  std::vector<std::string> Unreadable() const {
    std::vector<std::string> phrases;
    const auto add = [&phrases](int count, const std::string& phrase) {
      if (count > 0) phrases.push_back(phrase);
    };
    const std::string closed = Count(closed_processes_, "process", "processes") + " of other users";
    add(open_devices_ ? closed_processes_ : 0, "open files of " + closed);
    add(closed_files_,
        "open files of " + Count(closed_files_, "further process", "further processes"));
    add(closed_processes_, "the mount and network namespaces of " + closed);
    add(empty_mount_namespaces_,
        Count(empty_mount_namespaces_, "mount namespace", "mount namespaces") +
            " without a process");
    if (no_networks_) {
      phrases.push_back(std::string("network interfaces (") + ErrnoName(no_networks_->error) + ")");
    }
    const auto networks = [](int count) {
      return Count(count, "network namespace", "network namespaces") + " that could not be ";
    };
    add(forbidden_networks_, networks(forbidden_networks_) + "entered (CAP_SYS_ADMIN is missing)");
    add(unreadable_networks_, networks(unreadable_networks_) + "read");
    std::set<std::string> of_networks;
    for (const LabelledNetwork& network : net_contents_) {
      of_networks.insert(network.contents.unreadable.begin(), network.contents.unreadable.end());
    }
    phrases.insert(phrases.end(), of_networks.begin(), of_networks.end());
    const std::vector<std::string> hidden = Hidden();
    phrases.insert(phrases.end(), hidden.begin(), hidden.end());
    return phrases;
  }

  // The open files of every process of the system, not only of those that this process may see.
  bool AllProcessesRead() const {
    return open_devices_ && closed_processes_ == 0 && closed_files_ == 0 && Hidden().empty();
  }

  // Which processes are not seen at all.
  std::vector<std::string> Hidden() const {
    std::vector<std::string> phrases;
    const MountLine* proc = CoveringMount(own_lines_, "/proc");
    const unsigned long long capabilities =
        ParseEffectiveCapabilities(FileText("/proc/self/status", kStatusLimit));
    const bool sees_all = ((capabilities >> kCapSysPtrace) & 1) != 0;
    if (!sees_all && proc != nullptr && proc->type == "proc" &&
        HidesProcesses(proc->super_options)) {
      phrases.push_back("processes of other users: /proc is mounted with hidepid");
    } else if (hidden_ > 0) {
      phrases.push_back(Count(hidden_, "process", "processes"));
    }
    if (LinkTarget("/proc/self/ns/pid") != kFirstPidNamespace) {
      phrases.push_back("processes outside of this pid namespace");
    }
    return phrases;
  }

  void PutMounts(Reply* reply) const {
    PutCount(reply, mount_tables_.size());
    for (const MountTable& table : mount_tables_) {
      reply->Put(std::to_string(table.pid));
      reply->Put(table.own);
      reply->Put(table.first);
      reply->Put(table.text);
    }
  }

  void PutDevices(Reply* reply) const {
    PutCount(reply, open_.size());
    for (const OpenDevice& open : open_) {
      reply->Put(std::to_string(open.pid));
      reply->Put(processes_.at(open.pid).comm);
      reply->Put(IsDescendant(processes_, open.pid, caller_));
      reply->Put(open.file.path);
      reply->Put(open.file.fd ? std::optional(std::to_string(*open.file.fd)) : std::nullopt);
      reply->Put(open.device.block);
      reply->Put(std::to_string(open.device.major) + ":" + std::to_string(open.device.minor));
    }
  }

  static void PutCount(Reply* reply, size_t count) { reply->Put(std::to_string(count)); }

  bool open_devices_;
  pid_t caller_;
  std::string own_mounts_;
  std::string first_mounts_;  // "" where it cannot be told
  DeviceFiles devices_;
  NetNamespaces networks_;

  std::vector<MountLine> own_lines_;
  std::map<pid_t, ProcessStat> processes_;
  std::set<std::string> known_mounts_;
  std::set<std::string> known_networks_;
  std::vector<MountTable> mount_tables_;
  std::vector<LabelledNetwork> net_contents_;
  std::vector<OpenDevice> open_;

  int hidden_ = 0;
  int closed_processes_ = 0;
  int closed_files_ = 0;
  int empty_mount_namespaces_ = 0;
  int forbidden_networks_ = 0;
  int unreadable_networks_ = 0;
  std::optional<Failure> no_networks_;
};

// survey OPEN_DEVICES CALLER_PID
Reply Answer(const Message& message) {
  Request request(message.strings);
  const std::string verb = request.Text();
  const bool open_devices = request.Flag();
  const auto caller = static_cast<pid_t>(strtol(request.Text().c_str(), nullptr, 10));
  if (verb != "survey" || !request.ok() || !request.AtEnd() || caller <= 0) {
    return Reply::Of(SystemFailure(EBADMSG, "read", verb));
  }
  if (access("/proc/self", F_OK) != 0) return Reply::Of(SystemFailure(errno, "open", "/proc"));
  Survey survey(open_devices, caller);
  survey.Run();
  return survey.Answer();
}

}  // namespace

int ServeSurvey(int socket) {
  Channel channel(socket);
  Message message;
  bool broken = false;
  while (channel.Fill()) {
    while (channel.Next(&message, &broken)) channel.Send({message.id, Answer(message).Take()});
    if (broken) return 76;
  }
  return 0;
}

}  // namespace kmod
