#include "session_thread.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <deque>
#include <system_error>
#include <thread>
#include <utility>

namespace kmod {

class TaskQueue {
 public:
  bool Push(SessionThread::Task task) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (closed_) return false;
      tasks_.push_back(std::move(task));
    }
    changed_.notify_one();
    return true;
  }

  // Waits for the next task; nullopt: closed.
  std::optional<SessionThread::Task> Next() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return closed_ || !tasks_.empty(); });
    if (closed_) return std::nullopt;
    SessionThread::Task task = std::move(tasks_.front());
    tasks_.pop_front();
    return task;
  }

  void Close() {
    std::deque<SessionThread::Task> dropped;  // destroyed without the lock
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      closed_ = true;
      dropped.swap(tasks_);
    }
    changed_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<SessionThread::Task> tasks_;
  bool closed_ = false;
};

namespace {

// close_range(2), which older kernel headers do not name. It has this number on all architectures.
constexpr long kCloseRange = 436;
constexpr unsigned kCloseRangeUnshare = 1U << 1;

// Gives the calling thread a table of file descriptors of its own, with /dev/null as 0 to 2 and
// nothing else in it. Kernels before 5.9, and sandboxes without close_range(2), refuse it.
void TakeOwnFileDescriptors() {
  constexpr unsigned kFirstOther = STDERR_FILENO + 1;
  if (syscall(kCloseRange, kFirstOther, ~0U, kCloseRangeUnshare) != 0) return;
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return;
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) dup2(null, fd);
  close(null);
}

// libkmod writes warnings about the configuration to file descriptor 2, because no log function can
// be set before it reads it. So a thread that has its own file descriptor 2 opens the session. A
// session keeps no file open. Where that is refused, the warnings appear on standard error.
SessionThread::OpenedSession OpenQuietly(const SessionSource& source) {
  std::optional<SessionThread::OpenedSession> session;
  try {
    std::thread([&source, &session] {
      TakeOwnFileDescriptors();
      session = Session::Open(source.directory, source.config);
    }).join();
  } catch (const std::system_error& error) {
    return SystemFailure(error.code().value(), "pthread_create");
  }
  return *std::move(session);
}

// Blocks all signals of the calling thread, and of the threads that it starts, while it exists: the
// signals of the process belong to its other threads.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

void SessionThreads::Add(const std::shared_ptr<TaskQueue>& queue) {
  const std::lock_guard<std::mutex> lock(mutex_);
  running_.emplace(queue.get(), queue);
}

void SessionThreads::Remove(const TaskQueue* queue) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    running_.erase(queue);
  }
  removed_.notify_all();
}

void SessionThreads::CloseAndWait(std::chrono::milliseconds limit) {
  std::unique_lock<std::mutex> lock(mutex_);
  for (const auto& [key, weak] : running_) {
    if (const std::shared_ptr<TaskQueue> queue = weak.lock()) queue->Close();
  }
  removed_.wait_for(lock, limit, [this] { return running_.empty(); });
}

Result<std::shared_ptr<SessionThread>> SessionThread::Start(
    SessionSource source, const std::shared_ptr<SessionThreads>& threads) {
  auto queue = std::make_shared<TaskQueue>();
  threads->Add(queue);
  try {
    const SignalsBlocked blocked;
    std::thread([source = std::move(source), queue, threads] {
      Run(source, queue);
      threads->Remove(queue.get());
    }).detach();
  } catch (const std::system_error& error) {
    threads->Remove(queue.get());
    return SystemFailure(error.code().value(), "pthread_create");
  }
  return std::shared_ptr<SessionThread>(new SessionThread(std::move(queue)));
}

void SessionThread::Run(const SessionSource& source, const std::shared_ptr<TaskQueue>& queue) {
  pthread_setname_np(pthread_self(), "kmod-libkmod");
  const OpenedSession session = OpenQuietly(source);
  while (std::optional<Task> task = queue->Next()) (*task)(session);
}

SessionThread::~SessionThread() {
  Close();
}

bool SessionThread::Post(Task task) {
  return queue_->Push(std::move(task));
}

void SessionThread::Close() {
  queue_->Close();
}

}  // namespace kmod
