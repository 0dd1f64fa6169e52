// Reads the tables of iptables, ip6tables, arptables and ebtables in a network namespace. (Those of
// nftables, which the newer iptables commands write to, are in nf_tables.h.)
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "../common/handles.h"
#include "../common/result.h"
#include "net_files.h"

namespace kmod {

struct XTable {
  std::string family;       // `ip`, `ip6`, `arp` or `bridge`
  std::string name;         // such as `filter`
  size_t rules = 0;         // without the policies of the chains
  bool has_policy = false;  // the policy of a chain is not ACCEPT
  size_t chains = 0;        // those that a user created
  // How often the rules use each match and each target, by name, such as `conntrack`.
  std::map<std::string, size_t> extensions;
};

struct XTablesRead {
  std::vector<XTable> tables;
  Result<> end;  // a failure if the list may be incomplete
};

// The tables that exist in a namespace, and the sockets through which they are read.
class XTables {
 public:
  // Must be called inside the namespace. `files`: its files of /proc/net, which list the tables. A
  // request for any other table would make the kernel create it and load its module.
  static XTables Find(const std::vector<NetFile>& files);

  // `bridges`: whether the namespace has a bridge. ebtables does not list its tables, and a request
  // for a table creates it if its module is loaded. Without a bridge these tables have no effect,
  // so they are not requested.
  XTablesRead Read(bool bridges) const;

 private:
  struct Family;
  struct Found {
    const Family* family;
    std::vector<std::string> names;
    Result<UniqueFd> socket;
  };
  static const Family kFamilies[];

  std::vector<Found> found_;
};

// Where an entry of a table has the fields that are read. Such an entry is an ipt_entry, an
// ip6t_entry or an arpt_entry.
struct EntryLayout {
  size_t size;
  size_t target_offset;  // of the field that says where the target begins, an uint16_t
};

// Whether the policy that is at `offset` in the entries of a table is ACCEPT, or not in the
// entries.
bool IsAcceptPolicy(std::string_view entries, size_t offset, const EntryLayout& layout);

// Adds what the entries of a table of ebtables contain: policies, matches, targets.
void AddEbtablesEntries(std::string_view entries, XTable* table);

}  // namespace kmod
