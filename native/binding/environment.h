// What node-kmod/libkmod keeps for one JavaScript environment (the main thread or a worker): the
// calls that wait for an answer, and the way in which answers arrive from the threads of the
// sessions.
#pragma once

#include <napi.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "../libkmod/session_thread.h"

namespace kmod::binding {

class Environment;

// What an answer is converted with, on the JavaScript thread.
struct Conversion {
  Napi::Env env;
  Environment& environment;
  const std::shared_ptr<SessionThread>& thread;  // the one that gave the answer
};
using Answer = std::function<Napi::Value(const Conversion&)>;
using CallNumber = uint32_t;

void TakeLetters(Napi::Env env, Napi::Function callback, Environment* self, void* data);
using Notify = Napi::TypedThreadSafeFunction<Environment, void, TakeLetters>;

// Where the threads leave their answers. They share its ownership, so a thread that ends after its
// environment finds it closed.
class Mailbox {
 public:
  struct Letter {
    CallNumber call;
    Answer answer;
  };

  explicit Mailbox(Notify notify) : notify_(std::move(notify)) {}

  void Put(Letter letter);
  std::vector<Letter> TakeAll();
  // What is put in later is dropped, and the environment is not notified any more.
  void Close();

 private:
  std::mutex mutex_;
  std::optional<Notify> notify_;  // nullopt: closed
  std::vector<Letter> letters_;
};

class Environment {
 public:
  explicit Environment(Napi::Env env);

  static Environment& Of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

  const std::shared_ptr<SessionThreads>& threads() const { return threads_; }
  Napi::FunctionReference& module_class() { return module_class_; }

  // Carries out `ask` on the thread. Returns { call, reply }: a number for Cancel(), and a promise,
  // which never rejects. It resolves with `undefined` if the context is closed before the answer.
  Napi::Value Ask(const std::shared_ptr<SessionThread>& thread,
                  std::function<Answer(const SessionThread::OpenedSession&)> ask);
  // The caller does not wait for the answer any longer, so it does not keep the process alive.
  void Cancel(CallNumber call);
  // Closes the thread, and ends all calls that wait for its answers.
  void Close(const std::shared_ptr<SessionThread>& thread);

 private:
  struct Call {
    Napi::Promise::Deferred deferred;
    // Also keeps the context of the call alive.
    std::shared_ptr<SessionThread> thread;
    bool cancelled = false;
  };

  friend void TakeLetters(Napi::Env env, Napi::Function callback, Environment* self, void* data);
  // The hook that runs before the environment is torn down.
  static void TearDown(Environment* self);
  void Settle(const Mailbox::Letter& letter);
  // Called when `waiting_` has changed: only a waiting call keeps the process alive.
  void KeepAliveWhileWaiting();

  Napi::Env env_;
  Notify notify_;
  std::shared_ptr<SessionThreads> threads_ = std::make_shared<SessionThreads>();
  std::shared_ptr<Mailbox> mailbox_;
  std::unordered_map<CallNumber, Call> calls_;
  CallNumber next_call_ = 1;
  size_t waiting_ = 0;  // the calls that were not cancelled
  Napi::FunctionReference module_class_;
};

}  // namespace kmod::binding
