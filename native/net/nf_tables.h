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

// The tables, by family (NFPROTO_...) and name.
using NftTables = std::map<std::pair<uint8_t, std::string>, NftTable>;

struct NftTablesRead {
  NftTables tables;
  Result<> end;  // a failure if the list may be incomplete
};

// `socket`: a socket of NETLINK_NETFILTER. The request loads nf_tables if it is not loaded. Without
// `rules`, only the tables and their chains are read, which is fast even if there are many rules.
NftTablesRead ReadNfTables(int socket, bool rules);

// Each parses one message (without its header) and adds its content to `tables`.
void AddNftTable(std::string_view message, NftTables* tables);
void AddNftChain(std::string_view message, NftTables* tables);
void AddNftRule(std::string_view message, NftTables* tables);
void AddNftObject(std::string_view message, NftTables* tables);
void AddNftFlowtable(std::string_view message, NftTables* tables);

}  // namespace kmod
