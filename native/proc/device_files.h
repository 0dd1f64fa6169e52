// Finds the device that a path stands for which another process has open.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proc_text.h"

namespace kmod {

struct DeviceNumber {
  bool block = false;
  unsigned major = 0;
  unsigned minor = 0;
};

class DeviceFiles {
 public:
  // `own_namespace`: the target of /proc/self/ns/mnt.
  explicit DeviceFiles(std::string own_namespace) : own_(std::move(own_namespace)) {}

  // `path` is the target of a link in /proc/PID/fd of a process in `mount_namespace`. Returns
  // nullopt if it is not a device, if no module can provide that device, or if the path lies on a
  // file system that can block the caller (NFS, FUSE). Looks at each path only once. For the files
  // of KVM, it returns the device /dev/kvm.
  std::optional<DeviceNumber> Find(pid_t pid, const std::string& mount_namespace,
                                   const std::string& path);

 private:
  // The files as processes of one mount namespace with the same root folder see them.
  struct View {
    std::string root;  // as a path of the mount namespace, like all paths in /proc
    std::vector<MountLine> mounts;
  };
  const View* ViewOf(pid_t pid, const std::string& mount_namespace);

  std::string own_;
  std::map<std::pair<std::string, std::string>, View> views_;
  std::map<std::pair<const View*, std::string>, std::optional<DeviceNumber>> found_;
};

// Whether a module may provide this device. Memory (null, zero, ...), consoles and terminals are
// always compiled in.
bool MayBelongToModule(const DeviceNumber& device);

}  // namespace kmod
