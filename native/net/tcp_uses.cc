#include "tcp_uses.h"

#include <dirent.h>
#include <linux/capability.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "module_loaded.h"
#include "netlink.h"

namespace kmod {
namespace {

constexpr size_t kSocketsLimit = 500'000;
constexpr uint32_t kAllStates = 0xffffffff;
// The modules with an upper layer protocol of TCP.
bool HasUpperLayer() {
  return IsModuleLoaded("tls") || IsModuleLoaded("smc");
}

// The modules that TCP sockets can be using without a setting that names them, if any is loaded: an
// upper layer protocol, or a congestion control (whose module is called tcp_NAME).
bool HasProvider() {
  if (HasUpperLayer()) return true;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/sys/module"), closedir);
  if (folder == nullptr) return false;
  while (const dirent* entry = readdir(folder.get())) {
    const std::string name = entry->d_name;
    if (name.rfind("tcp_", 0) != 0 || name == "tcp_diag") continue;
    // A congestion control that is compiled in has a folder without this file.
    if (access(("/sys/module/" + name + "/initstate").c_str(), F_OK) == 0) return true;
  }
  return false;
}

// The kernel shows the upper layer protocol of a socket only to processes with CAP_NET_ADMIN.
bool HasNetAdmin() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  if (syscall(SYS_capget, &header, data) != 0) return false;
  return (data[0].effective & (1U << CAP_NET_ADMIN)) != 0;
}

}  // namespace

TcpReader TcpReader::Open() {
  TcpReader reader;
  if (IsModuleLoaded("tcp_diag")) reader.socket_ = OpenNetlink(NETLINK_SOCK_DIAG);
  return reader;
}

void AddTcpSocket(std::string_view message, TcpUses* uses) {
  if (message.size() < sizeof(inet_diag_msg)) return;
  ForEachAttribute(message.substr(sizeof(inet_diag_msg)),
                   [uses](uint16_t type, std::string_view payload) {
                     if (type == INET_DIAG_CONG) ++uses->congestion[AttributeText(payload)];
                     if (type != INET_DIAG_ULP_INFO) return;
                     ForEachAttribute(payload, [uses](uint16_t detail, std::string_view name) {
                       if (detail == INET_ULP_INFO_NAME) ++uses->upper[AttributeText(name)];
                     });
                   });
}

TcpUses TcpReader::Read(std::set<std::string>* unreadable) const {
  TcpUses uses;
  const std::string what = "the congestion control and upper layer protocol of TCP sockets";
  if (!socket_.ok()) {
    unreadable->insert(what + " (" + ErrnoName(socket_.failure().error) + ")");
    return uses;
  }
  if (!*socket_) {
    if (HasProvider()) unreadable->insert(what + " (tcp_diag, which shows them, is not loaded)");
    return uses;
  }
  if (HasUpperLayer() && !HasNetAdmin()) {
    unreadable->insert("the upper layer protocol of TCP sockets (CAP_NET_ADMIN is missing)");
  }
  for (const uint8_t family : {AF_INET, AF_INET6}) {
    inet_diag_req_v2 body = {};
    body.sdiag_family = family;
    body.sdiag_protocol = IPPROTO_TCP;
    body.idiag_ext = 1 << (INET_DIAG_CONG - 1);
    // The upper layer protocol comes only with these figures, for which the kernel locks each
    // socket. Source: inet_sk_diag_fill() in net/ipv4/inet_diag.c, tcp_get_info() in
    // net/ipv4/tcp.c.
    if (HasUpperLayer()) body.idiag_ext |= 1 << (INET_DIAG_INFO - 1);
    body.idiag_states = kAllStates;
    auto found = DumpWhole<TcpUses>(socket_->get(), DumpRequest(SOCK_DIAG_BY_FAMILY, body),
                                    SOCK_DIAG_BY_FAMILY, AddTcpSocket, kSocketsLimit);
    for (const auto& [name, count] : found.table.congestion) uses.congestion[name] += count;
    for (const auto& [name, count] : found.table.upper) uses.upper[name] += count;
    // ENOENT: this kernel has no IPv6.
    if (found.end.ok() || found.end.failure().error == ENOENT) continue;
    unreadable->insert(what + " (" + ErrnoName(found.end.failure().error) + ")");
    break;
  }
  return uses;
}

}  // namespace kmod
