// Reads the kernel log from /dev/kmsg, from the moment of opening on. Nothing is ever written to
// it.
#pragma once

#include <string>
#include <vector>

#include "../common/handles.h"
#include "../common/result.h"

namespace kmod {

struct KernelLogRead {
  std::vector<std::string> messages;  // the text of each record, without its prefix
  bool lost = false;                  // the kernel overwrote records before they were read
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

// The text of a record ("6,339,5140900,-;text" and continuation lines), with its "\x0a"-style
// escapes decoded.
std::string KernelLogText(const std::string& record);

}  // namespace kmod
