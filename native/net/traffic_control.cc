#include "traffic_control.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <set>
#include <tuple>
#include <utility>

#include "netlink.h"

namespace kmod {
namespace {

// Source: net/sched/sch_generic.c, sch_mq.c, sch_fifo.c.
constexpr std::array<std::string_view, 6> kBuiltIn = {"noop", "noqueue", "pfifo_fast",
                                                      "mq",   "bfifo",   "pfifo"};
// The disciplines that can have filters on each of their classes. Source: the functions tcf_block
// of net/sched/sch_*.c that use the class.
constexpr std::array<std::string_view, 4> kWithClasses = {"htb", "hfsc", "cbq", "atm"};
// The most requests for filters: the filters of each parent need a request of their own.
constexpr size_t kQuestions = 4'000;
constexpr size_t kMessagesLimit = 50'000;

using Items = std::vector<TrafficControl>;

TrafficControl Parse(std::string_view message) {
  TrafficControl item;
  const auto body = Load<tcmsg>(message);
  if (message.size() < sizeof(body)) return item;
  item.index = body.tcm_ifindex;
  item.handle = body.tcm_handle;
  item.parent = body.tcm_parent;
  // In a message about a shared block, the parent is the number of the block.
  if (static_cast<uint32_t>(body.tcm_ifindex) == TCM_IFINDEX_MAGIC_BLOCK) {
    item.index = 0;
    std::swap(item.block, item.parent);
  }
  item.priority = static_cast<uint16_t>(body.tcm_info >> 16);
  item.protocol = ntohs(static_cast<uint16_t>(body.tcm_info));
  ForEachAttribute(message.substr(sizeof(body)), [&item](uint16_t type, std::string_view payload) {
    if (type == TCA_KIND) item.kind = AttributeText(payload);
    if (type == TCA_CHAIN) item.chain = Load<uint32_t>(payload);
  });
  return item;
}

template <std::optional<TrafficControl> (*parse)(std::string_view)>
void Add(std::string_view message, Items* items) {
  if (std::optional<TrafficControl> item = parse(message)) items->push_back(std::move(*item));
}

using Places = std::set<std::pair<int, uint32_t>>;  // an interface, and a discipline or class

// Adds the classes of the disciplines that can have filters on each class.
Result<> AddClasses(int socket, const Items& qdiscs, Places* places) {
  std::set<int> interfaces;
  std::set<std::pair<int, uint32_t>> majors;
  for (const TrafficControl& qdisc : qdiscs) {
    if (std::find(kWithClasses.begin(), kWithClasses.end(), qdisc.kind) == kWithClasses.end()) {
      continue;
    }
    interfaces.insert(qdisc.index);
    majors.emplace(qdisc.index, TC_H_MAJ(qdisc.handle));
  }
  for (const int index : interfaces) {
    tcmsg body = {};
    body.tcm_ifindex = index;
    const auto classes = DumpWhole<std::vector<uint32_t>>(
        socket, DumpRequest(RTM_GETTCLASS, body), RTM_NEWTCLASS,
        [](std::string_view message, std::vector<uint32_t>* numbers) {
          if (const auto number = ParseClass(message)) numbers->push_back(*number);
        },
        kMessagesLimit);
    for (const uint32_t number : classes.table) {
      if (majors.count({index, TC_H_MAJ(number)}) > 0) places->emplace(index, number);
    }
    if (!classes.end.ok() && classes.end.failure().error == E2BIG) return classes.end;
  }
  return Ok();
}

// The kinds of actions whose module is loaded: `act_` is in front of each.
std::vector<std::string> LoadedActionKinds() {
  std::vector<std::string> kinds;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/sys/module"), closedir);
  if (folder == nullptr) return kinds;
  constexpr std::string_view kPrefix = "act_";
  while (const dirent* entry = readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    if (name.substr(0, kPrefix.size()) == kPrefix) kinds.emplace_back(name.substr(kPrefix.size()));
  }
  return kinds;
}

// The kernel does not load the module of a kind that it does not know. Source: tc_dump_action() in
// net/sched/act_api.c.
Result<> ReadActions(int socket, std::map<std::string, size_t>* actions) {
  for (const std::string& kind : LoadedActionKinds()) {
    const std::string request = DumpRequest(
        RTM_GETACTION, tcamsg{},
        BytesAttribute(TCA_ACT_TAB, BytesAttribute(1, BytesAttribute(TCA_ACT_KIND, kind + '\0'))));
    size_t count = 0;
    Result<> end = Dump(
        socket, request, RTM_GETACTION,
        [&count](std::string_view message) { count += CountActions(message); }, kMessagesLimit);
    if (count > 0) (*actions)[kind] = count;
    if (!end.ok()) return end;
  }
  return Ok();
}

// The parents that filters of a discipline can have: clsact has two.
std::vector<uint32_t> FilterPlaces(const TrafficControl& qdisc) {
  if (qdisc.handle == 0) return {};
  if (qdisc.kind != "clsact") return {qdisc.handle};
  return {TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS), TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)};
}

}  // namespace

std::optional<TrafficControl> ParseQdisc(std::string_view message) {
  TrafficControl item = Parse(message);
  for (const std::string_view kind : kBuiltIn) {
    if (item.kind == kind) return std::nullopt;
  }
  if (item.kind.empty()) return std::nullopt;
  item.priority = 0;  // tcm_info has another meaning here
  item.protocol = 0;
  return item;
}

std::optional<uint32_t> ParseClass(std::string_view message) {
  if (message.size() < sizeof(tcmsg)) return std::nullopt;
  return Load<tcmsg>(message).tcm_handle;
}

size_t CountActions(std::string_view message) {
  size_t count = 0;
  if (message.size() < sizeof(tcamsg)) return count;
  ForEachAttribute(message.substr(sizeof(tcamsg)),
                   [&count](uint16_t type, std::string_view actions) {
                     if (type != TCA_ACT_TAB) return;
                     ForEachAttribute(actions, [&count](uint16_t, std::string_view) { ++count; });
                   });
  return count;
}

// For each filter there is one message without a handle; those with one are about its elements.
// Source: tcf_chain_dump() in net/sched/cls_api.c.
std::optional<TrafficControl> ParseFilter(std::string_view message) {
  TrafficControl item = Parse(message);
  if (item.kind.empty() || item.handle != 0) return std::nullopt;
  item.filter = true;
  return item;
}

TrafficControlRead ReadTrafficControl(int socket) {
  TrafficControlRead all;
  auto qdiscs = DumpWhole<Items>(socket, DumpRequest(RTM_GETQDISC, tcmsg{}), RTM_NEWQDISC,
                                 Add<ParseQdisc>, kMessagesLimit);
  all.items = std::move(qdiscs.table);
  if (!qdiscs.end.ok()) {
    // A kernel without CONFIG_NET_SCHED has none.
    if (!IsUnsupported(qdiscs.end.failure())) all.end = qdiscs.end;
    return all;
  }
  Places places;
  for (const TrafficControl& qdisc : all.items) {
    for (const uint32_t place : FilterPlaces(qdisc)) places.emplace(qdisc.index, place);
  }
  all.end = AddClasses(socket, all.items, &places);
  std::set<std::tuple<uint32_t, uint32_t, uint16_t, uint16_t>> in_blocks;
  size_t asked = 0;
  for (const auto& [index, place] : places) {
    if (++asked > kQuestions) {
      all.end = SystemFailure(E2BIG, "send", "RTM_GETTFILTER");
      break;
    }
    tcmsg body = {};
    body.tcm_ifindex = index;
    body.tcm_parent = place;
    auto filters = DumpWhole<Items>(socket, DumpRequest(RTM_GETTFILTER, body), RTM_NEWTFILTER,
                                    Add<ParseFilter>, kMessagesLimit);
    for (TrafficControl& filter : filters.table) {
      const auto& [block, chain] = std::tie(filter.block, filter.chain);
      // A filter of a shared block is in the answer for each interface that shares it.
      const bool is_new =
          block == 0 || in_blocks.emplace(block, chain, filter.priority, filter.protocol).second;
      if (is_new) all.items.push_back(std::move(filter));
    }
    if (filters.end.ok()) continue;
    // Other failures mean that this discipline was just removed, or cannot have filters.
    if (filters.end.failure().error != E2BIG) continue;
    all.end = filters.end;
    return all;
  }
  const Result<> end = ReadActions(socket, &all.actions);
  if (all.end.ok()) all.end = end;
  return all;
}

}  // namespace kmod
