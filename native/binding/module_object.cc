#include "module_object.h"

#include "ask.h"

namespace kmod::binding {
namespace {

constexpr napi_type_tag kLeaseTag = {0x6b6d6f642d6c6561, 0xc3f4707d1e28b95a};

}  // namespace

ModuleLease::~ModuleLease() {
  // In a finalizer, on the JavaScript thread. If the session is closed, it has released all
  // modules.
  thread_->Post([id = id_](const SessionThread::OpenedSession& session) {
    if (session.ok()) (*session)->Release(id);
  });
}

ModuleObject::ModuleObject(const Napi::CallbackInfo& info) : TaggedWrap<ModuleObject>(info) {
  if (info.Length() < 1 || !info[0].IsExternal() ||
      !info[0].As<Napi::External<std::unique_ptr<ModuleLease>>>().CheckTypeTag(&kLeaseTag)) {
    throw Napi::TypeError::New(info.Env(), "Illegal constructor");
  }
  lease_ = std::move(*info[0].As<Napi::External<std::unique_ptr<ModuleLease>>>().Data());
}

Napi::Value ModuleObject::New(const Conversion& conversion, const ModuleEntry& module) {
  auto lease = std::make_unique<ModuleLease>(conversion.thread, module.id);
  const auto external = Napi::External<std::unique_ptr<ModuleLease>>::New(conversion.env, &lease);
  external.TypeTag(&kLeaseTag);
  Napi::Object object = conversion.environment.module_class().New({external});
  object.Set("name", module.name);
  return object;
}

template <auto Method>
Napi::Value ModuleObject::Read(const Napi::CallbackInfo& info) {
  return Ask(info.Env(), lease_->thread(),
             [id = lease_->id()](Session& session) { return (session.*Method)(id); });
}

Napi::Function ModuleObject::DefineClass(Napi::Env env) {
  return ObjectWrap::DefineClass(
      env, "NativeModule",
      {
          InstanceMethod<&ModuleObject::Read<&Session::Path>>("path"),
          InstanceMethod<&ModuleObject::Read<&Session::Options>>("options"),
          InstanceMethod<&ModuleObject::Read<&Session::InstallCommands>>("installCommands"),
          InstanceMethod<&ModuleObject::Read<&Session::RemoveCommands>>("removeCommands"),
          InstanceMethod<&ModuleObject::Read<&Session::InitState>>("initState"),
          InstanceMethod<&ModuleObject::Read<&Session::RefCount>>("refCount"),
          InstanceMethod<&ModuleObject::Read<&Session::Size>>("size"),
          InstanceMethod<&ModuleObject::Read<&Session::Holders>>("holders"),
          InstanceMethod<&ModuleObject::Read<&Session::Dependencies>>("dependencies"),
          InstanceMethod<&ModuleObject::Read<&Session::WeakDependencies>>("weakDependencies"),
          InstanceMethod<&ModuleObject::Read<&Session::SoftDependencies>>("softDependencies"),
          InstanceMethod<&ModuleObject::Read<&Session::Info>>("info"),
          InstanceMethod<&ModuleObject::Read<&Session::Sections>>("sections"),
          InstanceMethod<&ModuleObject::Read<&Session::Versions>>("versions"),
          InstanceMethod<&ModuleObject::Read<&Session::ExportedSymbols>>("symbols"),
          InstanceMethod<&ModuleObject::Read<&Session::DependencySymbols>>("dependencySymbols"),
      });
}

}  // namespace kmod::binding
