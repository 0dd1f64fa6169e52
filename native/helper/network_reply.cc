#include "network_reply.h"

#include <functional>

namespace kmod {
namespace {

void Put(const NetLink& link, Reply* reply) {
  reply->Put(std::to_string(link.index));
  reply->Put(link.name);
  reply->Put(link.up);
  reply->Put(link.kind);
  reply->Put(std::to_string(link.master));
  reply->Put(std::to_string(link.lower));
  reply->Put(link.bus);
  reply->Put(link.device);
}

void Put(int index, Reply* reply) {
  reply->Put(std::to_string(index));
}

void Put(const NetAddress& address, Reply* reply) {
  reply->Put(std::to_string(address.index));
  reply->Put(address.address);
}

void Put(const NetFile& file, Reply* reply) {
  reply->Put(file.path);
  reply->Put(file.text);
}

void Put(const TrafficControl& item, Reply* reply) {
  reply->Put(std::to_string(item.index));
  reply->Put(item.filter);
  reply->Put(item.kind);
  reply->Put(std::to_string(item.handle));
  reply->Put(std::to_string(item.parent));
}

void Put(const NftTables::value_type& entry, Reply* reply) {
  const auto& [key, table] = entry;
  reply->Put(std::to_string(key.first));
  reply->Put(key.second);
  reply->Put(std::to_string(table.chains));
  reply->Put(std::to_string(table.rules));
  reply->Put(std::to_string(table.parts.size()));
  for (const auto& [part, count] : table.parts) {
    reply->Put(part.first);
    reply->Put(part.second);
    reply->Put(std::to_string(count));
  }
}

// One kind of things of all namespaces: how many, and each with its namespace.
template <typename Items>
void PutAll(const std::vector<LabelledNetwork>& networks, Reply* reply,
            const std::function<const Items&(const NetContents&)>& items_of) {
  size_t count = 0;
  for (const LabelledNetwork& network : networks) count += items_of(network.contents).size();
  reply->Put(std::to_string(count));
  for (const LabelledNetwork& network : networks) {
    for (const auto& item : items_of(network.contents)) {
      reply->Put(network.label);
      Put(item, reply);
    }
  }
}

}  // namespace

void PutNetworks(const std::vector<LabelledNetwork>& networks, Reply* reply) {
  PutAll<std::vector<NetLink>>(
      networks, reply, [](auto& one) -> auto& { return one.tables.links; });
  PutAll<std::vector<int>>(
      networks, reply, [](auto& one) -> auto& { return one.tables.default_routes; });
  PutAll<std::vector<NetAddress>>(
      networks, reply, [](auto& one) -> auto& { return one.tables.addresses; });
  PutAll<std::vector<NetFile>>(
      networks, reply, [](auto& one) -> auto& { return one.files; });
  PutAll<std::vector<TrafficControl>>(
      networks, reply, [](auto& one) -> auto& { return one.traffic_control; });
  PutAll<NftTables>(
      networks, reply, [](auto& one) -> auto& { return one.nf_tables; });
}

}  // namespace kmod
