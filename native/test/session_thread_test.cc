#include "../libkmod/session_thread.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "temporary_folder.h"

namespace kmod {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kLong{60'000};

std::shared_ptr<SessionThread> StartIn(const TemporaryFolder& folder,
                                       const std::shared_ptr<SessionThreads>& threads) {
  Result<std::shared_ptr<SessionThread>> started =
      SessionThread::Start({folder.path(), std::vector<std::string>()}, threads);
  REQUIRE(started.ok());
  return *std::move(started);
}

TEST_CASE("tasks are carried out in their order, with an open session") {
  const TemporaryFolder folder;
  const auto threads = std::make_shared<SessionThreads>();
  const std::shared_ptr<SessionThread> thread = StartIn(folder, threads);
  std::promise<std::vector<int>> done;
  std::vector<int> order;
  for (int i = 0; i < 100; ++i) {
    CHECK(thread->Post([&, i](const SessionThread::OpenedSession& session) {
      if (session.ok()) order.push_back(i);
      if (i == 99) done.set_value(order);
    }));
  }
  const std::vector<int> ran = done.get_future().get();
  REQUIRE(ran.size() == 100);
  CHECK(std::is_sorted(ran.begin(), ran.end()));
  threads->CloseAndWait(kLong);
}

TEST_CASE("a closed thread drops what waits, and takes no more") {
  const TemporaryFolder folder;
  const auto threads = std::make_shared<SessionThreads>();
  const std::shared_ptr<SessionThread> thread = StartIn(folder, threads);
  std::promise<void> begun;
  std::promise<void> may_end;
  thread->Post([&](const SessionThread::OpenedSession&) {
    begun.set_value();
    may_end.get_future().wait();
  });
  auto dropped = std::make_shared<int>();
  thread->Post([dropped](const SessionThread::OpenedSession&) {});
  begun.get_future().wait();
  thread->Close();
  CHECK(dropped.use_count() == 1);
  CHECK_FALSE(thread->Post([](const SessionThread::OpenedSession&) {}));
  // The thread still works on its task: this must not wait for it.
  threads->CloseAndWait(milliseconds(0));
  may_end.set_value();
  threads->CloseAndWait(kLong);
}

TEST_CASE("a thread ends when its last owner is gone") {
  const TemporaryFolder folder;
  const auto threads = std::make_shared<SessionThreads>();
  for (int i = 0; i < 20; ++i) StartIn(folder, threads);
  // Each thread shares the ownership until it ends.
  const auto deadline = std::chrono::steady_clock::now() + kLong;
  while (threads.use_count() > 1 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(milliseconds(1));
  }
  CHECK(threads.use_count() == 1);
}

}  // namespace
}  // namespace kmod
