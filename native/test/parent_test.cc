#include "../process/parent.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "../proc/text_file.h"

namespace kmod {
namespace {

TEST_CASE("the effective user and the effective capabilities are read from a status file") {
  const auto parsed = ParsePrivileges(
      "Name:\tnode\nUid:\t0\t1000\t7\t8\nGid:\t1\t2\t3\t4\nCapPrm:\t0000000000000001\n"
      "CapEff:\t000001ffffffffff\nCapBnd:\t0000000000000003\n");
  REQUIRE(parsed.has_value());
  CHECK(parsed->user == 1000);
  CHECK(parsed->capabilities == 0x1ffffffffff);
  const auto own = ReadTextFile("/proc/self/status", 1 << 20);
  REQUIRE(own.ok());
  CHECK(ParsePrivileges(*own)->user == geteuid());
}

TEST_CASE("a file without these lines has no privileges") {
  CHECK_FALSE(ParsePrivileges("").has_value());
  CHECK_FALSE(ParsePrivileges("Uid:\t0\nCapEff:\t0\n").has_value());
  CHECK_FALSE(ParsePrivileges("Uid:\t0\t0\t0\t0\nCapEff:\tz\n").has_value());
  CHECK_FALSE(ParsePrivileges("Uid:\t0\t0\t0\t0").has_value());
}

TEST_CASE("a process that has dropped its user or a capability may not use the helper") {
  const Privileges helper = {0, 0x10000};
  CHECK(MayUse({0, 0x10000}, helper));
  CHECK(MayUse({0, 0x1ffff}, helper));
  CHECK_FALSE(MayUse({0, 0x0ffff}, helper));
  CHECK_FALSE(MayUse({65534, 0x1ffff}, helper));
  CHECK(MayUse({1000, 0}, {1000, 0}));
}

struct Pipe {
  Pipe() { REQUIRE(pipe(ends) == 0); }
  ~Pipe() {
    for (const int end : ends) close(end);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int ends[2] = {};
};

// Stands for a helper: waits for a file that does not answer until the test writes to it.
class Waiting {
 public:
  // Returns when the process waits.
  void Start() {
    pid_ = fork();
    if (pid_ == 0) Run();
    char byte = 0;
    REQUIRE(read(ready_.ends[0], &byte, 1) == 1);
  }

  void EndParent() {
    close(parent_.ends[1]);
    parent_.ends[1] = -1;
  }

  void Answer() const { REQUIRE(write(file_.ends[1], "x", 1) == 1); }

  // The status of waitpid().
  int WaitForEnd() const {
    int status = 0;
    REQUIRE(waitpid(pid_, &status, 0) == pid_);
    return status;
  }

 private:
  [[noreturn]] void Run() {
    EndParent();  // only the copy of this process
    char byte = 'x';
    const bool waits = EndWithParent(parent_.ends[0]) && write(ready_.ends[1], &byte, 1) == 1;
    _exit(waits && read(file_.ends[0], &byte, 1) == 1 ? 0 : 1);
  }

  Pipe parent_;
  Pipe file_;
  Pipe ready_;
  pid_t pid_ = -1;
};

TEST_CASE("a process that waits for a file is killed when the one that started it ends") {
  Waiting process;
  process.Start();
  process.EndParent();
  const int status = process.WaitForEnd();
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGKILL);
}

TEST_CASE("a process is not killed when the thread that started it ends") {
  Waiting process;
  std::thread([&] { process.Start(); }).join();
  process.Answer();
  const int status = process.WaitForEnd();
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a process whose parent has ended before is told so") {
  Pipe pipe;
  close(pipe.ends[1]);
  pipe.ends[1] = -1;
  CHECK_FALSE(EndWithParent(pipe.ends[0]));
}

}  // namespace
}  // namespace kmod
