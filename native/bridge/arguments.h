// Checks the arguments that JavaScript passes. lib/ checks them first, with messages for users;
// these checks make sure that no value of another type reaches the rest of the C++ code.
#pragma once

#include <napi.h>

#include <string>
#include <vector>

namespace kmod::bridge {

inline std::string TakePath(const Napi::CallbackInfo& info, size_t index) {
  if (info.Length() <= index || !info[index].IsString()) {
    throw Napi::TypeError::New(info.Env(), "a path must be a string");
  }
  std::string path = info[index].As<Napi::String>().Utf8Value();
  if (path.empty() || path.find('\0') != std::string::npos) {
    throw Napi::TypeError::New(info.Env(), "a path must not be empty or contain a NUL");
  }
  return path;
}

inline std::vector<std::string> TakeStrings(const Napi::CallbackInfo& info, size_t index) {
  if (info.Length() <= index || !info[index].IsArray()) {
    throw Napi::TypeError::New(info.Env(), "a list must be an array");
  }
  const auto array = info[index].As<Napi::Array>();
  std::vector<std::string> strings;
  strings.reserve(array.Length());
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value value = array[i];
    if (!value.IsString()) throw Napi::TypeError::New(info.Env(), "a list must contain strings");
    strings.push_back(value.As<Napi::String>().Utf8Value());
    if (strings.back().find('\0') != std::string::npos) {
      throw Napi::TypeError::New(info.Env(), "a string must not contain a NUL");
    }
  }
  return strings;
}

}  // namespace kmod::bridge
