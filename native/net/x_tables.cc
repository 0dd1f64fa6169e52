#include "x_tables.h"

// The headers of the C library come first: the kernel's headers then leave out what those define.
// clang-format off
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter_arp/arp_tables.h>
#include <linux/netfilter_bridge/ebtables.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
// clang-format on

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <optional>
#include <utility>

#include "module_loaded.h"

namespace kmod {
namespace {

// A rule takes some 200 bytes. If the kernel reports more than this, the rules are not read.
constexpr size_t kEntriesLimit = 64 * 1024 * 1024;
// The verdict ACCEPT as a standard target holds it. Source: xt_standard_target in x_tables.h.
constexpr int kAccept = -NF_ACCEPT - 1;

struct Options {
  int level, get_info, get_entries;
};

// The name of a match or target, which follows its size. Source: xt_entry_match in x_tables.h.
std::string ExtensionName(std::string_view extension) {
  xt_entry_match head = {};
  if (extension.size() < sizeof(head)) return {};
  memcpy(&head, extension.data(), sizeof(head));
  return {head.u.user.name, strnlen(head.u.user.name, sizeof(head.u.user.name))};
}

// Adds the matches and targets of rules. The standard target has an empty name; the target ERROR
// begins a chain that a user created, and marks the end of the table.
template <typename Entry>
void AddExtensions(std::string_view entries, XTable* table) {
  size_t errors = 0;
  while (entries.size() >= sizeof(Entry)) {
    Entry entry;
    memcpy(&entry, entries.data(), sizeof(entry));
    if (entry.next_offset < sizeof(entry) || entry.next_offset > entries.size()) break;
    const std::string_view rule = entries.substr(0, entry.next_offset);
    const size_t target = std::min<size_t>(entry.target_offset, rule.size());
    // Rules of arptables have no matches: there the target follows the entry at once.
    for (size_t at = sizeof(entry); at + sizeof(xt_entry_match) <= target;) {
      uint16_t size;
      memcpy(&size, rule.data() + at, sizeof(size));
      const std::string name = ExtensionName(rule.substr(at));
      if (size < sizeof(xt_entry_match) || name.empty()) break;
      ++table->extensions[name];
      at += size;
    }
    const std::string name = ExtensionName(rule.substr(target));
    if (name == XT_ERROR_TARGET) {
      ++errors;
    } else if (!name.empty()) {
      ++table->extensions[name];
    }
    entries.remove_prefix(entry.next_offset);
  }
  table->chains = errors > 0 ? errors - 1 : 0;
}

// ipt_getinfo, ip6t_getinfo and arpt_getinfo differ in the number of hooks only.
template <typename Info, typename Entries, typename Entry>
Result<XTable> ReadTable(int socket, const Options& options, const char* family,
                         const std::string& name) {
  XTable table;
  table.family = family;
  table.name = name;
  Info info = {};
  memcpy(info.name, name.data(), std::min(name.size(), sizeof(info.name) - 1));
  socklen_t length = sizeof(info);
  if (getsockopt(socket, options.level, options.get_info, &info, &length) != 0) {
    return SystemFailure(errno, "getsockopt", name);
  }
  unsigned hooks = 0;
  for (unsigned hook = 0; hook < std::size(info.underflow); ++hook) {
    hooks += (info.valid_hooks >> hook) & 1;
  }
  // Each chain of a hook ends with its policy, and the table with an entry that marks the end.
  table.rules = info.num_entries > hooks + 1 ? info.num_entries - hooks - 1 : 0;
  if (info.size > kEntriesLimit) return SystemFailure(E2BIG, "getsockopt", name);

  std::string bytes(sizeof(Entries) + info.size, '\0');
  Entries head = {};
  memcpy(head.name, info.name, sizeof(head.name));
  head.size = info.size;
  memcpy(bytes.data(), &head, sizeof(head));
  length = static_cast<socklen_t>(bytes.size());
  if (getsockopt(socket, options.level, options.get_entries, bytes.data(), &length) != 0) {
    return SystemFailure(errno, "getsockopt", name);
  }
  const std::string_view entries = std::string_view(bytes).substr(sizeof(Entries));
  constexpr EntryLayout layout = {sizeof(Entry), offsetof(Entry, target_offset)};
  for (unsigned hook = 0; hook < std::size(info.underflow); ++hook) {
    if (((info.valid_hooks >> hook) & 1) == 0) continue;
    if (!IsAcceptPolicy(entries, info.underflow[hook], layout)) table.has_policy = true;
  }
  AddExtensions<Entry>(entries, &table);
  return table;
}

Result<XTable> ReadEbtable(int socket, const std::string& name) {
  XTable table;
  table.family = "bridge";
  table.name = name;
  ebt_replace info = {};
  memcpy(info.name, name.data(), std::min(name.size(), sizeof(info.name) - 1));
  socklen_t length = sizeof(info);
  if (getsockopt(socket, IPPROTO_IP, EBT_SO_GET_INFO, &info, &length) != 0) {
    return SystemFailure(errno, "getsockopt", name);
  }
  table.rules = info.nentries;
  if (info.entries_size > kEntriesLimit) return SystemFailure(E2BIG, "getsockopt", name);
  std::string entries(info.entries_size, '\0');
  info.entries = entries.data();
  info.num_counters = 0;
  length = static_cast<socklen_t>(sizeof(info) + entries.size());
  if (getsockopt(socket, IPPROTO_IP, EBT_SO_GET_ENTRIES, &info, &length) != 0) {
    return SystemFailure(errno, "getsockopt", name);
  }
  AddEbtablesEntries(entries, &table);
  return table;
}

void Add(Result<XTable> table, XTablesRead* all) {
  if (table.ok()) {
    all->tables.push_back(*std::move(table));
  } else if (table.failure().error != ENOENT) {
    // ENOENT: the table was removed since it was listed.
    all->end = table.failure();
  }
}

// Any socket of the family can be used; this one needs no capability.
Result<UniqueFd> OpenSocket(int domain) {
  UniqueFd socket(::socket(domain, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return SystemFailure(errno, "socket", "iptables");
  return socket;
}

// The names that a file of /proc/net lists. The file does not exist if the family has no tables.
std::vector<std::string> ListTables(const std::vector<NetFile>& files, const std::string& path) {
  std::vector<std::string> names;
  for (const NetFile& file : files) {
    if (file.path != path) continue;
    const std::string& text = file.text;
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = std::min(text.find('\n', begin), text.size());
      if (end > begin) names.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  return names;
}

// The tables of ebtables whose modules are loaded. /proc/net does not list them, and a request for
// another table would load its module.
std::vector<std::string> LoadedEbtables() {
  std::vector<std::string> names;
  for (const char* name : {"filter", "nat", "broute"}) {
    if (IsModuleLoaded(std::string("ebtable_") + name)) names.emplace_back(name);
  }
  return names;
}

}  // namespace

struct XTables::Family {
  const char* name;
  const char* list;  // nullptr: ebtables
  int domain;
  Result<XTable> (*read)(int socket, const std::string& name);
};

const XTables::Family XTables::kFamilies[] = {
    {"ip", "/proc/net/ip_tables_names", AF_INET,
     [](int socket, const std::string& name) {
       return ReadTable<ipt_getinfo, ipt_get_entries, ipt_entry>(
           socket, {IPPROTO_IP, IPT_SO_GET_INFO, IPT_SO_GET_ENTRIES}, "ip", name);
     }},
    {"ip6", "/proc/net/ip6_tables_names", AF_INET6,
     [](int socket, const std::string& name) {
       return ReadTable<ip6t_getinfo, ip6t_get_entries, ip6t_entry>(
           socket, {IPPROTO_IPV6, IP6T_SO_GET_INFO, IP6T_SO_GET_ENTRIES}, "ip6", name);
     }},
    {"arp", "/proc/net/arp_tables_names", AF_INET,
     [](int socket, const std::string& name) {
       return ReadTable<arpt_getinfo, arpt_get_entries, arpt_entry>(
           socket, {IPPROTO_IP, ARPT_SO_GET_INFO, ARPT_SO_GET_ENTRIES}, "arp", name);
     }},
    {"bridge", nullptr, AF_INET, ReadEbtable},
};

bool IsAcceptPolicy(std::string_view entries, size_t offset, const EntryLayout& layout) {
  if (offset > entries.size() || entries.size() - offset < layout.size) return true;
  uint16_t target_offset;
  memcpy(&target_offset, entries.data() + offset + layout.target_offset, sizeof(target_offset));
  xt_standard_target target;
  const size_t at = offset + target_offset;
  if (at > entries.size() || entries.size() - at < sizeof(target)) return true;
  memcpy(&target, entries.data() + at, sizeof(target));
  return target.verdict == kAccept;
}

// `entries` contains a header for each chain, followed by the rules of that chain. Source:
// ebt_entries and ebt_entry in include/uapi/linux/netfilter_bridge/ebtables.h.
void AddEbtablesEntries(std::string_view entries, XTable* table) {
  while (entries.size() >= sizeof(unsigned)) {
    unsigned distinguisher;
    memcpy(&distinguisher, entries.data(), sizeof(distinguisher));
    size_t length = sizeof(ebt_entries);
    if ((distinguisher & EBT_ENTRY_OR_ENTRIES) == 0) {
      ebt_entries chain;
      if (entries.size() < sizeof(chain)) return;
      memcpy(&chain, entries.data(), sizeof(chain));
      if (chain.policy != EBT_ACCEPT && chain.policy != EBT_RETURN) table->has_policy = true;
      // The policy RETURN is that of a chain which a user created.
      if (chain.policy == EBT_RETURN) ++table->chains;
    } else {
      ebt_entry rule;
      if (entries.size() < sizeof(rule)) return;
      memcpy(&rule, entries.data(), sizeof(rule));
      if (rule.next_offset < sizeof(rule)) return;
      length = rule.next_offset;
      // Matches, watchers and the target follow each other, each with the size of its data.
      std::string_view rest = entries.substr(0, std::min(entries.size(), length));
      rest.remove_prefix(std::min(rest.size(), sizeof(rule)));
      while (rest.size() >= sizeof(ebt_entry_match)) {
        ebt_entry_match part;
        memcpy(static_cast<void*>(&part), rest.data(), sizeof(part));
        const std::string name(part.u.name, strnlen(part.u.name, sizeof(part.u.name)));
        if (name != EBT_STANDARD_TARGET && !name.empty()) ++table->extensions[name];
        rest.remove_prefix(std::min(rest.size(), sizeof(part) + part.match_size));
      }
    }
    entries.remove_prefix(std::min(entries.size(), length));
  }
}

XTables XTables::Find(const std::vector<NetFile>& files) {
  XTables all;
  for (const Family& family : kFamilies) {
    std::vector<std::string> names =
        family.list == nullptr ? LoadedEbtables() : ListTables(files, family.list);
    if (names.empty()) continue;
    all.found_.push_back({&family, std::move(names), OpenSocket(family.domain)});
  }
  return all;
}

XTablesRead XTables::Read(bool bridges) const {
  XTablesRead all;
  for (const Found& found : found_) {
    if (found.family->list == nullptr && !bridges) continue;
    if (!found.socket.ok()) {
      all.end = found.socket.failure();
      continue;
    }
    for (const std::string& name : found.names) {
      Add(found.family->read(found.socket->get(), name), &all);
    }
  }
  return all;
}

}  // namespace kmod
