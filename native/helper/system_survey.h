// Collects what uses the modules, as raw facts: mounts, networks, open devices.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "../common/result.h"
#include "../proc/device_mapper.h"
#include "holder_survey.h"
#include "network_survey.h"

namespace kmod {

struct MountTable {
  pid_t pid = 0;       // a process in the mount namespace
  bool own = false;    // whether it is the namespace of the caller
  bool first = false;  // whether it is the namespace of process 1
  std::string text;    // of /proc/PID/mountinfo
};

struct SystemSurvey {
  std::vector<MountTable> mount_tables;
  std::vector<MapperDevice> mappings;
  std::vector<NamespaceContents> networks;
  std::vector<OpenDevice> open_devices;
  std::vector<OpenSockets> open_sockets;
  std::vector<std::string> own_cgroups;  // of the caller and its ancestors
  // Whether the open files of every process of the system were read, not only of those that this
  // process may see.
  bool all_processes_read = false;
  std::vector<std::string> unreadable;  // what could not be read, as phrases for the user
};

// Makes one pass over the processes. `caller` must be in the same namespaces as this process.
// `open_devices`: look at the open files of each process, too. Enters other network namespaces, so
// it is only for a process with one thread.
Result<SystemSurvey> SurveySystem(bool open_devices, pid_t caller);

}  // namespace kmod
