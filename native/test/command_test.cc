#include "../process/command.h"

#include <doctest/doctest.h>
#include <signal.h>

#include <cerrno>
#include <cstdlib>

namespace kmod {
namespace {

CommandEnd Run(const std::string& command, const std::vector<std::string>& variables = {}) {
  const Result<CommandEnd> ran = RunCommand(command, variables);
  REQUIRE(ran.ok());
  return *ran;
}

TEST_CASE("the exit status and both output streams of a command are returned") {
  const CommandEnd end = Run("echo out; echo oops >&2; exit 3");
  CHECK(end.exit_code == 3);
  CHECK(end.signal == 0);
  CHECK(end.output == "out\noops\n");
  CHECK(Run("true").exit_code == 0);
  CHECK(Run("/nowhere/at/all").exit_code == 127);
}

TEST_CASE("a signal is not an exit status") {
  const CommandEnd end = Run("echo before; kill -TERM $$");
  CHECK(end.signal == SIGTERM);
  CHECK(end.output == "before\n");
  // Signals have their default effect, even if the caller ignores them.
  const auto before = signal(SIGTERM, SIG_IGN);
  CHECK(Run("kill -TERM $$").signal == SIGTERM);
  signal(SIGTERM, before);
}

TEST_CASE("variables are added to the environment, or replace those in it") {
  setenv("MODPROBE_MODULE", "another_module", 1);
  const char* const print = "echo $MODPROBE_MODULE $CMDLINE_OPTS ${PATH:+path}";
  CHECK(Run(print, {"MODPROBE_MODULE=the_module", "CMDLINE_OPTS=a=1 b=2"}).output ==
        "the_module a=1 b=2 path\n");
  CHECK(Run(print).output == "another_module path\n");
  unsetenv("MODPROBE_MODULE");
}

TEST_CASE("standard input is empty, and processes in the background are not waited for") {
  CHECK(Run("cat; echo end; (sleep 2; echo late) &").output == "end\n");
}

TEST_CASE("at most the first 64 KiB of the output are kept") {
  const CommandEnd end = Run("echo first; head -c 100000 /dev/zero");
  CHECK(end.output.size() == kCommandOutputLimit);
  CHECK(end.output.substr(0, 6) == "first\n");
}

TEST_CASE("a program gets its arguments as they are, and is found without the caller's PATH") {
  const std::string path = getenv("PATH");
  setenv("PATH", "/nowhere", 1);
  const Result<CommandEnd> ran = RunProgram({"printf", "%s|", "a b", "$(x)", ""});
  REQUIRE(ran.ok());
  CHECK(ran->output == "a b|$(x)||");
  CHECK(ran->exit_code == 0);
  const Result<CommandEnd> missing = RunProgram({"no-such-program"});
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.failure().error == ENOENT);
  setenv("PATH", path.c_str(), 1);
}

}  // namespace
}  // namespace kmod
