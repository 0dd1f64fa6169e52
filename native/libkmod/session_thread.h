// A session on a thread of its own, which carries out its tasks one after the other.
//
// A task can hang in the kernel for ever (a file on a dead NFS mount), so nothing joins the thread:
// it is detached, and shares the ownership of all that it uses. SessionThreads knows which threads
// run.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "../common/result.h"
#include "session.h"

namespace kmod {

class TaskQueue;

// The threads of one owner, a JavaScript environment. The threads share the ownership of this
// object.
class SessionThreads {
 public:
  // Closes all queues, and waits until the threads have ended, but not longer than `limit`.
  void CloseAndWait(std::chrono::milliseconds limit);

 private:
  friend class SessionThread;
  void Add(const std::shared_ptr<TaskQueue>& queue);
  void Remove(const TaskQueue* queue);

  std::mutex mutex_;
  std::condition_variable removed_;
  std::unordered_map<const TaskQueue*, std::weak_ptr<TaskQueue>> running_;
};

struct SessionSource {
  std::string directory;
  std::optional<std::vector<std::string>> config;  // nullopt: libkmod's own list
};

// All methods can be called on any thread.
class SessionThread {
 public:
  // A failure if the session could not be opened.
  using OpenedSession = Result<std::unique_ptr<Session>>;
  using Task = std::function<void(const OpenedSession&)>;

  // Opens the session on the new thread, as its first task.
  static Result<std::shared_ptr<SessionThread>> Start(
      SessionSource source, const std::shared_ptr<SessionThreads>& threads);
  ~SessionThread();
  SessionThread(const SessionThread&) = delete;
  SessionThread& operator=(const SessionThread&) = delete;

  // Returns false if it is closed.
  bool Post(Task task);
  // Drops the tasks that have not begun. The thread ends after the one that it works on.
  void Close();

 private:
  explicit SessionThread(std::shared_ptr<TaskQueue> queue) : queue_(std::move(queue)) {}
  static void Run(const SessionSource& source, const std::shared_ptr<TaskQueue>& queue);

  std::shared_ptr<TaskQueue> queue_;
};

}  // namespace kmod
