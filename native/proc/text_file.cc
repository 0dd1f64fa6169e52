#include "text_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "../common/handles.h"

namespace kmod {

Result<std::string> ReadTextFile(const std::string& path, size_t limit) {
  // O_NONBLOCK: the open of a FIFO must not wait for a writer.
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return SystemFailure(errno, "open", path);
  struct stat status = {};
  if (fstat(fd.get(), &status) < 0) return SystemFailure(errno, "fstat", path);
  if (S_ISDIR(status.st_mode)) return SystemFailure(EISDIR, "read", path);
  if (!S_ISREG(status.st_mode)) return FormatFailure(path + " is not a regular file");
  return ReadToEnd(fd.get(), path, limit);
}

Result<std::string> ReadToEnd(int fd, const std::string& what, size_t limit) {
  std::string text;
  // st_size is not used: it is 0 in /proc and 4096 in /sys for any content.
  size_t chunk = 16 * 1024;
  for (;;) {
    const size_t used = text.size();
    text.resize(used + chunk);
    const ssize_t got = read(fd, &text[used], chunk);
    if (got < 0) {
      text.resize(used);
      if (errno == EINTR) continue;
      return SystemFailure(errno, "read", what);
    }
    text.resize(used + static_cast<size_t>(got));
    if (got == 0) return text;
    if (text.size() > limit) {
      return FormatFailure(what + " is larger than " + std::to_string(limit) + " bytes");
    }
    if (chunk < 1024 * 1024) chunk *= 2;
  }
}

Result<std::string> ReadLinkTarget(const std::string& path) {
  return ReadLinkTarget(AT_FDCWD, path.c_str());
}

Result<std::string> ReadLinkTarget(int folder, const char* name) {
  std::string target(256, '\0');
  for (;;) {
    const ssize_t got = readlinkat(folder, name, target.data(), target.size());
    if (got < 0) return SystemFailure(errno, "readlink", name);
    if (static_cast<size_t>(got) < target.size()) {
      target.resize(static_cast<size_t>(got));
      return target;
    }
    target.resize(target.size() * 2);
  }
}

}  // namespace kmod
