#include "context_object.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../bridge/arguments.h"
#include "ask.h"
#include "module_object.h"

namespace kmod::binding {

ContextObject::ContextObject(const Napi::CallbackInfo& info) : TaggedWrap<ContextObject>(info) {
  SessionSource source;
  source.directory = bridge::TakePath(info, 0);
  if (info.Length() > 1 && !info[1].IsNull()) source.config = bridge::TakeStrings(info, 1);
  Result<std::shared_ptr<SessionThread>> started =
      SessionThread::Start(std::move(source), Environment::Of(info.Env()).threads());
  if (!started.ok()) {
    // The only failure that has no promise to settle; lib/libkmod/context.ts makes the error from
    // it.
    Napi::Error error = Napi::Error::New(info.Env(), "no thread");
    error.Set("failure", bridge::ToFailure(info.Env(), started.failure()));
    // It has a property, so it is not a temporary.
    // NOLINTNEXTLINE(cert-err09-cpp,cert-err61-cpp,misc-throw-by-value-catch-by-reference)
    throw error;
  }
  thread_ = *std::move(started);
}

template <auto Method>
Napi::Value ContextObject::Read(const Napi::CallbackInfo& info) {
  return Ask(info.Env(), thread_, [](Session& session) { return (session.*Method)(); });
}

template <auto Method>
Napi::Value ContextObject::Look(const Napi::CallbackInfo& info) {
  return Ask(info.Env(), thread_, [text = bridge::TakePath(info, 0)](Session& session) {
    return (session.*Method)(text);
  });
}

// dumpIndex(number of the index as in enum Index)
Napi::Value ContextObject::DumpIndex(const Napi::CallbackInfo& info) {
  constexpr uint32_t kIndexes = 5;
  if (info.Length() < 1 || !info[0].IsNumber() ||
      info[0].As<Napi::Number>().Uint32Value() >= kIndexes) {
    throw Napi::TypeError::New(info.Env(), "not an index");
  }
  const auto index = static_cast<Index>(info[0].As<Napi::Number>().Uint32Value());
  return Ask(info.Env(), thread_, [index](Session& session) { return session.DumpIndex(index); });
}

void ContextObject::Close(const Napi::CallbackInfo& info) {
  Environment::Of(info.Env()).Close(thread_);
}

Napi::Function ContextObject::DefineClass(Napi::Env env) {
  return ObjectWrap::DefineClass(
      env, "NativeContext",
      {
          InstanceMethod<&ContextObject::Look<&Session::ModuleFromName>>("moduleFromName"),
          InstanceMethod<&ContextObject::Look<&Session::ModuleFromPath>>("moduleFromPath"),
          InstanceMethod<&ContextObject::Look<&Session::ModuleFromNameLookup>>(
              "moduleFromNameLookup"),
          InstanceMethod<&ContextObject::Look<&Session::ModulesFromLookup>>("modulesFromLookup"),
          InstanceMethod<&ContextObject::Read<&Session::ModulesFromLoaded>>("modulesFromLoaded"),
          InstanceMethod<&ContextObject::Read<&Session::LoadResources>>("loadResources"),
          InstanceMethod<&ContextObject::Read<&Session::UnloadResources>>("unloadResources"),
          InstanceMethod<&ContextObject::Read<&Session::ValidateResources>>("validateResources"),
          InstanceMethod<&ContextObject::Read<&Session::Config>>("config"),
          InstanceMethod<&ContextObject::DumpIndex>("dumpIndex"),
          InstanceMethod<&ContextObject::Close>("close"),
      });
}

namespace {

// cancel(call)
void Cancel(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsNumber()) {
    throw Napi::TypeError::New(info.Env(), "not the number of a call");
  }
  Environment::Of(info.Env()).Cancel(info[0].As<Napi::Number>().Uint32Value());
}

}  // namespace

Napi::Value CreateBinding(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (env.GetInstanceData<Environment>() == nullptr) {
    auto* environment = new Environment(env);
    env.SetInstanceData(environment);
    environment->module_class() = Napi::Persistent(ModuleObject::DefineClass(env));
  }
  Napi::Object binding = Napi::Object::New(env);
  binding.Set("Context", ContextObject::DefineClass(env));
  binding.Set("cancel", Napi::Function::New<Cancel>(env, "cancel"));
  return binding;
}

}  // namespace kmod::binding
