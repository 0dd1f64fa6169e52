#include "nf_tables.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <cstddef>
#include <optional>

#include "netlink.h"

namespace kmod {
namespace {

// Enough for the rules of tens of thousands of services.
constexpr size_t kMessagesLimit = 200'000;

// Older headers lack flowtables. Source: include/uapi/linux/netfilter/nf_tables.h.
constexpr uint16_t kNewFlowtable = 22;
constexpr uint16_t kGetFlowtable = 23;
constexpr uint16_t kFlowtableTable = 1;
// NFTA_MATCH_NAME and NFTA_TARGET_NAME. Source: include/uapi/linux/netfilter/nf_tables_compat.h.
constexpr uint16_t kExtensionName = 1;

constexpr uint16_t Type(uint16_t message) {
  return static_cast<uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | message);
}

// The table that a message belongs to; the number `name` of the attribute depends on the message.
NftTable* TableOf(std::string_view message, uint16_t name, NftTables* tables) {
  if (message.size() < sizeof(nfgenmsg)) return nullptr;
  std::optional<std::string> table;
  ForEachAttribute(message.substr(sizeof(nfgenmsg)), [&](uint16_t type, std::string_view payload) {
    if (type == name) table = AttributeText(payload);
  });
  if (!table) return nullptr;
  return &(*tables)[{Load<nfgenmsg>(message).nfgen_family, *table}];
}

void VisitAttributes(std::string_view message, const AttributeVisitor& visit) {
  ForEachAttribute(message.substr(sizeof(nfgenmsg)), visit);
}

// The name of an iptables extension, from the data of the expression that wraps it.
std::string ExtensionName(std::string_view data) {
  std::string name;
  ForEachAttribute(data, [&name](uint16_t type, std::string_view payload) {
    if (type == kExtensionName) name = AttributeText(payload);
  });
  return name;
}

void AddExpression(std::string_view expression, NftTable* table) {
  std::string name;
  std::string_view data;
  ForEachAttribute(expression, [&](uint16_t type, std::string_view payload) {
    if (type == NFTA_EXPR_NAME) name = AttributeText(payload);
    if (type == NFTA_EXPR_DATA) data = payload;
  });
  if (name.empty()) return;
  ++table->parts[{"expression", name}];
  if (name == "match" || name == "target") ++table->parts[{"extension", ExtensionName(data)}];
}

}  // namespace

void AddNftTable(std::string_view message, NftTables* tables) {
  TableOf(message, NFTA_TABLE_NAME, tables);
}

// Only a chain with a hook has a type.
void AddNftChain(std::string_view message, NftTables* tables) {
  NftTable* table = TableOf(message, NFTA_CHAIN_TABLE, tables);
  if (table == nullptr) return;
  ++table->chains;
  VisitAttributes(message, [table](uint16_t type, std::string_view payload) {
    if (type == NFTA_CHAIN_TYPE) ++table->parts[{"chain", AttributeText(payload)}];
  });
}

void AddNftRule(std::string_view message, NftTables* tables) {
  NftTable* table = TableOf(message, NFTA_RULE_TABLE, tables);
  if (table == nullptr) return;
  ++table->rules;
  VisitAttributes(message, [table](uint16_t type, std::string_view payload) {
    if (type != NFTA_RULE_EXPRESSIONS) return;
    ForEachAttribute(payload, [table](uint16_t element, std::string_view expression) {
      if (element == NFTA_LIST_ELEM) AddExpression(expression, table);
    });
  });
}

void AddNftObject(std::string_view message, NftTables* tables) {
  NftTable* table = TableOf(message, NFTA_OBJ_TABLE, tables);
  if (table == nullptr) return;
  VisitAttributes(message, [table](uint16_t type, std::string_view payload) {
    if (type == NFTA_OBJ_TYPE) ++table->parts[{"object", std::to_string(LoadBigEndian(payload))}];
  });
}

void AddNftFlowtable(std::string_view message, NftTables* tables) {
  NftTable* table = TableOf(message, kFlowtableTable, tables);
  if (table != nullptr) ++table->parts[{"flowtable", ""}];
}

NftTablesRead ReadNfTables(int socket, bool rules) {
  struct Question {
    void (*add)(std::string_view, NftTables*);
    uint16_t ask, answer;
    bool of_rules;
    bool may_fail;  // older kernels do not have it
  };
  constexpr Question kQuestions[] = {
      {AddNftTable, NFT_MSG_GETTABLE, NFT_MSG_NEWTABLE, false, false},
      {AddNftChain, NFT_MSG_GETCHAIN, NFT_MSG_NEWCHAIN, false, false},
      {AddNftRule, NFT_MSG_GETRULE, NFT_MSG_NEWRULE, true, false},
      {AddNftObject, NFT_MSG_GETOBJ, NFT_MSG_NEWOBJ, true, true},
      {AddNftFlowtable, kGetFlowtable, kNewFlowtable, true, true},
  };
  NftTablesRead all;
  for (const Question& question : kQuestions) {
    if (question.of_rules && !rules) continue;
    nfgenmsg body = {};
    body.nfgen_family = AF_UNSPEC;
    const auto found = DumpWhole<NftTables>(socket, DumpRequest(Type(question.ask), body),
                                            Type(question.answer), question.add, kMessagesLimit);
    for (const auto& [key, table] : found.table) {
      NftTable& whole = all.tables[key];
      whole.chains += table.chains;
      whole.rules += table.rules;
      for (const auto& [part, count] : table.parts) whole.parts[part] += count;
    }
    if (found.end.ok() || (question.may_fail && found.end.failure().error != E2BIG)) continue;
    all.end = found.end;
    break;
  }
  return all;
}

}  // namespace kmod
