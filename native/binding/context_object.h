// The JavaScript class behind Context of lib/libkmod: a struct kmod_ctx.
#pragma once

#include <napi.h>

#include <memory>

#include "environment.h"
#include "tagged_wrap.h"

namespace kmod::binding {

class ContextObject : public TaggedWrap<ContextObject> {
 public:
  static constexpr napi_type_tag kTag = {0x6b6d6f642d637478, 0xe5209b3fd8617ac4};

  // new NativeContext(directory, configPaths | null)
  explicit ContextObject(const Napi::CallbackInfo& info);

  static Napi::Function DefineClass(Napi::Env env);

 private:
  // Call a method of Session without arguments, and one that takes a text.
  template <auto Method>
  Napi::Value Read(const Napi::CallbackInfo& info);
  template <auto Method>
  Napi::Value Look(const Napi::CallbackInfo& info);
  Napi::Value DumpIndex(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  std::shared_ptr<SessionThread> thread_;
};

// { Context, cancel(call) }: what lib/libkmod/native.ts declares. Called once for an environment.
Napi::Value CreateBinding(const Napi::CallbackInfo& info);

}  // namespace kmod::binding
