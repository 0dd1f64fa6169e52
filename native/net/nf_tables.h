// The tables of nftables in a network namespace, and what is in them, by nfnetlink.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kmod {

// Something of a table that a module may provide, such as {"expression", "ct"}.
using NftPart = std::pair<std::string, std::string>;

struct NftTable {
  size_t chains = 0;
  size_t rules = 0;
  std::map<NftPart, size_t> parts;  // how often each is there
};

// By family (NFPROTO_...) and name.
using NftTables = std::map<std::pair<uint8_t, std::string>, NftTable>;

// nf_tables is in the kernel as a module. To ask a kernel without it would load it.
bool HasNfTables();

// `socket`: of NETLINK_NETFILTER. Adds to `unreadable` why there may be more.
NftTables ReadNfTables(int socket, std::set<std::string>* unreadable);

// One message each, without its header.
void AddNftTable(std::string_view message, NftTables* tables);
void AddNftChain(std::string_view message, NftTables* tables);
void AddNftRule(std::string_view message, NftTables* tables);
void AddNftObject(std::string_view message, NftTables* tables);
void AddNftFlowtable(std::string_view message, NftTables* tables);

}  // namespace kmod
