// The devices that processes have mapped into their memory.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "../common/handles.h"
#include "open_files.h"

namespace kmod {

struct MappedDevice {
  pid_t pid = 0;
  OpenFile file;
};

struct MappedDevices {
  std::vector<MappedDevice> devices;
  int unread = 0;  // processes whose mappings could not be read, or not in time
};

// Reads the mappings in a child process while the caller does something else. To read
// /proc/PID/maps, the kernel waits for the lock of that process's memory, which the process can
// keep for ever (a page fault in a file of FUSE). The wait can only be ended by killing the process
// that waits.
class MappedDeviceReader {
 public:
  // Only for a process with one thread, because it forks.
  explicit MappedDeviceReader(std::vector<pid_t> pids);
  MappedDeviceReader(const MappedDeviceReader&) = delete;
  MappedDeviceReader& operator=(const MappedDeviceReader&) = delete;
  ~MappedDeviceReader();

  // Waits for the child. A process that keeps the child waiting is left out; after two of them, all
  // that follow are left out, too.
  MappedDevices Finish();

 private:
  void Start();
  void Stop();
  // Returns false if the child did not write for too long.
  bool ReadUntilEnd(MappedDevices* found);
  void TakeRecords(std::string* buffer, MappedDevices* found);

  std::vector<pid_t> pids_;
  size_t next_ = 0;  // the first process that the child has not begun with
  pid_t child_ = -1;
  UniqueFd output_;
};

}  // namespace kmod
