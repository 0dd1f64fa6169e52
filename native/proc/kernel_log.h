// Reads the records that are added to the kernel log after /dev/kmsg was opened. Never writes to
// it.
#pragma once

#include <string>
#include <vector>

#include "../common/handles.h"
#include "../common/result.h"

namespace kmod {

struct KernelLogRecord {
  std::string text;  // without the prefix, and with "\x0a"-style escapes decoded
  // The record has the kernel's facility, which the kernel gives to no record from a process.
  bool from_kernel = false;
};

struct KernelLogRead {
  std::vector<KernelLogRecord> records;
  bool lost = false;  // some were not read: the kernel overwrote them, or there were too many
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

// Parses "6,339,5140900,-;text" with its continuation lines. Bytes in another format give no text.
KernelLogRecord ParseKernelLogRecord(const std::string& record);

}  // namespace kmod
