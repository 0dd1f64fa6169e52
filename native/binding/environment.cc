#include "environment.h"

#include <chrono>
#include <utility>

namespace kmod::binding {
namespace {

// How long the end of an environment may wait for the threads of its sessions. A call of libkmod
// takes milliseconds, unless it hangs.
constexpr std::chrono::milliseconds kTearDownLimit{1000};

}  // namespace

void Mailbox::Put(Letter letter) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!notify_) return;
  letters_.push_back(std::move(letter));
  if (letters_.size() == 1) notify_->NonBlockingCall();
}

std::vector<Mailbox::Letter> Mailbox::TakeAll() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(letters_, {});
}

void Mailbox::Close() {
  std::vector<Letter> dropped;  // destroyed without the lock
  const std::lock_guard<std::mutex> lock(mutex_);
  notify_.reset();
  dropped.swap(letters_);
}

Environment::Environment(Napi::Env env)
    : env_(env),
      notify_(Notify::New(env, "kmod:libkmod", 0, 1, this)),
      mailbox_(std::make_shared<Mailbox>(notify_)) {
  notify_.Unref(env);
  // Added after the hook of the thread-safe function, so it runs before that one: hooks run in
  // reverse order. A thread-safe function must not be called once its own hook has run.
  env.AddCleanupHook(TearDown, this);
}

void Environment::TearDown(Environment* self) {
  self->mailbox_->Close();
  self->threads_->CloseAndWait(kTearDownLimit);
}

Napi::Value Environment::Ask(const std::shared_ptr<SessionThread>& thread,
                             std::function<Answer(const SessionThread::OpenedSession&)> ask) {
  const CallNumber number = next_call_++;
  const Napi::Promise::Deferred deferred = Napi::Promise::Deferred::New(env_);
  Napi::Object result = Napi::Object::New(env_);
  result.Set("call", number);
  result.Set("reply", deferred.Promise());
  const bool posted = thread->Post([mailbox = mailbox_, number, ask = std::move(ask)](
                                       const SessionThread::OpenedSession& session) {
    mailbox->Put({number, ask(session)});
  });
  if (posted) {
    calls_.emplace(number, Call{deferred, thread});
    ++waiting_;
    KeepAliveWhileWaiting();
  } else {
    deferred.Resolve(env_.Undefined());
  }
  return result;
}

void Environment::Cancel(CallNumber call) {
  const auto found = calls_.find(call);
  if (found == calls_.end() || found->second.cancelled) return;
  // The call stays in the map: modules in its answer are released when they were converted.
  found->second.cancelled = true;
  found->second.deferred.Resolve(env_.Undefined());
  --waiting_;
  KeepAliveWhileWaiting();
}

void Environment::Close(const std::shared_ptr<SessionThread>& thread) {
  thread->Close();
  for (auto it = calls_.begin(); it != calls_.end();) {
    Call& call = it->second;
    if (call.thread != thread) {
      ++it;
      continue;
    }
    if (!call.cancelled) {
      call.deferred.Resolve(env_.Undefined());
      --waiting_;
    }
    it = calls_.erase(it);
  }
  KeepAliveWhileWaiting();
}

void Environment::KeepAliveWhileWaiting() {
  if (waiting_ > 0) {
    notify_.Ref(env_);
  } else {
    notify_.Unref(env_);
  }
}

void TakeLetters(Napi::Env env, Napi::Function /*callback*/, Environment* self, void* /*data*/) {
  // The environment is being torn down.
  if (static_cast<napi_env>(env) == nullptr) return;
  for (const Mailbox::Letter& letter : self->mailbox_->TakeAll()) self->Settle(letter);
}

void Environment::Settle(const Mailbox::Letter& letter) {
  const auto found = calls_.find(letter.call);
  if (found == calls_.end()) return;  // its context was closed
  const Call call = std::move(found->second);
  calls_.erase(found);
  const Napi::HandleScope scope(env_);
  const Napi::Value value = letter.answer({env_, *this, call.thread});
  if (call.cancelled) return;
  call.deferred.Resolve(value);
  --waiting_;
  KeepAliveWhileWaiting();
}

}  // namespace kmod::binding
