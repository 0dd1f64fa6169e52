// The one way in which work leaves the event loop: a function that runs on libuv's pool and whose
// result settles a promise. For work that ends by itself (reading files, an exec), never for a call
// that the kernel may keep.
#pragma once

#include <napi.h>

#include <cerrno>
#include <functional>
#include <optional>
#include <utility>

#include "../common/failure.h"
#include "convert.h"

namespace kmod::bridge {

template <typename T>
class PromiseWorker : public Napi::AsyncWorker {
 public:
  using Work = std::function<Result<T>()>;
  using Convert = std::function<Napi::Value(Napi::Env, T&)>;

  // `name` is what Node's tools show for this work. The promise never rejects: a failure is a value
  // like any other (Napi's own error channel would take an empty text for success).
  static Napi::Value Run(Napi::Env env, const char* name, Work work, Convert convert) {
    auto* worker = new PromiseWorker(env, name, std::move(work), std::move(convert));
    const Napi::Promise promise = worker->deferred_.Promise();
    worker->Queue();  // which deletes it at its end
    return promise;
  }

 protected:
  void Execute() override { result_ = work_(); }

  void OnOK() override {
    const Napi::HandleScope scope(Env());
    if (Failed(*result_)) {
      deferred_.Resolve(ToFailure(Env(), std::get<Failure>(*result_)));
    } else {
      deferred_.Resolve(convert_(Env(), std::get<T>(*result_)));
    }
  }

  // Only an exception in Execute leads here: out of memory.
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
