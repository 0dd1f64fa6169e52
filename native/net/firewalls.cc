#include "firewalls.h"

#include <linux/netlink.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <string>
#include <utility>

#include "module_loaded.h"
#include "netlink.h"

namespace kmod {
namespace {

constexpr const char* kXfrmProtocols[] = {"esp4", "esp6", "ah4", "ah6", "ipcomp", "ipcomp6"};

// Adds text such as "WHAT (ENOBUFS)"; for EPERM, the missing capability instead of the errno.
void AddIfFailed(const char* what, const Result<>& end, std::set<std::string>* unreadable) {
  if (end.ok()) return;
  const int error = end.failure().error;
  unreadable->insert(std::string(what) + " (" +
                     (error == EPERM ? "CAP_NET_ADMIN is missing" : ErrnoName(error)) + ")");
}

}  // namespace

FirewallReader FirewallReader::Open(const std::vector<NetFile>& files) {
  FirewallReader reader;
  if (IsModuleLoaded("nf_tables") || IsModuleLoaded("ip_set")) {
    reader.netfilter_ = OpenNetlink(NETLINK_NETFILTER);
  }
  if (IsModuleLoaded("xfrm_user")) reader.xfrm_ = OpenNetlink(NETLINK_XFRM);
  reader.x_tables_ = XTables::Find(files);
  return reader;
}

Firewalls FirewallReader::Read(bool rules, bool bridges) const {
  Firewalls all;
  if (!netfilter_.ok()) {
    AddIfFailed("nftables and ipset", netfilter_.failure(), &all.unreadable);
  } else if (*netfilter_) {
    if (IsModuleLoaded("nf_tables")) {
      NftTablesRead tables = ReadNfTables(netfilter_->get(), rules);
      all.nf_tables = std::move(tables.tables);
      AddIfFailed("the rules of nftables", tables.end, &all.unreadable);
    }
    if (IsModuleLoaded("ip_set")) {
      IpSetsRead sets = ReadIpSets(netfilter_->get());
      all.ip_sets = std::move(sets.sets);
      AddIfFailed("the sets of ipset", sets.end, &all.unreadable);
    }
  }

  XTablesRead tables = x_tables_.Read(bridges);
  all.x_tables = std::move(tables.tables);
  AddIfFailed("the rules of iptables", tables.end, &all.unreadable);

  const char* const ipsec = "the states and policies of IPsec";
  if (!xfrm_.ok()) {
    AddIfFailed(ipsec, xfrm_.failure(), &all.unreadable);
  } else if (*xfrm_) {
    Result<XfrmCounts> counts = ReadXfrmCounts(xfrm_->get(), rules);
    if (counts.ok()) {
      all.xfrm = *counts;
      AddIfFailed(ipsec, all.xfrm.end, &all.unreadable);
    } else {
      AddIfFailed(ipsec, counts.failure(), &all.unreadable);
    }
  } else if (std::any_of(std::begin(kXfrmProtocols), std::end(kXfrmProtocols), IsModuleLoaded)) {
    all.unreadable.insert(std::string(ipsec) + " (xfrm_user, which shows them, is not loaded)");
  }
  return all;
}

}  // namespace kmod
