// Reads what filters and redirects the packets of a network namespace, and encrypts them. No
// question loads a module: what answers is asked only where it is in the kernel already.
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
  // To be called inside of the namespace, with its files of /proc/net.
  static FirewallReader Open(const std::vector<NetFile>& files);

  // Works outside of it, too. `rules`: also the rules of nftables. `bridges`: whether the namespace
  // has a bridge.
  Firewalls Read(bool rules, bool bridges) const;

 private:
  Result<UniqueFd> netfilter_ = UniqueFd();  // not open if nothing of it is in the kernel
  Result<UniqueFd> xfrm_ = UniqueFd();       // likewise
  XTables x_tables_;
};

}  // namespace kmod
