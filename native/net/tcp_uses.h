// Reads which congestion control and which upper layer protocol the TCP sockets of a network
// namespace use, by NETLINK_SOCK_DIAG.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "../common/handles.h"
#include "../common/result.h"

namespace kmod {

struct TcpUses {
  std::map<std::string, size_t> congestion;  // how many sockets use each, such as `bbr`
  std::map<std::string, size_t> upper;       // such as `tls`
};

class TcpReader {
 public:
  // Must be called inside the namespace. Opens nothing if tcp_diag is not loaded, because a request
  // would load it.
  static TcpReader Open();

  // Can be called outside the namespace. Adds to `unreadable` what could not be read.
  TcpUses Read(std::set<std::string>* unreadable) const;

 private:
  Result<UniqueFd> socket_ = UniqueFd();
};

// Parses one message (without its header) and adds its socket to `uses`.
void AddTcpSocket(std::string_view message, TcpUses* uses);

}  // namespace kmod
