// The part of a survey about processes: who has a device or a socket open.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "../proc/mapped_devices.h"
#include "../proc/open_files.h"
#include "../proc/processes.h"

namespace kmod {

struct Holder {
  pid_t pid = 0;
  std::string comm;
  bool self = false;      // whether it is the caller or one of its descendants
  bool ancestor = false;  // whether it is an ancestor of the caller, or process 1
  std::string cgroups;    // the text of /proc/PID/cgroup
};

struct OpenDevice {
  Holder holder;
  OpenFile file;
};

// The open sockets of one protocol that a process holds.
struct OpenSockets {
  Holder holder;
  std::string protocol;
  int count = 0;  // without those that a process before this one holds, too
  // Of netlink sockets: the names by which /proc/net/netlink lists them.
  std::vector<std::string> inodes;
};

class HolderSurvey {
 public:
  HolderSurvey(const std::map<pid_t, ProcessStat>& processes, pid_t caller, Mounted mounted);

  // Looks at the open files of a process. Returns the network namespaces among them.
  std::vector<OpenNetwork> Look(pid_t pid);
  // Adds the devices that are mapped, and finds out which descriptors share an open file.
  void Finish();

  std::vector<OpenDevice> TakeDevices() { return std::move(devices_); }
  std::vector<OpenSockets> TakeSockets() { return std::move(sockets_); }
  // The texts of /proc/PID/cgroup of the caller and its ancestors.
  std::vector<std::string> TakeOwnCgroups() { return std::move(own_cgroups_); }
  int closed() const { return closed_; }
  int unmapped() const { return unmapped_; }

 private:
  Holder HolderOf(pid_t pid) const;
  void MarkShared();
  void AddSockets(pid_t pid, const std::vector<OpenSocket>& open);

  const std::map<pid_t, ProcessStat>& processes_;
  pid_t caller_;
  std::set<pid_t> family_;  // the caller and its descendants
  std::set<pid_t> ancestors_;
  std::vector<std::string> own_cgroups_;
  OpenFileReader files_;
  MappedDeviceReader mappings_;
  std::set<uint64_t> known_sockets_;

  std::vector<OpenDevice> devices_;
  std::vector<OpenSockets> sockets_;
  int closed_ = 0;    // processes whose open files could not all be read
  int unmapped_ = 0;  // processes whose mapped files could not be read
};

}  // namespace kmod
