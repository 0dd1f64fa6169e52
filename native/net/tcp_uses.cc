#include "tcp_uses.h"

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "module_loaded.h"
#include "netlink.h"

namespace kmod {
namespace {

constexpr size_t kSocketsLimit = 500'000;
constexpr uint32_t kAllStates = 0xffffffff;
// Modules that only sockets can be using, without a setting that names them.
constexpr const char* kProviders[] = {"tls", "smc"};

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
    for (const char* module : kProviders) {
      if (IsModuleLoaded(module)) {
        unreadable->insert(what + " (tcp_diag, which shows them, is not loaded)");
      }
    }
    return uses;
  }
  for (const uint8_t family : {AF_INET, AF_INET6}) {
    inet_diag_req_v2 body = {};
    body.sdiag_family = family;
    body.sdiag_protocol = IPPROTO_TCP;
    body.idiag_ext = 1 << (INET_DIAG_CONG - 1);
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
