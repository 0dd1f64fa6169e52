// Which device a path means that some process has open.
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
  // The target of /proc/self/ns/mnt.
  explicit DeviceFiles(std::string own_namespace) : own_(std::move(own_namespace)) {}

  // `path` is the target of a link in /proc/PID/fd of a process in `mount_namespace`. Nothing: it
  // is no device, it is one that no module can have to do with, or the path lies on a file system
  // that may keep who looks at it waiting (a network's, a program's). Each path is looked at once.
  // What is of KVM stands for its device.
  std::optional<DeviceNumber> Find(pid_t pid, const std::string& mount_namespace,
                                   const std::string& path);

 private:
  // How the processes of one mount namespace with one root folder see the files.
  struct View {
    std::string root;  // as a path of the namespace, which is how /proc tells paths
    std::vector<MountLine> mounts;
  };
  const View* ViewOf(pid_t pid, const std::string& mount_namespace);

  std::string own_;
  std::map<std::pair<std::string, std::string>, View> views_;
  std::map<std::pair<const View*, std::string>, std::optional<DeviceNumber>> found_;
};

// May code of a module be behind this device? Memory (null, zero, ...), consoles and terminals are
// always there.
bool MayBelongToModule(const DeviceNumber& device);

}  // namespace kmod
