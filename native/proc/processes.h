// The processes that /proc shows.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "../common/failure.h"
#include "proc_text.h"

namespace kmod {

std::string ProcPath(pid_t pid, const char* name);

// Is what was to be read of a process gone, as it is when that has ended? A normal event.
bool IsGone(const Failure& failure);

// Those that run in user space, by number. `*unreadable` counts those that keep even their name to
// themselves (hidepid).
std::map<pid_t, ProcessStat> ListProcesses(int* unreadable);

// Is `pid` that ancestor, or below it?
bool IsDescendant(const std::map<pid_t, ProcessStat>& processes, pid_t pid, pid_t ancestor);

// How the paths of a virtual machine, its processors and devices begin: files without a place,
// which keep the modules of /dev/kvm in use. Source: kvm_dev_ioctl_create_vm() in
// virt/kvm/kvm_main.c.
constexpr const char* kKvmFiles = "anon_inode:kvm-";

struct OpenFile {
  std::optional<int> fd;  // nothing: mapped
  std::string path;
};

// The open and mapped files of a process whose path has "/dev/" in it, and those of KVM. No
// descriptor is touched: to open, or to stat, the file behind one can wait for ever.
Result<std::vector<OpenFile>> ListDeviceFiles(pid_t pid);

}  // namespace kmod
