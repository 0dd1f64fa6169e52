// Converts C++ values to JavaScript values. Failures become plain objects, from which lib/ makes
// errors.
#pragma once

#include <napi.h>

#include <string>

#include "../common/failure.h"

namespace kmod::bridge {

// As NativeFailure in lib/kernel/failure.ts.
inline Napi::Value ToFailure(Napi::Env env, const Failure& failure) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("failure", FailureKindName(failure.kind));
  object.Set("errno", failure.error);
  object.Set("errnoName", ErrnoName(failure.error));
  object.Set("syscall", failure.syscall);
  object.Set("detail", failure.detail);
  return object;
}

// For text that is known to be ASCII, which V8 can copy without decoding.
inline Napi::Value ToAsciiString(Napi::Env env, const std::string& text) {
  napi_value value = nullptr;
  if (napi_create_string_latin1(env, text.data(), text.size(), &value) != napi_ok) {
    throw Napi::Error::New(env);
  }
  return Napi::Value(env, value);
}

}  // namespace kmod::bridge
