// What is written to file descriptor 2 in the helper, kept instead of shown: libkmod reports what
// it dislikes in the configuration there, before a log hook can be set, and so do install commands.
#pragma once

#include <string>

namespace kmod {

class StderrLog {
 public:
  // Points file descriptor 2 at a file in memory (where there is none, at /dev/null as before).
  StderrLog();
  ~StderrLog();
  StderrLog(const StderrLog&) = delete;
  StderrLog& operator=(const StderrLog&) = delete;

  // What was written since the last call, at most 4 KiB of it.
  std::string Take();

 private:
  int file_ = -1;
};

}  // namespace kmod
