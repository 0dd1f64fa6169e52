// The kernel's log from a moment on, out of /dev/kmsg. Nothing is ever written to it.
#pragma once

#include <string>
#include <vector>

#include "../common/failure.h"
#include "../common/handles.h"

namespace kmod {

struct KernelLogRead {
  std::vector<std::string> messages;  // the text of each record, without its prefix
  bool lost = false;                  // the kernel overwrote records before they were read
};

class KernelLog {
 public:
  // Opens `path` at its end: what is logged from now on will be read. Without CAP_SYSLOG it fails
  // with EPERM where kernel.dmesg_restrict is set.
  static Result<KernelLog> Open(const char* path);

  // What has been logged since the last call; never waits.
  Result<KernelLogRead> Read();

 private:
  explicit KernelLog(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

// The text of a record ("6,339,5140900,-;text" and continuation lines), its "\x0a"-style escapes
// undone.
std::string KernelLogText(const std::string& record);

}  // namespace kmod
