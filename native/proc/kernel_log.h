// Reads the kernel log from /dev/kmsg, from the moment of opening on. Nothing is ever written to
// it.
#pragma once

#include <string>
#include <vector>

#include "../common/handles.h"
#include "../common/result.h"

namespace kmod {

struct KernelLogRecord {
  std::string text;  // without the prefix, and with "\x0a"-style escapes decoded
  // The facility is that of the kernel, which it gives to no record that a process writes.
  bool from_kernel = false;
};

struct KernelLogRead {
  std::vector<KernelLogRecord> records;
  bool lost = false;  // the kernel overwrote records before they were read
};

class KernelLog {
 public:
  // Opens `path` and seeks to its end: only records that are logged later will be read. Without
  // CAP_SYSLOG this fails with EPERM if kernel.dmesg_restrict is set.
  static Result<KernelLog> Open(const std::string& path);

  // The records since the last call; does not wait for new ones.
  Result<KernelLogRead> Read();

 private:
  explicit KernelLog(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

// Parses "6,339,5140900,-;text" with its continuation lines. Bytes of another form give no text.
KernelLogRecord ParseKernelLogRecord(const std::string& record);

}  // namespace kmod
