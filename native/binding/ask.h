// Calls a method of Session on the thread of a context.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "../bridge/convert.h"
#include "environment.h"
#include "to_value.h"

namespace kmod::binding {

// { log, value } or { log, failure }; interface NativeReply in lib/libkmod/native.ts.
inline Napi::Object NewReply(const Conversion& conversion, const std::string& log) {
  Napi::Object reply = Napi::Object::New(conversion.env);
  reply.Set("log", log);
  return reply;
}

inline Answer FailureAnswer(Failure failure) {
  return [failure = std::move(failure)](const Conversion& conversion) {
    Napi::Object reply = NewReply(conversion, {});
    reply.Set("failure", bridge::ToFailure(conversion.env, failure));
    return reply;
  };
}

template <typename T>
Answer AnswerOf(Result<T> result, std::string log) {
  if (!result.ok()) return FailureAnswer(result.failure());
  // Shared, because a std::function can be copied.
  return [result = std::make_shared<Result<T>>(std::move(result)),
          log = std::move(log)](const Conversion& conversion) {
    Napi::Object reply = NewReply(conversion, log);
    if constexpr (!std::is_void_v<T>) reply.Set("value", ToValue(conversion, **result));
    return reply;
  };
}

// `work` takes a Session& and returns a Result<T>.
template <typename Work>
Napi::Value Ask(Napi::Env env, const std::shared_ptr<SessionThread>& thread, Work work) {
  return Environment::Of(env).Ask(
      thread, [work = std::move(work)](const SessionThread::OpenedSession& opened) -> Answer {
        if (!opened.ok()) return FailureAnswer(opened.failure());
        Session& session = **opened;
        try {
          auto result = work(session);
          return AnswerOf(std::move(result), session.TakeLog());
        } catch (const std::exception& error) {  // memory ran out
          return FailureAnswer(SystemFailure(ENOMEM, {}, error.what()));
        }
      });
}

}  // namespace kmod::binding
