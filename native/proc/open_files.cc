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

// Files of the kernel's own mounts (memory of memfd_create(2), DMA buffers) have a name without a
// folder, which the kernel shows as if it were deleted; or no path at all.
bool IsOfMount(std::string_view path) {
  constexpr std::string_view kDeleted = " (deleted)";
  const bool is_deleted =
      path.size() >= kDeleted.size() && path.substr(path.size() - kDeleted.size()) == kDeleted;
  return StartsWith(path, "/") && !StartsWith(path, "/dmabuf:") && !is_deleted;
}

DeviceId FileSystemOf(const char* path) {
  const Result<FileStatus> status = StatusOf(AT_FDCWD, path);
  return status.ok() ? status->file_system : DeviceId();
}

// None, if debugfs is not mounted: then its folder is one of sysfs.
DeviceId DebugFileSystem() {
  const DeviceId found = FileSystemOf("/sys/kernel/debug");
  return found == FileSystemOf("/sys") ? DeviceId() : found;
}

DeviceId AnonymousFileSystem() {
  const UniqueFd fd(eventfd(0, EFD_CLOEXEC));
  const Result<FileStatus> status = StatusOf(fd.get(), "", AT_EMPTY_PATH);
  return status.ok() ? status->file_system : DeviceId();
}

}  // namespace

Result<FileStatus> StatusOf(int folder, const char* name, int flags) {
  struct statx status = {};
  constexpr unsigned kWanted = STATX_TYPE | STATX_INO | STATX_MNT_ID;
  const auto ask = [&](unsigned wanted) {
    const int how = flags | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT;
    return syscall(SYS_statx, folder, name, how, wanted, &status) == 0;
  };
  // A FUSE file system that belongs to another user refuses everybody else, even root, who then
  // only learns which file system it is. Source: fuse_getattr() in fs/fuse/dir.c.
  if (!ask(kWanted) && (errno != EACCES || !ask(0))) return SystemFailure(errno, "statx", name);
  FileStatus found;
  found.mode = status.stx_mode;
  found.file_system = {status.stx_dev_major, status.stx_dev_minor};
  found.device = {status.stx_rdev_major, status.stx_rdev_minor};
  found.inode = status.stx_ino;
  if ((status.stx_mask & STATX_MNT_ID) != 0) found.mount = status.stx_mnt_id;
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

OpenFileReader::OpenFileReader(Mounted mounted)
    : mounted_(std::move(mounted)),
      anonymous_(AnonymousFileSystem()),
      namespaces_(FileSystemOf("/proc/self/ns/net")),
      proc_(FileSystemOf("/proc")),
      debug_(DebugFileSystem()),
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
  LookAtFolders(pid, &open);
  return open;
}

// The working directory, the root folder and the program also keep a file system that was
// unmounted.
void OpenFileReader::LookAtFolders(pid_t pid, OpenFiles* open) {
  for (const char* name : {"cwd", "root", "exe"}) {
    const std::string path = ProcPath(pid, name);
    // A process that has just ended, and a thread of the kernel, have no such link.
    const Result<FileStatus> status = StatusOf(AT_FDCWD, path.c_str());
    if (!status.ok() || !MayBeDetached(*status)) continue;
    Result<std::string> target = ReadLinkTarget(path);
    if (!target.ok() || !IsOfMount(*target)) continue;
    open->files.push_back(
        {std::nullopt, *std::move(target), FileKind::kDetached, status->file_system});
  }
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
  if (kind == FileKind::kDetached && !IsOfMount(*target)) return;
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
  if (MayBeDetached(status)) return FileKind::kDetached;
  return std::nullopt;
}

bool OpenFileReader::MayBeDetached(const FileStatus& status) const {
  if (mounted_.file_systems.count(status.file_system) > 0) return false;
  // Only a file system on a block device has a major number.
  if (status.file_system.first != 0) return true;
  // The mount may be in a table that was not read: an ordinary user can make it too long.
  if (!mounted_.is_complete) return false;
  // The numbers of the others are not always those in the mount tables (overlay, btrfs).
  const unsigned type = status.mode & S_IFMT;
  return (type == S_IFREG || type == S_IFDIR || type == 0) && status.mount &&
         mounted_.mounts.count(*status.mount) == 0;
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
