#include "../helper/fields.h"

#include <doctest/doctest.h>

#include "../helper/change_messages.h"

namespace kmod {
namespace {

using Strings = std::vector<std::string>;

TEST_CASE("an answer has its fields in their order") {
  Reply reply("kind");
  reply.Put("text");
  reply.Put(true);
  reply.Put(42U);
  reply.Put(Strings{"a", "b"});
  reply.Put(std::optional<std::string>());
  reply.Put(std::optional<std::string>("x"));
  CHECK(reply.Take() == Strings{"kind", "text", "1", "42", "2", "a", "b", "0", "1", "x"});
  CHECK(Reply::Of(SystemFailure(EBUSY, "delete_module", "dummy")).Take() ==
        Strings{"failure", "system", "16", "EBUSY", "delete_module", "dummy"});
}

TEST_CASE("the fields of a request are read in their order") {
  const Strings strings = {"verb", "text", "1", "7", "2", "a",    "b",
                           "/lib", "1",    "0", "0", "1", "loop", "0"};
  Request request(strings);
  CHECK(request.verb() == "verb");
  CHECK(request.Text() == "text");
  CHECK(request.Flag());
  CHECK(request.Number() == 7);
  CHECK(request.List() == Strings{"a", "b"});
  const IndexSource source = request.Source();
  CHECK(source.directory == "/lib");
  CHECK(source.config == Strings());
  CHECK(source.load_lists.empty());
  CHECK(source.load_names == Strings{"loop"});
  CHECK_FALSE(source.kernel_command_line);
  CHECK(request.Check().ok());
}

TEST_CASE("a request that is too short, too long or malformed is a failure") {
  const auto check = [](const Strings& strings, void (*read)(Request*)) {
    Request request(strings);
    read(&request);
    return request.Check();
  };
  const auto text = [](Request* request) { request->Text(); };
  const auto flag = [](Request* request) { request->Flag(); };
  const auto number = [](Request* request) { request->Number(); };
  const auto list = [](Request* request) { request->List(); };
  CHECK_FALSE(check({}, text).ok());
  CHECK_FALSE(check({"verb"}, text).ok());
  CHECK_FALSE(check({"verb", "a", "b"}, text).ok());
  CHECK_FALSE(check({"verb", "yes"}, flag).ok());
  for (const char* count : {"", "x", "1x", "-1", "1", "99999999999999999999"}) {
    CAPTURE(count);
    CHECK_FALSE(check({"verb", count}, list).ok());
  }
  CHECK_FALSE(check({"verb", "1.5"}, number).ok());
  const Result<> failed = check({"verb"}, text);
  CHECK(failed.failure().error == EBADMSG);
  CHECK(failed.failure().detail.find("\"verb\"") != std::string::npos);
}

TEST_CASE("changes are read into their requests, and anything else is a failure") {
  const auto removal = ReadChangeRequest({1, {"remove", "dummy", "1"}});
  REQUIRE(removal.ok());
  CHECK(std::get<RemoveRequest>(*removal).name == "dummy");
  CHECK(std::get<RemoveRequest>(*removal).force);
  const auto insertion = ReadChangeRequest(
      {1, {"insert", "/lib", "0", "0", "0", "1", "dummy", "0", "dummy", "1", "numdummies=2"}});
  REQUIRE(insertion.ok());
  CHECK(std::get<InsertRequest>(*insertion).source.kernel_command_line);
  CHECK(std::get<InsertRequest>(*insertion).must_be_new);
  CHECK(std::get<InsertRequest>(*insertion).parameters == "numdummies=2");
  const auto run = ReadChangeRequest({1, {"run", "dummy", "true"}});
  REQUIRE(run.ok());
  CHECK(std::get<RunRequest>(*run).command == "true");
  for (const Strings& strings :
       {Strings(), Strings{"remove"}, Strings{"remove", "dummy"}, Strings{"remove", "dummy", "2"},
        Strings{"remove", "dummy", "1", "more"}, Strings{"unknown"}, Strings{"insert", "/lib"}}) {
    CHECK_FALSE(ReadChangeRequest({1, strings}).ok());
  }
}

TEST_CASE("a message without strings is no removal, and counts as a last answer") {
  CHECK_FALSE(IsRemoval({1, {}}));
  CHECK_FALSE(IsKill({1, {}}));
  CHECK(IsLastAnswer({1, {}}));
  CHECK(IsLastAnswer({1, {"done"}}));
  CHECK_FALSE(IsLastAnswer({1, {"attempt", "dummy", "0"}}));
}

}  // namespace
}  // namespace kmod
