#include "traffic_control.h"

#include <linux/pkt_sched.h>

#include <array>
#include <cerrno>
#include <set>
#include <utility>

#include "netlink.h"

namespace kmod {
namespace {

// Source: net/sched/sch_generic.c, sch_mq.c, sch_fifo.c.
constexpr std::array<std::string_view, 6> kBuiltIn = {"noop", "noqueue", "pfifo_fast",
                                                      "mq",   "bfifo",   "pfifo"};
// The most requests for filters: the filters of each parent need a request of their own.
constexpr size_t kQuestions = 500;
constexpr size_t kMessagesLimit = 50'000;

using Items = std::vector<TrafficControl>;

TrafficControl Parse(std::string_view message) {
  TrafficControl item;
  const auto body = Load<tcmsg>(message);
  if (message.size() < sizeof(body)) return item;
  item.index = body.tcm_ifindex;
  item.handle = body.tcm_handle;
  item.parent = body.tcm_parent;
  ForEachAttribute(message.substr(sizeof(body)), [&item](uint16_t type, std::string_view payload) {
    if (type == TCA_KIND) item.kind = AttributeText(payload);
  });
  return item;
}

template <std::optional<TrafficControl> (*parse)(std::string_view)>
void Add(std::string_view message, Items* items) {
  if (std::optional<TrafficControl> item = parse(message)) items->push_back(std::move(*item));
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
  return item;
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
  std::set<std::pair<int, uint32_t>> places;
  for (const TrafficControl& qdisc : all.items) {
    for (const uint32_t place : FilterPlaces(qdisc)) places.emplace(qdisc.index, place);
  }
  size_t asked = 0;
  for (const auto& [index, place] : places) {
    if (++asked > kQuestions) {
      all.end = SystemFailure(E2BIG, "send", "RTM_GETTFILTER");
      break;
    }
    tcmsg body = {};
    body.tcm_ifindex = index;
    body.tcm_parent = place;
    const auto filters = DumpWhole<Items>(socket, DumpRequest(RTM_GETTFILTER, body), RTM_NEWTFILTER,
                                          Add<ParseFilter>, kMessagesLimit);
    all.items.insert(all.items.end(), filters.table.begin(), filters.table.end());
    if (filters.end.ok()) continue;
    // Other failures mean that this discipline was just removed, or cannot have filters.
    if (filters.end.failure().error != E2BIG) continue;
    all.end = filters.end;
    break;
  }
  return all;
}

}  // namespace kmod
