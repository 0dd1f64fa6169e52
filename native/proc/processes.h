// Lists the processes in /proc, and the files that a process has open.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "../common/result.h"
#include "proc_text.h"

namespace kmod {

std::string ProcPath(pid_t pid, const char* name);

// Whether a file of a process could not be read because the process has ended, which is normal.
bool HasEnded(const Failure& failure);

struct ProcessList {
  std::map<pid_t, ProcessStat> processes;  // those that run in user space, by number
  int unreadable = 0;                      // processes whose name cannot be read either (hidepid)
};
Result<ProcessList> ListProcesses();

// Whether `pid` is `ancestor` or one of its descendants.
bool IsDescendant(const std::map<pid_t, ProcessStat>& processes, pid_t pid, pid_t ancestor);

// The prefix that /proc shows for the open files of a virtual machine, its processors and its
// devices. These files are in no file system, and hold references to the modules of /dev/kvm.
// Source: kvm_dev_ioctl_create_vm() in virt/kvm/kvm_main.c.
constexpr const char* kKvmFiles = "anon_inode:kvm-";

struct OpenFile {
  std::optional<int> fd;  // nullopt: the file is mapped
  std::string path;
};

struct OpenFiles {
  std::vector<OpenFile> files;
  std::vector<OpenFile> network_namespaces;  // by paths such as `net:[4026532000]`
  bool complete = true;                      // false: the memory map could not be read
};

// The open and mapped files of a process whose path contains "/dev/", and those of KVM. The files
// themselves are not opened, because open or stat of a file of another process can block for ever.
Result<OpenFiles> ListDeviceFiles(pid_t pid);

// The numbers of the threads of a process.
std::vector<pid_t> ListThreads(pid_t pid);

}  // namespace kmod
