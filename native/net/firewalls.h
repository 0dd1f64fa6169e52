// Reads the firewall rules, address translations and IPsec settings of a network namespace. No
// request loads a module: the kernel is asked only about subsystems that are already loaded.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "../common/handles.h"
#include "../common/result.h"
#include "ip_sets.h"
#include "net_files.h"
#include "nf_tables.h"
#include "x_tables.h"
#include "xfrm.h"

namespace kmod {

struct Firewalls {
  NftTables nf_tables;
  std::vector<XTable> x_tables;
  std::vector<IpSet> ip_sets;
  XfrmCounts xfrm;
  std::set<std::string> unreadable;
};

class FirewallReader {
 public:
  // Must be called inside the namespace. `files`: the namespace's files of /proc/net.
  static FirewallReader Open(const std::vector<NetFile>& files);

  // Can be called outside the namespace. `rules`: whether to read the rules of nftables and the
  // states of IPsec, too.
  // `bridges`: whether the namespace has a bridge.
  Firewalls Read(bool rules, bool bridges) const;

 private:
  Result<UniqueFd> netfilter_ = UniqueFd();  // not open if neither nf_tables nor ip_set is loaded
  Result<UniqueFd> xfrm_ = UniqueFd();       // not open if xfrm_user is not loaded
  XTables x_tables_;
};

}  // namespace kmod
