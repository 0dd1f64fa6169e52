#include "../proc/device_mapper.h"

#include <doctest/doctest.h>
#include <linux/dm-ioctl.h>

#include <cstring>

namespace kmod {
namespace {

// The kernel aligns each item to 8 bytes.
std::string Padded(std::string bytes) {
  bytes.resize((bytes.size() + 7) & ~size_t{7});
  return bytes;
}

std::string Target(const char* type, const std::string& status, size_t at) {
  dm_target_spec target = {};
  strncpy(target.target_type, type, sizeof(target.target_type) - 1);
  std::string bytes = Padded(std::string(sizeof(target), '\0') + status + '\0');
  target.next = static_cast<uint32_t>(at + bytes.size());
  memcpy(bytes.data(), &target, sizeof(target));
  return bytes;
}

TEST_CASE("the targets of a table have a type and a status") {
  std::string data = Target("linear", "", 0);
  data += Target("mirror", "2 7:1 7:1 128/128 1 AA 1 core", data.size());
  const auto segments = ParseMapperSegments(data, 2);
  REQUIRE(segments.size() == 2);
  CHECK(segments[0].type == "linear");
  CHECK(segments[0].status.empty());
  CHECK(segments[1].type == "mirror");
  CHECK(segments[1].status == "2 7:1 7:1 128/128 1 AA 1 core");
  CHECK(ParseMapperSegments(data, 0).empty());
  for (size_t length = 0; length < data.size(); ++length) {
    const std::string cut(data, 0, length);
    CHECK(ParseMapperSegments(cut, 2).size() <= 2);
    CHECK(ParseMapperNames(cut).size() <= length);
  }
}

TEST_CASE("a target that points back to itself ends the list") {
  dm_target_spec target = {};
  const std::string data(reinterpret_cast<const char*>(&target), sizeof(target));
  CHECK(ParseMapperSegments(data, 1000).size() == 1);
}

TEST_CASE("devices have a number and a name; an empty list has one item without a device") {
  CHECK(ParseMapperNames(std::string(sizeof(dm_name_list), '\0')).empty());
  dm_name_list item = {};
  item.dev = 0xfe01;
  std::string bytes(reinterpret_cast<const char*>(&item), offsetof(dm_name_list, name));
  bytes += std::string("vg-home\0", 8);
  const auto names = ParseMapperNames(Padded(bytes));
  REQUIRE(names.size() == 1);
  CHECK(names[0].device == 0xfe01);
  CHECK(names[0].name == "vg-home");
}

}  // namespace
}  // namespace kmod
