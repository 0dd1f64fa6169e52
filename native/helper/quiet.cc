#include "quiet.h"

#include <sys/mman.h>
#include <unistd.h>

namespace kmod {

StderrLog::StderrLog() : file_(memfd_create("stderr", MFD_CLOEXEC)) {
  if (file_ >= 0) dup2(file_, 2);
}

StderrLog::~StderrLog() {
  if (file_ >= 0) close(file_);
}

std::string StderrLog::Take() {
  if (file_ < 0) return {};
  std::string text(4096, '\0');
  const ssize_t got = pread(file_, text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<size_t>(got) : 0);
  // The two descriptors share one offset: writing starts at the front again.
  if (!text.empty() && ftruncate(file_, 0) == 0) lseek(file_, 0, SEEK_SET);
  return text;
}

}  // namespace kmod
