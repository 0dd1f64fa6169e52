// Asks the kernel for its tables by netlink, and parses netlink messages. Each length field is
// checked before it is used.
#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "../common/handles.h"
#include "../common/result.h"

namespace kmod {

// A socket stays in the network namespace in which it was opened. (The kernel loads the module of a
// `protocol` that it does not have.)
Result<UniqueFd> OpenNetlink(int protocol);

// A non-blocking socket that receives the events of these multicast groups (a bit for each).
Result<UniqueFd> OpenNetlinkEvents(int protocol, unsigned groups);

// Whether a request failed because this kernel does not support it.
bool IsUnsupported(const Failure& failure);

// Copies a structure from the front of `bytes`. If there are too few bytes, the rest of the
// structure is zero.
template <typename T>
T Load(std::string_view bytes) {
  T value = {};
  memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof(value)));
  return value;
}

// A message or an attribute: a header, and a payload whose length follows from the header.
template <typename Header>
struct NetlinkItem {
  Header header;
  std::string_view payload;
};

// Removes an item of `length` bytes (with its header) from the front of `bytes` and returns it;
// nullopt if `bytes` does not contain the whole item.
template <typename Header>
std::optional<NetlinkItem<Header>> TakeItem(std::string_view* bytes, size_t length) {
  constexpr size_t kHeader = (sizeof(Header) + 3) & ~size_t{3};
  if (length < kHeader || length > bytes->size()) return std::nullopt;
  const NetlinkItem<Header> item = {Load<Header>(*bytes), bytes->substr(kHeader, length - kHeader)};
  bytes->remove_prefix(std::min(bytes->size(), (length + 3) & ~size_t{3}));
  return item;
}

using AttributeVisitor = std::function<void(uint16_t type, std::string_view payload)>;
void ForEachAttribute(std::string_view bytes, const AttributeVisitor& visit);

// The text up to the first NUL.
std::string AttributeText(std::string_view payload);

// A number in network byte order.
uint32_t LoadBigEndian(std::string_view payload);

template <typename Body>
std::string Request(uint16_t type, uint16_t flags, const Body& body,
                    std::string_view attributes = {}) {
  nlmsghdr header = {};
  header.nlmsg_len = static_cast<uint32_t>(NLMSG_SPACE(sizeof(body)) + attributes.size());
  header.nlmsg_type = type;
  header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
  std::string bytes(NLMSG_SPACE(sizeof(body)), '\0');  // attributes begin aligned
  memcpy(bytes.data(), &header, sizeof(header));
  memcpy(bytes.data() + NLMSG_HDRLEN, &body, sizeof(body));
  return bytes.append(attributes);
}

// Asks for a whole table.
template <typename Body>
std::string DumpRequest(uint16_t type, const Body& body, std::string_view attributes = {}) {
  return Request(type, NLM_F_DUMP, body, attributes);
}

// Encodes an attribute of a request.
inline std::string BytesAttribute(uint16_t type, std::string_view value) {
  const rtattr header = {static_cast<unsigned short>(RTA_LENGTH(value.size())), type};
  std::string bytes(RTA_SPACE(value.size()), '\0');
  memcpy(bytes.data(), &header, sizeof(header));
  memcpy(bytes.data() + sizeof(header), value.data(), value.size());
  return bytes;
}
template <typename T>
std::string Attribute(uint16_t type, const T& value) {
  return BytesAttribute(type, {reinterpret_cast<const char*>(&value), sizeof(value)});
}

// The most messages of an answer, unless a caller sets a lower limit. The owner of a namespace can
// fill its tables; a router can have a million routes.
constexpr size_t kDumpLimit = 2'000'000;

using MessageVisitor = std::function<void(std::string_view message)>;

// Sends a request and passes each message of type `wanted` in the answer to `visit`. A request that
// is not a dump needs NLM_F_ACK, so that its answer has an end mark. Fails with EINTR if the table
// changed during the dump, and with E2BIG if there are more messages than `limit` or too many
// bytes; after E2BIG the socket cannot be used any more.
Result<> Dump(int socket, std::string request, uint16_t wanted, const MessageVisitor& visit,
              size_t limit = kDumpLimit);

// Receives the answer to the request with this sequence number. Messages that are not from the
// kernel, or answer another request, are ignored; after very many of them it fails with EBADMSG.
Result<> ReceiveAnswer(int socket, uint32_t sequence, uint16_t wanted, const MessageVisitor& visit,
                       size_t limit = kDumpLimit);

template <typename Table>
struct DumpedTable {
  Table table;
  Result<> end;  // how the dump ended; `table` has what arrived before a failure
};

// Builds a table by calling `add` for each message, and starts again if the kernel's table changed
// during the dump. If it changed during each of five dumps, the result of the last one is returned.
template <typename Table>
DumpedTable<Table> DumpWhole(int socket, const std::string& request, uint16_t wanted,
                             const std::function<void(std::string_view, Table*)>& add,
                             size_t limit = kDumpLimit) {
  constexpr int kTries = 5;
  for (int tried = 1;; ++tried) {
    DumpedTable<Table> dumped;
    dumped.end = Dump(
        socket, request, wanted, [&](std::string_view message) { add(message, &dumped.table); },
        limit);
    if (dumped.end.ok() || dumped.end.failure().error != EINTR) return dumped;
    if (tried == kTries) return {std::move(dumped.table), Ok()};
  }
}

}  // namespace kmod
