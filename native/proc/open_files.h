// What a process has open that can hold a reference to a module.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "../common/result.h"

namespace kmod {

using DeviceId = std::pair<unsigned, unsigned>;  // major and minor number

// What the kernel knows of an open file without asking its file system.
struct FileStatus {
  unsigned mode = 0;     // 0: the file system tells it only to others
  DeviceId file_system;  // the device number of its file system
  DeviceId device;       // of a device file: its number
  uint64_t inode = 0;
  std::optional<uint64_t> mount;  // the id in mountinfo; kernels before 5.8 do not tell
};

// What the mount tables of all mount namespaces have.
struct Mounted {
  std::set<DeviceId> file_systems;  // the device numbers of the file systems
  std::set<uint64_t> mounts;        // the ids of the mounts
  // Whether all tables were read. Otherwise a mount that is in none of them may still exist.
  bool is_complete = false;
};

// statx(2) with AT_STATX_DONT_SYNC, which returns what the kernel has cached. Every other way to
// ask can block for ever on a file system whose server does not answer (NFS, FUSE), and no signal
// ends it. `name` is a link of /proc/PID, which leads to the open file itself, not to its path.
Result<FileStatus> StatusOf(int folder, const char* name, int flags = 0);

enum class FileKind {
  kChar,
  kBlock,
  kKvm,       // of a virtual machine, its processors and its devices
  kProc,      // in /proc/net/rpc
  kDebug,     // in debugfs
  kDetached,  // on a file system that is not mounted any more (umount --lazy)
};

struct OpenFile {
  std::optional<int> fd;  // nullopt: a device that is mapped, or a folder or program in use
  std::string path;       // as /proc shows it
  FileKind kind = FileKind::kChar;
  DeviceId device;      // of kChar and kBlock: its number; of other kinds: that of the file system
  bool shared = false;  // a descriptor that was listed before leads to the same open file
};

struct OpenSocket {
  uint64_t inode = 0;
  std::string protocol;  // as in /proc/net/protocols, for example "TCP"
};

struct OpenNetwork {
  int fd = -1;
  std::string id;  // "net:[4026532000]"
};

struct OpenFiles {
  std::vector<OpenFile> files;
  std::vector<OpenSocket> sockets;
  std::vector<OpenNetwork> networks;
  bool complete = true;  // false: some descriptors could not be read, or there are too many
};

class OpenFileReader {
 public:
  explicit OpenFileReader(Mounted mounted);

  // Costs a constant time for each descriptor, and stops after a number of them that takes about a
  // second.
  Result<OpenFiles> Read(pid_t pid);

 private:
  void Look(int folder, const char* name, int fd, OpenFiles* open);
  void LookAtFolders(pid_t pid, OpenFiles* open);
  void LookAtSocket(int folder, const char* name, const FileStatus& status, OpenFiles* open);
  std::optional<FileKind> KindOf(const FileStatus& status) const;
  bool MayBeDetached(const FileStatus& status) const;

  Mounted mounted_;
  // The file systems whose files are looked at.
  DeviceId anonymous_, namespaces_, proc_, debug_;
  int descriptors_left_;
  int sockets_left_;
};

// Whether two descriptors lead to the same open file, which holds the references of both: dup(2),
// fork(2) and messages between processes (systemd-logind gives input devices away) share it. False
// if the kernel (CONFIG_KCMP) or missing rights do not tell.
bool IsSameFile(pid_t pid, int fd, pid_t other_pid, int other_fd);

// Whether a module may provide this device. Memory (null, zero, ...), consoles and terminals are
// always compiled in.
bool MayBelongToModule(bool block, const DeviceId& device);

}  // namespace kmod
