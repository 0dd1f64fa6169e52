// Converts the results of Session to JavaScript values; interface NativeValues in
// lib/libkmod/native.ts declares them.
#pragma once

#include <napi.h>

#include <optional>
#include <string>
#include <vector>

#include "environment.h"

namespace kmod::binding {

Napi::Value ToValue(const Conversion& conversion, const std::string& text);
Napi::Value ToValue(const Conversion& conversion, int number);
Napi::Value ToValue(const Conversion& conversion, int64_t number);
// An object of ModuleObject, which releases the module when it is collected.
Napi::Value ToValue(const Conversion& conversion, const ModuleEntry& module);
Napi::Value ToValue(const Conversion& conversion, const ModuleSoftDependencies& dependencies);
// [key, value]
Napi::Value ToValue(const Conversion& conversion, const ConfigLine& line);
Napi::Value ToValue(const Conversion& conversion, const ConfigLists& lists);
Napi::Value ToValue(const Conversion& conversion, const ModinfoField& field);
Napi::Value ToValue(const Conversion& conversion, const ModuleSection& section);
Napi::Value ToValue(const Conversion& conversion, const ModuleSymbol& symbol);

// Null for nullopt.
template <typename T>
Napi::Value ToValue(const Conversion& conversion, const std::optional<T>& value) {
  return value ? ToValue(conversion, *value) : conversion.env.Null();
}

template <typename T>
Napi::Value ToValue(const Conversion& conversion, const std::vector<T>& values) {
  Napi::Array array = Napi::Array::New(conversion.env, values.size());
  for (uint32_t i = 0; i < values.size(); ++i) {
    const Napi::HandleScope scope(conversion.env);
    array.Set(i, ToValue(conversion, values[i]));
  }
  return array;
}

}  // namespace kmod::binding
