#include "module_events.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <charconv>

#include "netlink.h"

namespace kmod {
namespace {

constexpr unsigned kKernelEvents = 1;  // the group of the kernel's own events; 2 is that of udev
// PROC_USER_INIT_INO in include/linux/proc_ns.h of the kernel.
constexpr ino_t kFirstUserNamespace = 0xEFFFFFFD;
// The kernel drops events that do not fit. This is a limit: memory is taken only for events that
// wait.
constexpr int kReceiveBytes = 16 * 1024 * 1024;

// Source: kobject_uevent_net_broadcast() in lib/kobject_uevent.c of the kernel.
Result<> CheckNamespace() {
  const char* const path = "/proc/thread-self/ns/net";
  const UniqueFd network(open(path, O_RDONLY | O_CLOEXEC));
  if (!network) return Ok();  // a kernel without network namespaces, or no /proc
  const UniqueFd owner(ioctl(network.get(), NS_GET_USERNS));
  // EPERM: the owner is a user namespace around that of this process, in most cases the first one.
  if (!owner) return Ok();
  struct stat status = {};
  if (fstat(owner.get(), &status) != 0 || status.st_ino == kFirstUserNamespace) return Ok();
  return SystemFailure(EOPNOTSUPP, "ioctl", path);
}

}  // namespace

Result<UniqueFd> OpenModuleEvents() {
  if (const Result<> checked = CheckNamespace(); !checked.ok()) return checked.failure();
  Result<UniqueFd> opened = OpenNetlinkEvents(NETLINK_KOBJECT_UEVENT, kKernelEvents);
  if (!opened.ok()) return opened;
  const int socket = opened->get();
  // The first needs CAP_NET_ADMIN, the second is limited by net.core.rmem_max.
  if (setsockopt(socket, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBytes, sizeof(kReceiveBytes)) != 0) {
    setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &kReceiveBytes, sizeof(kReceiveBytes));
  }
  return opened;
}

std::optional<ModuleEvent> ParseModuleEvent(std::string_view event) {
  constexpr std::string_view kFolder = "/module/";
  std::string_view action;
  std::string_view path;
  std::string_view subsystem;
  ModuleEvent parsed;
  bool first = true;
  while (!event.empty()) {
    const size_t end = event.find('\0');
    const std::string_view field = event.substr(0, end);
    event.remove_prefix(end == std::string_view::npos ? event.size() : end + 1);
    const size_t equals = field.find('=');
    if (std::exchange(first, false) || equals == std::string_view::npos) continue;
    const std::string_view key = field.substr(0, equals);
    const std::string_view value = field.substr(equals + 1);
    if (key == "ACTION") action = value;
    if (key == "DEVPATH") path = value;
    if (key == "SUBSYSTEM") subsystem = value;
    if (key == "SYNTH_UUID") return std::nullopt;
    if (key == "SEQNUM") {
      std::from_chars(value.data(), value.data() + value.size(), parsed.number);
    }
  }
  if (subsystem != "module" || path.substr(0, kFolder.size()) != kFolder) return std::nullopt;
  if (action != "add" && action != "remove") return std::nullopt;
  parsed.load = action == "add";
  parsed.module = path.substr(kFolder.size());
  if (parsed.module.empty() || parsed.module.find('/') != std::string::npos) return std::nullopt;
  return parsed;
}

}  // namespace kmod
