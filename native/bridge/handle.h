// Handles: C++ objects that JavaScript holds, and that only this addon can use.
#pragma once

#include <napi.h>

#include <memory>

namespace kmod::bridge {

// The object is deleted when JavaScript no longer holds the handle, and at the latest when the
// environment ends, also if a worker thread is terminated.
template <typename T>
Napi::Value ToHandle(Napi::Env env, const napi_type_tag* tag, std::unique_ptr<T> object) {
  auto handle =
      Napi::External<T>::New(env, object.get(), [](Napi::Env, T* owned) { delete owned; });
  static_cast<void>(object.release());
  handle.TypeTag(tag);
  return handle;
}

// `message`: of the TypeError for any other argument.
template <typename T>
T* FromHandle(const Napi::CallbackInfo& info, const napi_type_tag* tag, const char* message,
              size_t index = 0) {
  if (info.Length() > index && info[index].IsExternal()) {
    const auto handle = info[index].As<Napi::External<T>>();
    if (handle.CheckTypeTag(tag)) return handle.Data();
  }
  throw Napi::TypeError::New(info.Env(), message);
}

}  // namespace kmod::bridge
