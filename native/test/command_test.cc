#include "../process/command.h"

#include <doctest/doctest.h>
#include <signal.h>

namespace kmod {
namespace {

CommandEnd Run(const std::string& command) {
  const Result<CommandEnd> ran = RunCommand("the_module", command);
  REQUIRE_FALSE(Failed(ran));
  return std::get<CommandEnd>(ran);
}

TEST_CASE("a command's exit status and both its streams are told") {
  const CommandEnd end = Run("echo $MODPROBE_MODULE; echo oops >&2; exit 3");
  CHECK(end.exit_code == 3);
  CHECK(end.signal == 0);
  CHECK(end.output == "the_module\noops\n");
  CHECK(Run("true").exit_code == 0);
  CHECK(Run("/nowhere/at/all").exit_code == 127);
}

TEST_CASE("a signal is no exit status") {
  const CommandEnd end = Run("echo before; kill -TERM $$");
  CHECK(end.signal == SIGTERM);
  CHECK(end.output == "before\n");
  // Signals are as a fresh process has them, whatever the caller ignores.
  const auto before = signal(SIGTERM, SIG_IGN);
  CHECK(Run("kill -TERM $$").signal == SIGTERM);
  signal(SIGTERM, before);
}

TEST_CASE("there is no input, and nobody waits for what is left in the background") {
  CHECK(Run("cat; echo end; (sleep 2; echo late) &").output == "end\n");
}

TEST_CASE("no more than the first 64 KiB are kept") {
  const CommandEnd end = Run("echo first; head -c 100000 /dev/zero");
  CHECK(end.output.size() == kCommandOutputLimit);
  CHECK(end.output.substr(0, 6) == "first\n");
}

}  // namespace
}  // namespace kmod
