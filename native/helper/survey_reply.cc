#include "survey_reply.h"

#include <array>
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace kmod {
namespace {

// One function for each kind of record; the comment names its other end in lib/live/helper/.

// readMountTable
void PutFields(const MountTable& table, Reply* reply) {
  reply->Put(table.pid);
  reply->Put(table.own);
  reply->Put(table.first);
  reply->Put(table.text);
}

// readHolder
void PutFields(const Holder& holder, Reply* reply) {
  reply->Put(holder.pid);
  reply->Put(holder.comm);
  reply->Put(holder.self);
  reply->Put(holder.ancestor);
  reply->Put(holder.cgroups);
}

// RawOpenDevice['type']
const char* NameOf(FileKind kind) {
  switch (kind) {
    case FileKind::kChar:
      return "char";
    case FileKind::kBlock:
      return "block";
    case FileKind::kKvm:
      return "kvm";
    case FileKind::kProc:
      return "proc";
    case FileKind::kDebug:
      return "debugfs";
    case FileKind::kDetached:
      return "detached";
  }
  return "";
}

// readMapping, readSegment
void PutFields(const MapperDevice& device, Reply* reply) {
  reply->Put(device.number);
  reply->Put(device.name);
  reply->Put(device.segments.size());
  for (const MapperSegment& segment : device.segments) {
    reply->Put(segment.type);
    reply->Put(segment.status);
  }
}

// readOpenDevice
void PutFields(const OpenDevice& open, Reply* reply) {
  PutFields(open.holder, reply);
  reply->Put(open.file.path);
  reply->Put(open.file.fd.has_value());
  if (open.file.fd) reply->Put(*open.file.fd);
  reply->Put(NameOf(open.file.kind));
  const auto& [major, minor] = open.file.device;
  reply->Put(std::to_string(major) + ":" + std::to_string(minor));
  reply->Put(open.file.shared);
}

// readOpenSockets
void PutFields(const OpenSockets& open, Reply* reply) {
  PutFields(open.holder, reply);
  reply->Put(open.protocol);
  reply->Put(open.count);
  reply->Put(open.inodes);
}

// readLink, readCarrier
void PutFields(const NetLink& link, Reply* reply) {
  reply->Put(link.index);
  reply->Put(link.name);
  reply->Put(link.up);
  reply->Put(link.kind);
  reply->Put(link.master);
  reply->Put(link.lower);
  reply->Put(link.bus);
  reply->Put(link.device);
  reply->Put(link.carriers.size());
  for (const Carrier& carrier : link.carriers) {
    reply->Put(carrier.own);
    reply->Put(carrier.index);
  }
}

// readRoute: the index of the interface
void PutFields(int route, Reply* reply) {
  reply->Put(route);
}

// readAddress
void PutFields(const NetAddress& address, Reply* reply) {
  reply->Put(address.index);
  reply->Put(address.address);
}

// readNetFile
void PutFields(const NetFile& file, Reply* reply) {
  reply->Put(file.path);
  reply->Put(file.text);
}

// readTrafficControl
void PutFields(const TrafficControl& item, Reply* reply) {
  reply->Put(item.index);
  reply->Put(item.filter);
  reply->Put(item.kind);
  reply->Put(item.handle);
  reply->Put(item.parent);
  reply->Put(item.block);
  reply->Put(item.chain);
  reply->Put(item.priority);
  reply->Put(item.protocol);
}

// readCounts: names, each with a number
void PutFields(const std::map<std::string, size_t>& counts, Reply* reply) {
  reply->Put(counts.size());
  for (const auto& [name, count] : counts) {
    reply->Put(name);
    reply->Put(count);
  }
}

// readTcpUses
void PutFields(const TcpUses& uses, Reply* reply) {
  PutFields(uses.congestion, reply);
  PutFields(uses.upper, reply);
}

// readNfTable, readPart
void PutFields(const NftTables::value_type& entry, Reply* reply) {
  const auto& [key, table] = entry;
  reply->Put(key.first);
  reply->Put(key.second);
  reply->Put(table.chains);
  reply->Put(table.rules);
  reply->Put(table.parts.size());
  for (const auto& [part, count] : table.parts) {
    reply->Put(part.first);
    reply->Put(part.second);
    reply->Put(count);
  }
}

// readXTable
void PutFields(const XTable& table, Reply* reply) {
  reply->Put(table.family);
  reply->Put(table.name);
  reply->Put(table.rules);
  reply->Put(table.has_policy);
  reply->Put(table.chains);
  PutFields(table.extensions, reply);
}

// readIpSet
void PutFields(const IpSet& set, Reply* reply) {
  reply->Put(set.name);
  reply->Put(set.type);
  reply->Put(set.references);
}

// readXfrm
void PutFields(const XfrmCounts& counts, Reply* reply) {
  reply->Put(counts.states);
  reply->Put(counts.policies);
  reply->Put(counts.protocols.size());
  for (const auto& [protocol, count] : counts.protocols) {
    reply->Put(protocol.first);
    reply->Put(protocol.second);
    reply->Put(count);
  }
}

template <typename Records>
void PutRecords(const Records& records, Reply* reply) {
  reply->Put(records.size());
  for (const auto& record : records) PutFields(record, reply);
}

// The records of one kind in all network namespaces, each with the label of its namespace before
// it.
template <typename Select>
void PutRecordsOf(const std::vector<NamespaceContents>& networks, Select select, Reply* reply) {
  size_t count = 0;
  for (const NamespaceContents& network : networks) count += select(network.contents).size();
  reply->Put(count);
  for (const NamespaceContents& network : networks) {
    for (const auto& record : select(network.contents)) {
      reply->Put(network.label);
      PutFields(record, reply);
    }
  }
}

}  // namespace

Reply SurveyReply(const SystemSurvey& survey) {
  using Contents = const NetContents&;
  const std::vector<NamespaceContents>& networks = survey.networks;
  Reply reply = Reply::Done();
  PutRecords(survey.mount_tables, &reply);
  PutRecords(survey.mappings, &reply);
  PutRecordsOf(
      networks, [](Contents one) -> auto& { return one.tables.links; }, &reply);
  PutRecordsOf(
      networks, [](Contents one) -> auto& { return one.tables.default_routes; }, &reply);
  PutRecordsOf(
      networks, [](Contents one) -> auto& { return one.tables.addresses; }, &reply);
  PutRecordsOf(
      networks, [](Contents one) -> auto& { return one.files; }, &reply);
  PutRecordsOf(
      networks, [](Contents one) -> auto& { return one.traffic_control; }, &reply);
  PutRecordsOf(
      networks, [](Contents one) { return std::array{one.actions}; }, &reply);
  PutRecordsOf(
      networks, [](Contents one) { return std::array{one.tcp}; }, &reply);
  PutRecordsOf(
      networks, [](Contents one) -> auto& { return one.firewalls.nf_tables; }, &reply);
  PutRecordsOf(
      networks, [](Contents one) -> auto& { return one.firewalls.x_tables; }, &reply);
  PutRecordsOf(
      networks, [](Contents one) -> auto& { return one.firewalls.ip_sets; }, &reply);
  PutRecordsOf(
      networks, [](Contents one) { return std::array{one.firewalls.xfrm}; }, &reply);
  PutRecords(survey.open_devices, &reply);
  PutRecords(survey.open_sockets, &reply);
  reply.Put(survey.own_cgroups);
  reply.Put(survey.all_processes_read);
  reply.Put(survey.unreadable);
  return reply;
}

}  // namespace kmod
