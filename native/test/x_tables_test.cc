#include "../net/x_tables.h"

// The headers of the C library come first: the kernel's headers then leave out what those define.
// clang-format off
#include <doctest/doctest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <linux/netfilter_bridge/ebtables.h>
// clang-format on

#include <cstring>

namespace kmod {
namespace {

TEST_CASE("rules of ebtables have matches and targets") {
  ebt_entries chain = {};
  chain.policy = EBT_DROP;
  const auto part = [](const char* name, const std::string& data) {
    ebt_entry_match head = {};
    memcpy(head.u.name, name, strlen(name));
    head.match_size = static_cast<unsigned>(data.size());
    return std::string(reinterpret_cast<const char*>(&head), sizeof(head)) + data;
  };
  const std::string parts = part("ip", "12345678") + part("standard", "12345678");
  ebt_entry rule = {};
  rule.bitmask = EBT_ENTRY_OR_ENTRIES;
  rule.next_offset = static_cast<unsigned>(sizeof(rule) + parts.size());
  const std::string entries = std::string(reinterpret_cast<const char*>(&chain), sizeof(chain)) +
                              std::string(reinterpret_cast<const char*>(&rule), sizeof(rule)) +
                              parts;
  XTable table;
  AddEbtablesEntries(entries, &table);
  CHECK(table.has_policy);
  CHECK(table.extensions == std::map<std::string, size_t>{{"ip", 1}});
  for (size_t length = 0; length < entries.size(); ++length) {
    // In a separate buffer, so that AddressSanitizer finds a read past its end.
    const std::string cut(entries, 0, length);
    XTable any;
    AddEbtablesEntries(cut, &any);
  }
}

}  // namespace
}  // namespace kmod
