// A C++ object behind a JavaScript object, with a type tag. Without the tag, a method that is
// called with the object of another class as `this` would take that object's memory for its own.
#pragma once

#include <napi.h>

namespace kmod::binding {

// T has a static member `kTag`.
template <typename T>
class TaggedWrap : public Napi::ObjectWrap<T> {
 public:
  explicit TaggedWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<T>(info) {
    info.This().As<Napi::Object>().TypeTag(&T::kTag);
  }

  // Hides that of ObjectWrap, which calls it for `this` of each method.
  static T* Unwrap(Napi::Object object) {
    if (!object.CheckTypeTag(&T::kTag)) {
      throw Napi::TypeError::New(object.Env(), "Illegal invocation");
    }
    return Napi::ObjectWrap<T>::Unwrap(object);
  }
};

}  // namespace kmod::binding
