#include "../net/change_watch.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace kmod {
namespace {

TEST_CASE("events about modules are recognized") {
  using namespace std::string_view_literals;
  CHECK(IsAboutModule("add@/module/x\0ACTION=add\0SUBSYSTEM=module\0SEQNUM=1\0"sv));
  CHECK(IsAboutModule("remove@/module/x\0SUBSYSTEM=module"sv));
  CHECK_FALSE(IsAboutModule("add@/x\0SUBSYSTEM=modules\0NAME=SUBSYSTEM=module\0"sv));
  CHECK_FALSE(IsAboutModule("\0\0"sv));
  CHECK_FALSE(IsAboutModule(""sv));
}

TEST_CASE("a wait ends when the other end of the socket closes") {
  const auto opened = ChangeWatch::Open();
  REQUIRE(opened.ok());
  int pair[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  const UniqueFd ours(pair[0]);
  close(pair[1]);
  // Other processes may cause change events at the same time.
  auto event = opened->Await(ours.get());
  while (event.ok() && *event == ChangeWatch::Event::kChange) event = opened->Await(ours.get());
  REQUIRE(event.ok());
  CHECK(*event == ChangeWatch::Event::kSocketReadable);
}

}  // namespace
}  // namespace kmod
