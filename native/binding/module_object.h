// The JavaScript class behind Module of lib/libkmod: a struct kmod_module.
#pragma once

#include <napi.h>

#include <memory>

#include "environment.h"
#include "tagged_wrap.h"

namespace kmod::binding {

// Owns a session's reference to a module, and keeps the session open.
class ModuleLease {
 public:
  ModuleLease(std::shared_ptr<SessionThread> thread, ModuleId id)
      : thread_(std::move(thread)), id_(id) {}
  ~ModuleLease();
  ModuleLease(const ModuleLease&) = delete;
  ModuleLease& operator=(const ModuleLease&) = delete;

  const std::shared_ptr<SessionThread>& thread() const { return thread_; }
  ModuleId id() const { return id_; }

 private:
  std::shared_ptr<SessionThread> thread_;
  ModuleId id_;
};

class ModuleObject : public TaggedWrap<ModuleObject> {
 public:
  static constexpr napi_type_tag kTag = {0x6b6d6f642d6d6f64, 0x9a41c27e5b0d6f13};

  // Only New() calls it: with an external value that JavaScript cannot make.
  explicit ModuleObject(const Napi::CallbackInfo& info);

  static Napi::Function DefineClass(Napi::Env env);
  static Napi::Value New(const Conversion& conversion, const ModuleEntry& module);

 private:
  // Calls a method of Session that takes only the module.
  template <auto Method>
  Napi::Value Read(const Napi::CallbackInfo& info);

  std::unique_ptr<ModuleLease> lease_;
};

}  // namespace kmod::binding
