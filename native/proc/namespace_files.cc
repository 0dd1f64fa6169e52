#include "namespace_files.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "open_files.h"
#include "processes.h"

namespace kmod {
namespace {

constexpr uint64_t kResolveCached = 0x20;  // RESOLVE_CACHED, since Linux 5.12

Result<UniqueFd> OpenPinned(const UniqueFd& pinned, const std::string& path) {
  const Result<FileStatus> status = StatusOf(pinned.get(), "", AT_EMPTY_PATH);
  const Result<FileStatus> own = StatusOf(AT_FDCWD, "/proc/self/ns/net");
  if (!status.ok()) return status.failure();
  if (!own.ok()) return own.failure();
  if (status->file_system != own->file_system) return SystemFailure(EAGAIN, "open", path);
  const std::string link = "/proc/self/fd/" + std::to_string(pinned.get());
  UniqueFd fd(open(link.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return SystemFailure(errno, "open", path);
  return fd;
}

}  // namespace

Result<UniqueFd> OpenNamespace(const std::string& path) {
  const UniqueFd pinned(open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!pinned) return SystemFailure(errno, "open", path);
  return OpenPinned(pinned, path);
}

Result<UniqueFd> OpenNamespaceOf(pid_t pid, const std::string& path) {
  const std::string root = ProcPath(pid, "root");
  const UniqueFd top(open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!top) return SystemFailure(errno, "open", root);
  open_how how = {};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | kResolveCached;
  // Not SYS_openat2, which the C library of the prebuilt binaries (2.31) does not know.
  const UniqueFd pinned(
      static_cast<int>(syscall(__NR_openat2, top.get(), path.c_str(), &how, sizeof(how))));
  if (!pinned) return SystemFailure(errno == ENOENT ? EAGAIN : errno, "openat2", path);
  return OpenPinned(pinned, path);
}

}  // namespace kmod
