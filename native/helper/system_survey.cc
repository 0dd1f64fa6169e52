#include "system_survey.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "../proc/text_file.h"

namespace kmod {
namespace {

// The namespaces of other users can have 100,000 mounts each. A line has about 100 bytes.
constexpr size_t kOwnMountsLimit = 64 * 1024 * 1024;
constexpr size_t kMountsLimit = 2 * 1024 * 1024;
constexpr size_t kAllMountsLimit = 8 * 1024 * 1024;
constexpr size_t kStatusLimit = 64 * 1024;
constexpr const char* kFirstPidNamespace = "pid:[4026531836]";  // in every kernel since 3.8
constexpr unsigned kCapSysPtrace = 19;

// "" if it cannot be read.
std::string LinkTarget(const std::string& path) {
  return ReadLinkTarget(path).ValueOr({});
}

// "1 process", "2 processes"
std::string Count(size_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

// Whether the option hidepid is set to a value that hides anything.
bool HidesProcesses(const std::string& options) {
  const std::string key = "hidepid=";
  const size_t at = ("," + options).find("," + key);
  if (at == std::string::npos) return false;
  const std::string value =
      options.substr(at + key.size(), options.find(',', at) - at - key.size());
  return value != "0" && value != "off";
}

class Surveyor {
 public:
  Surveyor(bool open_devices, pid_t caller)
      : open_devices_(open_devices),
        caller_(caller),
        own_mounts_(LinkTarget("/proc/self/ns/mnt")),
        first_mounts_(LinkTarget("/proc/1/ns/mnt")),
        networks_(open_devices) {}

  Result<SystemSurvey> Run() {
    Result<std::string> own_mounts = ReadTextFile("/proc/self/mountinfo", kOwnMountsLimit);
    if (!own_mounts.ok()) return own_mounts.failure();
    LookAtOwn(*std::move(own_mounts));
    MapperRead mapper = ReadDeviceMapper();
    survey_.mappings = std::move(mapper.devices);
    if (!mapper.end.ok()) no_mapper_ = mapper.end.failure();
    Result<ProcessList> listed = ListProcesses();
    if (!listed.ok()) return listed.failure();
    processes_ = std::move(listed->processes);
    hidden_ = listed->unreadable;
    for (const auto& [pid, stat] : processes_) LookAtMounts(pid);
    std::optional<HolderSurvey> holders;
    mounted_.is_complete = long_mounts_ == 0 && unreadable_mounts_ == 0 && closed_processes_ == 0;
    if (open_devices_) holders.emplace(processes_, caller_, mounted_);
    for (const auto& [pid, stat] : processes_) networks_.LookAtProcess(pid, stat);
    if (holders) LookAtFiles(&*holders);
    networks_.LookAtMounted(own_lines_);
    CountEmptyMountNamespaces();
    const std::vector<std::string> hidden = HiddenProcesses();
    survey_.all_processes_read = open_devices_ && closed_processes_ == 0 && closed_files_ == 0 &&
                                 unmapped_ == 0 && hidden.empty();
    survey_.networks = networks_.TakeContents();
    survey_.unreadable = Unreadable();
    survey_.unreadable.insert(survey_.unreadable.end(), hidden.begin(), hidden.end());
    return std::move(survey_);
  }

 private:
  void LookAtOwn(std::string mounts) {
    own_lines_ = ParseMounts(mounts);
    survey_.mount_tables.push_back(
        {caller_, true, own_mounts_ == first_mounts_, std::move(mounts)});
    known_mounts_.insert(own_mounts_);
    for (const MountLine& mount : own_lines_) AddMounted(mount);
    networks_.LookAtOwn();
  }

  void LookAtMounts(pid_t pid) {
    const Result<std::string> id = ReadLinkTarget(ProcPath(pid, "ns/mnt"));
    if (!id.ok()) {
      if (!HasEnded(id.failure())) ++closed_processes_;
      return;
    }
    if (known_mounts_.count(*id) > 0) return;
    const size_t limit = std::min(kMountsLimit, mount_bytes_left_);
    Result<std::string> text = ReadTextFile(ProcPath(pid, "mountinfo"), limit);
    if (text.ok() && !text->empty()) {
      mount_bytes_left_ -= std::min(mount_bytes_left_, text->size());
      known_mounts_.insert(*id);
      LookForMounted(pid, *text);
      survey_.mount_tables.push_back({pid, false, *id == first_mounts_, *std::move(text)});
    } else if (!text.ok() && text.failure().kind == FailureKind::kFormat) {
      mount_bytes_left_ -= limit;
      known_mounts_.insert(*id);
      ++long_mounts_;
    } else if (!text.ok() && !HasEnded(text.failure()) && text.failure().error != EINVAL) {
      known_mounts_.insert(*id);
      ++unreadable_mounts_;
    }
    // If the process has just ended (EINVAL: it has already left its namespaces), the mounts are
    // read from the next process in the same namespace.
  }

  void LookAtFiles(HolderSurvey* holders) {
    for (const auto& [pid, stat] : processes_) {
      for (const OpenNetwork& network : holders->Look(pid)) {
        networks_.LookAtOpen(pid, network);
      }
    }
    holders->Finish();
    survey_.open_devices = holders->TakeDevices();
    survey_.open_sockets = holders->TakeSockets();
    survey_.own_cgroups = holders->TakeOwnCgroups();
    closed_files_ = holders->closed();
    unmapped_ = holders->unmapped();
  }

  void CountEmptyMountNamespaces() {
    for (const MountLine& mount : own_lines_) {
      if (mount.type == "nsfs" && mount.root.rfind("mnt:[", 0) == 0 &&
          known_mounts_.insert(mount.root).second) {
        ++empty_mount_namespaces_;
      }
    }
  }

  // Collects what is mounted in the mount namespace of another process: file systems, and network
  // namespaces among them.
  void LookForMounted(pid_t pid, const std::string& mounts) {
    for (const MountLine& mount : ParseMounts(mounts)) {
      AddMounted(mount);
      networks_.AddMount(pid, mount);
    }
  }

  void AddMounted(const MountLine& mount) {
    mounted_.file_systems.emplace(mount.major, mount.minor);
    mounted_.mounts.insert(mount.id);
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
    const auto mounts = [](int count) {
      return Count(count, "mount namespace", "mount namespaces");
    };
    add(unmapped_,
        "files that " + Count(unmapped_, "process has", "processes have") + " mapped into memory");
    add(long_mounts_, mounts(long_mounts_) + " with too many mounts");
    add(empty_mount_namespaces_, mounts(empty_mount_namespaces_) + " without a process");
    add(unreadable_mounts_, mounts(unreadable_mounts_) + " that could not be read");
    const NetworkLosses& lost = networks_.losses();
    if (lost.own) {
      phrases.push_back(std::string("network interfaces (") + ErrnoName(lost.own->error) + ")");
    }
    if (no_mapper_) {
      const bool denied = no_mapper_->error == EACCES || no_mapper_->error == EPERM;
      phrases.push_back(std::string("the tables of device-mapper (") +
                        (denied ? "permission denied" : ErrnoName(no_mapper_->error)) + ")");
    }
    const auto networks = [](int count) {
      return Count(count, "network namespace", "network namespaces") + " that could not be ";
    };
    add(lost.forbidden, networks(lost.forbidden) + "entered (CAP_SYS_ADMIN is missing)");
    add(lost.unreadable, networks(lost.unreadable) + "read");
    const int left_out = static_cast<int>(lost.beyond_limit.size());
    add(left_out, Count(left_out, "further network namespace", "further network namespaces"));
    add(lost.threads,
        "the network namespaces of " + Count(lost.threads, "further thread", "further threads"));
    std::set<std::string> of_networks;
    for (const NamespaceContents& network : survey_.networks) {
      of_networks.insert(network.contents.unreadable.begin(), network.contents.unreadable.end());
    }
    phrases.insert(phrases.end(), of_networks.begin(), of_networks.end());
    return phrases;
  }

  // The processes that cannot be seen at all.
  std::vector<std::string> HiddenProcesses() const {
    std::vector<std::string> phrases;
    // Of several mounts on one folder, the last one covers the others.
    const auto proc = std::find_if(own_lines_.rbegin(), own_lines_.rend(),
                                   [](const MountLine& mount) { return mount.path == "/proc"; });
    const unsigned long long capabilities =
        ParseEffectiveCapabilities(ReadTextFile("/proc/self/status", kStatusLimit).ValueOr({}));
    const bool sees_all = ((capabilities >> kCapSysPtrace) & 1) != 0;
    if (!sees_all && proc != own_lines_.rend() && proc->type == "proc" &&
        HidesProcesses(proc->super_options)) {
      phrases.emplace_back("processes of other users: /proc is mounted with hidepid");
    } else if (hidden_ > 0) {
      phrases.push_back(Count(hidden_, "process", "processes"));
    }
    if (LinkTarget("/proc/self/ns/pid") != kFirstPidNamespace) {
      phrases.emplace_back("processes outside of this pid namespace");
    }
    return phrases;
  }

  bool open_devices_;
  pid_t caller_;
  std::string own_mounts_;    // the mount namespace of this process
  std::string first_mounts_;  // that of process 1; "" if it cannot be read
  NetworkSurvey networks_;

  std::vector<MountLine> own_lines_;
  std::map<pid_t, ProcessStat> processes_;
  std::set<std::string> known_mounts_;
  Mounted mounted_;
  size_t mount_bytes_left_ = kAllMountsLimit;
  SystemSurvey survey_;

  int hidden_ = 0;
  int closed_processes_ = 0;
  int closed_files_ = 0;
  int unmapped_ = 0;
  int long_mounts_ = 0;
  int empty_mount_namespaces_ = 0;
  int unreadable_mounts_ = 0;
  std::optional<Failure> no_mapper_;
};

}  // namespace

Result<SystemSurvey> SurveySystem(bool open_devices, pid_t caller) {
  if (access("/proc/self", F_OK) != 0) return SystemFailure(errno, "open", "/proc");
  return Surveyor(open_devices, caller).Run();
}

}  // namespace kmod
