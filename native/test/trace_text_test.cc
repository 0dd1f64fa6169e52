#include "../proc/trace_text.h"

#include <doctest/doctest.h>

namespace kmod {
namespace {

// Lines as Linux 6.1, 6.12 and 7.2 wrote them.
constexpr const char* kPlain =
    "            node-177     [000] .....     9.387787: module_get: tun call_site=misc_open "
    "refcnt=2\n";
constexpr const char* kWithModule =
    "            node-177     [003] .N.1.   109.407336: module_put: tun call_site=tun_chr_close "
    "[tun] refcnt=1\n";

ReferenceEvent Only(std::string_view text, const char* module = "tun") {
  const auto events = TraceText(module).Push(text);
  REQUIRE(events.size() == 1);
  return events[0];
}

TEST_CASE("gets and puts are parsed") {
  const ReferenceEvent get = Only(kPlain);
  CHECK(get.get);
  CHECK(get.thread == 177);
  CHECK(get.comm == "node");
  CHECK(get.caller == "misc_open");
  CHECK(get.count == 2);
  CHECK(get.microseconds == 9387787);
  const ReferenceEvent put = Only(kWithModule);
  CHECK_FALSE(put.get);
  CHECK(put.caller == "tun_chr_close");
  CHECK(put.count == 1);
  CHECK(put.microseconds == 109407336);
}

TEST_CASE("events are assembled from pieces that were cut anywhere") {
  const std::string text = std::string(kPlain) + kWithModule;
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    TraceText trace("tun");
    auto events = trace.Push(text.substr(0, cut));
    for (auto& event : trace.Push(text.substr(cut))) events.push_back(event);
    REQUIRE(events.size() == 2);
    CHECK(events[0].get);
    CHECK_FALSE(events[1].get);
  }
}

TEST_CASE("the name of a process can contain anything") {
  const std::string rest =
      "-177     [000] .....     9.387787: module_get: tun call_site=misc_open refcnt=2\n";
  CHECK(Only("  we: (ird)] x-3" + rest).comm == "we: (ird)] x-3");
  CHECK(Only("        -1 [002]" + rest).comm == "-1 [002]");
  CHECK(Only("  x-3     (    7)" + rest).comm == "x-3     (    7)");
  CHECK(Only("             a\nb" + rest).comm == "a\nb");
  CHECK(Only("               \n" + rest).comm == "\n");
  CHECK(Only(" : module_get: x" + rest).comm == ": module_get: x");
  CHECK(Only("                " + rest).comm == "");
  CHECK(Only(" \xff\xfe\n\n\n\n\n\n\n\n\n\n\n\n\n" + rest).comm ==
        "\xff\xfe\n\n\n\n\n\n\n\n\n\n\n\n\n");
  CHECK_FALSE(Only("           <...>" + rest).comm);
  for (const char* comm : {"  we: (ird)] x-3", "             a\nb", "        refcnt=1"}) {
    CHECK(Only(comm + rest).thread == 177);
    CHECK(Only(comm + rest).caller == "misc_open");
  }
}

TEST_CASE("columns that trace options of the whole machine add are accepted") {
  CHECK(Only("            node-177     (    170) [000] .....     9.387787: module_get: tun "
             "call_site=f refcnt=2\n")
            .thread == 177);
  CHECK(Only("            node-177     (-------) [000] .....     9.387787: module_get: tun "
             "call_site=f+0x1a/0x30 [tun] refcnt=2\n")
            .caller == "f");
}

TEST_CASE("lines that are not events are skipped and do not damage the events beside them") {
  const std::string noise =
      "CPU:1 [LOST 5 EVENTS]\n"
      "##### CPU 2 buffer started ####\n"
      "\n"
      " => misc_open\n"
      "            node-177     [000] .....     9.387787: module_get: tun call_site=mi\n"
      "            node-177     [000] .....     9.387787: module_get: tun call_site= refcnt=2\n"
      "            node-177     [000] .....     9.387787: module_get: tun call_site=f refcnt=x\n"
      "            node-x     [000] .....     9.387787: module_get: tun call_site=f refcnt=1\n"
      "            node177     [000] .....     9.387787: module_get: tun call_site=f refcnt=1\n"
      "            node-177     [000] .....     9.3877: module_get: tun call_site=f refcnt=1\n"
      "            node-177     000 .....     9.387787: module_get: tun call_site=f refcnt=1\n"
      "            node-177     [000] .....     9.387787: module_get: tunnel call_site=f refcnt=1\n"
      "            node-99999999999 [000] ..... 9.387787: module_get: tun call_site=f refcnt=1\n"
      ": module_get: tun call_site=f refcnt=1\n";
  CHECK(Only(noise + kPlain).comm == "node");
  CHECK(Only(noise + kPlain + noise).comm == "node");
  CHECK(TraceText("tun").Push(noise).empty());
  CHECK(Only(std::string(1000000, 'x') + "\n" + kPlain).comm == "node");
}

}  // namespace
}  // namespace kmod
