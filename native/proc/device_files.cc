#include "device_files.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <string_view>

#include "processes.h"
#include "text_file.h"

namespace kmod {
namespace {

constexpr size_t kMountsLimit = 64 * 1024 * 1024;

// File systems that answer without another machine or a process in user space.
constexpr std::string_view kLocalTypes[] = {"devtmpfs", "tmpfs", "devpts",  "ramfs", "rootfs",
                                            "overlay",  "ext2",  "ext3",    "ext4",  "xfs",
                                            "btrfs",    "f2fs",  "squashfs"};

constexpr DeviceNumber kKvm = {false, 10, 232};  // KVM_MINOR in include/linux/miscdevice.h

bool IsLocal(const MountLine& mount) {
  return std::find(std::begin(kLocalTypes), std::end(kLocalTypes), mount.type) !=
         std::end(kLocalTypes);
}

std::string_view WithoutDeletedMark(std::string_view path) {
  constexpr std::string_view kMark = " (deleted)";
  if (path.size() > kMark.size() && path.substr(path.size() - kMark.size()) == kMark) {
    path.remove_suffix(kMark.size());
  }
  return path;
}

std::optional<DeviceNumber> DeviceAt(const std::string& path) {
  struct stat status = {};
  if (lstat(path.c_str(), &status) != 0) return std::nullopt;
  if (!S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode)) return std::nullopt;
  const DeviceNumber device = {S_ISBLK(status.st_mode), major(status.st_rdev),
                               minor(status.st_rdev)};
  if (!MayBelongToModule(device)) return std::nullopt;
  return device;
}

}  // namespace

bool MayBelongToModule(const DeviceNumber& device) {
  constexpr unsigned kMemory = 1;
  constexpr unsigned kConsoles = 4;  // minor numbers up to 63; the rest are serial ports
  constexpr unsigned kTerminal = 5;
  constexpr unsigned kFirstPts = 136;
  constexpr unsigned kLastPts = 143;
  if (device.block) return true;
  if (device.major == kConsoles) return device.minor >= 64;
  return device.major != kMemory && device.major != kTerminal &&
         (device.major < kFirstPts || device.major > kLastPts);
}

const DeviceFiles::View* DeviceFiles::ViewOf(pid_t pid, const std::string& mount_namespace) {
  // If the other process is in the mount namespace of this one, /proc shows each path as this
  // process sees it, even if the other process has a different root folder.
  const bool own = mount_namespace == own_;
  std::string root = "/";
  if (!own) {
    Result<std::string> target = ReadLinkTarget(ProcPath(pid, "root"));
    if (!target.ok()) return nullptr;
    root = *std::move(target);
  }
  const auto key = std::make_pair(mount_namespace, root);
  const auto known = views_.find(key);
  if (known != views_.end()) return &known->second;
  const Result<std::string> text = ReadTextFile(
      own ? std::string("/proc/self/mountinfo") : ProcPath(pid, "mountinfo"), kMountsLimit);
  if (!text.ok()) return nullptr;
  return &views_.emplace(key, View{root, ParseMounts(*text)}).first->second;
}

std::optional<DeviceNumber> DeviceFiles::Find(pid_t pid, const std::string& mount_namespace,
                                              const std::string& path) {
  if (path.rfind(kKvmFiles, 0) == 0) return kKvm;
  const View* view = ViewOf(pid, mount_namespace);
  if (view == nullptr || !IsBelow(path, view->root)) return std::nullopt;
  const auto key = std::make_pair(view, path);
  const auto known = found_.find(key);
  if (known != found_.end()) return known->second;
  std::string_view inside = WithoutDeletedMark(path);
  if (view->root != "/") inside.remove_prefix(std::min(view->root.size(), inside.size()));
  const MountLine* mount = CoveringMount(view->mounts, inside);
  std::optional<DeviceNumber> device;
  if (mount != nullptr && IsLocal(*mount)) {
    const std::string root = mount_namespace == own_ ? std::string() : ProcPath(pid, "root");
    device = DeviceAt(root + std::string(inside));
  }
  return found_.emplace(key, device).first->second;
}

}  // namespace kmod
