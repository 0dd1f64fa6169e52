#include "text_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "../common/handles.h"

namespace kmod {

Result<std::string> ReadTextFile(const char* path, size_t limit) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer.
  UniqueFd fd(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return SystemFailure(errno, "open", path);
  struct stat status = {};
  if (fstat(fd.get(), &status) < 0) return SystemFailure(errno, "fstat", path);
  if (S_ISDIR(status.st_mode)) return SystemFailure(EISDIR, "read", path);
  if (!S_ISREG(status.st_mode)) return FormatFailure(std::string(path) + " is not a regular file");

  std::string text;
  // The size of files in /proc is 0 and that of files in /sys 4096, whatever they hold.
  size_t chunk = 16 * 1024;
  for (;;) {
    const size_t used = text.size();
    text.resize(used + chunk);
    const ssize_t got = read(fd.get(), &text[used], chunk);
    if (got < 0) {
      text.resize(used);
      if (errno == EINTR) continue;
      return SystemFailure(errno, "read", path);
    }
    text.resize(used + static_cast<size_t>(got));
    if (got == 0) return text;
    if (text.size() > limit) {
      return FormatFailure(std::string(path) + " is larger than " + std::to_string(limit) +
                           " bytes");
    }
    if (chunk < 1024 * 1024) chunk *= 2;
  }
}

Result<std::string> ReadLinkTarget(const char* path) {
  std::string target(256, '\0');
  for (;;) {
    const ssize_t got = readlink(path, target.data(), target.size());
    if (got < 0) return SystemFailure(errno, "readlink", path);
    if (static_cast<size_t>(got) < target.size()) {
      target.resize(static_cast<size_t>(got));
      return target;
    }
    target.resize(target.size() * 2);
  }
}

}  // namespace kmod
