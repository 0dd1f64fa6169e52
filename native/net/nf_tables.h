// Reads the tables of nftables in a network namespace, and what they contain, by nfnetlink.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../common/result.h"

namespace kmod {

// A part of a table that a module may provide, such as {"expression", "ct"}.
using NftPart = std::pair<std::string, std::string>;

struct NftTable {
  size_t chains = 0;
  size_t rules = 0;
  std::map<NftPart, size_t> parts;  // how often the table has each
};

// By family (NFPROTO_...) and name.
using NftTables = std::map<std::pair<uint8_t, std::string>, NftTable>;

struct NftTablesRead {
  NftTables tables;
  Result<> end;  // a failure if there may be more
};

// `socket`: of NETLINK_NETFILTER. The question loads nf_tables if it is not in the kernel. Without
// `rules`, only the tables and their chains are read, which is quick whatever is in them.
NftTablesRead ReadNfTables(int socket, bool rules);

// Each adds one message without its header.
void AddNftTable(std::string_view message, NftTables* tables);
void AddNftChain(std::string_view message, NftTables* tables);
void AddNftRule(std::string_view message, NftTables* tables);
void AddNftObject(std::string_view message, NftTables* tables);
void AddNftFlowtable(std::string_view message, NftTables* tables);

}  // namespace kmod
