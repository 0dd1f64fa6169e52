// Runs a function on libuv's thread pool and settles a promise with its result. Only for work that
// ends by itself (reading files, an exec), never for a call that can block in the kernel for ever.
#pragma once

#include <napi.h>

#include <cerrno>
#include <functional>
#include <optional>
#include <utility>

#include "../common/result.h"
#include "convert.h"

namespace kmod::bridge {

template <typename T>
class PromiseWorker : public Napi::AsyncWorker {
 public:
  using Work = std::function<Result<T>()>;
  using Convert = std::function<Napi::Value(Napi::Env, T&)>;

  // `name` is shown for this work by tools such as async_hooks. The promise never rejects: a
  // failure is a value, too (Napi::AsyncWorker takes an error with an empty message for success).
  static Napi::Value Run(Napi::Env env, const char* name, Work work, Convert convert) {
    auto* worker = new PromiseWorker(env, name, std::move(work), std::move(convert));
    const Napi::Promise promise = worker->deferred_.Promise();
    worker->Queue();  // the worker deletes itself when it has finished
    return promise;
  }

 protected:
  void Execute() override { result_ = work_(); }

  void OnOK() override {
    const Napi::HandleScope scope(Env());
    if (!result_->ok()) {
      deferred_.Resolve(ToFailure(Env(), result_->failure()));
    } else {
      deferred_.Resolve(convert_(Env(), **result_));
    }
  }

  // Called only for an exception in Execute: memory ran out.
  void OnError(const Napi::Error& error) override {
    const Napi::HandleScope scope(Env());
    deferred_.Resolve(ToFailure(Env(), SystemFailure(ENOMEM, {}, error.Message())));
  }

 private:
  PromiseWorker(Napi::Env env, const char* name, Work work, Convert convert)
      : AsyncWorker(env, name),
        deferred_(Napi::Promise::Deferred::New(env)),
        work_(std::move(work)),
        convert_(std::move(convert)) {}

  Napi::Promise::Deferred deferred_;
  Work work_;
  Convert convert_;
  std::optional<Result<T>> result_;
};

}  // namespace kmod::bridge
