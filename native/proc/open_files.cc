#include "open_files.h"

#include <fcntl.h>
#include <linux/stat.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "../common/handles.h"
#include "processes.h"
#include "text_file.h"

namespace kmod {
namespace {

constexpr int kDescriptorsLimit = 500'000;
constexpr int kSocketsLimit = 100'000;
constexpr size_t kNameLimit = 64;  // the kernel's protocols have at most 31 characters

// Source: kvm_dev_ioctl_create_vm() in virt/kvm/kvm_main.c.
constexpr std::string_view kKvmFiles = "anon_inode:kvm-";

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

DeviceId FileSystemOf(const char* path) {
  const Result<FileStatus> status = StatusOf(AT_FDCWD, path);
  return status.ok() ? status->file_system : DeviceId();
}

DeviceId AnonymousFileSystem() {
  const UniqueFd fd(eventfd(0, EFD_CLOEXEC));
  const Result<FileStatus> status = StatusOf(fd.get(), "", AT_EMPTY_PATH);
  return status.ok() ? status->file_system : DeviceId();
}

}  // namespace

Result<FileStatus> StatusOf(int folder, const char* name, int flags) {
  struct statx status = {};
  constexpr unsigned kWanted = STATX_TYPE | STATX_INO;
  if (syscall(SYS_statx, folder, name, flags | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, kWanted,
              &status) != 0) {
    return SystemFailure(errno, "statx", name);
  }
  FileStatus found;
  found.mode = status.stx_mode;
  found.file_system = {status.stx_dev_major, status.stx_dev_minor};
  found.device = {status.stx_rdev_major, status.stx_rdev_minor};
  found.inode = status.stx_ino;
  return found;
}

bool MayBelongToModule(bool block, const DeviceId& device) {
  constexpr unsigned kMemory = 1;
  constexpr unsigned kConsoles = 4;  // minor numbers up to 63; the rest are serial ports
  constexpr unsigned kTerminal = 5;  // minor numbers up to 2; 3 is that of ttyprintk
  constexpr unsigned kFirstPts = 136;
  constexpr unsigned kLastPts = 143;
  if (block) return true;
  const auto [major, minor] = device;
  if (major == kConsoles) return minor >= 64;
  if (major == kTerminal) return minor >= 3;
  return major != kMemory && (major < kFirstPts || major > kLastPts);
}

bool IsSameFile(pid_t pid, int fd, pid_t other_pid, int other_fd) {
  constexpr int kKcmpFile = 0;  // KCMP_FILE in include/uapi/linux/kcmp.h
  return syscall(SYS_kcmp, pid, other_pid, kKcmpFile, static_cast<unsigned long>(fd),
                 static_cast<unsigned long>(other_fd)) == 0;
}

OpenFileReader::OpenFileReader(std::set<DeviceId> mounted)
    : mounted_(std::move(mounted)),
      anonymous_(AnonymousFileSystem()),
      namespaces_(FileSystemOf("/proc/self/ns/net")),
      proc_(FileSystemOf("/proc")),
      debug_(FileSystemOf("/sys/kernel/debug")),
      descriptors_left_(kDescriptorsLimit),
      sockets_left_(kSocketsLimit) {}

Result<OpenFiles> OpenFileReader::Read(pid_t pid) {
  const std::string folder = ProcPath(pid, "fd");
  const UniqueDir directory(opendir(folder.c_str()));
  if (!directory) return SystemFailure(errno, "opendir", folder);
  OpenFiles open;
  while (const dirent* entry = readdir(directory.get())) {
    const std::optional<int> fd = ToNumber(entry->d_name);
    if (!fd) continue;
    if (descriptors_left_ == 0) {
      open.complete = false;
      break;
    }
    --descriptors_left_;
    Look(dirfd(directory.get()), entry->d_name, *fd, &open);
  }
  return open;
}

void OpenFileReader::Look(int folder, const char* name, int fd, OpenFiles* open) {
  const Result<FileStatus> status = StatusOf(folder, name);
  if (!status.ok()) {
    // ENOENT: the file was just closed. ESTALE: a file on NFS, which is no device.
    const int error = status.failure().error;
    if (error != ENOENT && error != ESTALE) open->complete = false;
    return;
  }
  if ((status->mode & S_IFMT) == S_IFSOCK) {
    LookAtSocket(folder, name, *status, open);
    return;
  }
  const bool is_namespace = status->file_system == namespaces_;
  const std::optional<FileKind> kind = KindOf(*status);
  if (!kind && !is_namespace) return;
  Result<std::string> target = ReadLinkTarget(folder, name);
  if (!target.ok()) return;
  if (is_namespace) {
    if (StartsWith(*target, "net:[")) open->networks.push_back({fd, *std::move(target)});
    return;
  }
  if (kind == FileKind::kKvm && !StartsWith(*target, kKvmFiles)) return;
  if (kind == FileKind::kProc && target->find("/net/rpc/") == std::string::npos) return;
  const bool is_device = kind == FileKind::kChar || kind == FileKind::kBlock;
  open->files.push_back(
      {fd, *std::move(target), *kind, is_device ? status->device : status->file_system});
}

// nullopt: no module can be in use through this file.
std::optional<FileKind> OpenFileReader::KindOf(const FileStatus& status) const {
  const unsigned type = status.mode & S_IFMT;
  if (type == S_IFCHR || type == S_IFBLK) {
    const bool block = type == S_IFBLK;
    if (!MayBelongToModule(block, status.device)) return std::nullopt;
    return block ? FileKind::kBlock : FileKind::kChar;
  }
  if (status.file_system == anonymous_) return FileKind::kKvm;
  if (type == S_IFREG && status.file_system == proc_) return FileKind::kProc;
  if (type == S_IFREG && status.file_system == debug_) return FileKind::kDebug;
  // Only a file system on a block device has a major number.
  const bool is_on_disk = status.file_system.first != 0;
  if (is_on_disk && mounted_.count(status.file_system) == 0) return FileKind::kDetached;
  return std::nullopt;
}

// getxattr(2) takes a path. In the meantime the process can replace the socket with a file of FUSE,
// where getxattr blocks. So the file is pinned first, and must still be the same.
void OpenFileReader::LookAtSocket(int folder, const char* name, const FileStatus& status,
                                  OpenFiles* open) {
  if (sockets_left_ == 0) {
    open->complete = false;
    return;
  }
  --sockets_left_;
  const UniqueFd pinned(openat(folder, name, O_PATH | O_CLOEXEC));
  if (!pinned) return;
  const Result<FileStatus> now = StatusOf(pinned.get(), "", AT_EMPTY_PATH);
  if (!now.ok() || (now->mode & S_IFMT) != S_IFSOCK || now->inode != status.inode) return;
  char protocol[kNameLimit] = {};
  const std::string path = "/proc/self/fd/" + std::to_string(pinned.get());
  const ssize_t length =
      getxattr(path.c_str(), "system.sockprotoname", protocol, sizeof(protocol) - 1);
  if (length < 0) {
    open->complete = false;
    return;
  }
  open->sockets.push_back({status.inode, protocol});
}

}  // namespace kmod
