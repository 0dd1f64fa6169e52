#include "to_value.h"

#include "module_object.h"

namespace kmod::binding {

Napi::Value ToValue(const Conversion& conversion, const std::string& text) {
  return Napi::String::New(conversion.env, text);
}

Napi::Value ToValue(const Conversion& conversion, int number) {
  return Napi::Number::New(conversion.env, number);
}

Napi::Value ToValue(const Conversion& conversion, int64_t number) {
  return Napi::Number::New(conversion.env, static_cast<double>(number));
}

Napi::Value ToValue(const Conversion& conversion, const ModuleEntry& module) {
  return ModuleObject::New(conversion, module);
}

Napi::Value ToValue(const Conversion& conversion, const ModuleSoftDependencies& dependencies) {
  Napi::Object object = Napi::Object::New(conversion.env);
  object.Set("pre", ToValue(conversion, dependencies.pre));
  object.Set("post", ToValue(conversion, dependencies.post));
  return object;
}

Napi::Value ToValue(const Conversion& conversion, const ConfigLine& line) {
  Napi::Array pair = Napi::Array::New(conversion.env, 2);
  pair.Set(0U, line.key);
  pair.Set(1U, line.value);
  return pair;
}

Napi::Value ToValue(const Conversion& conversion, const ConfigLists& lists) {
  Napi::Object object = Napi::Object::New(conversion.env);
  object.Set("blacklists", ToValue(conversion, lists.blacklists));
  object.Set("installCommands", ToValue(conversion, lists.install_commands));
  object.Set("removeCommands", ToValue(conversion, lists.remove_commands));
  object.Set("aliases", ToValue(conversion, lists.aliases));
  object.Set("options", ToValue(conversion, lists.options));
  object.Set("softdeps", ToValue(conversion, lists.softdeps));
  object.Set("weakdeps", ToValue(conversion, lists.weakdeps));
  return object;
}

Napi::Value ToValue(const Conversion& conversion, const ModinfoField& field) {
  Napi::Object object = Napi::Object::New(conversion.env);
  object.Set("key", field.key);
  object.Set("value", field.value);
  return object;
}

Napi::Value ToValue(const Conversion& conversion, const ModuleSection& section) {
  Napi::Object object = Napi::Object::New(conversion.env);
  object.Set("name", section.name);
  object.Set("address", Napi::BigInt::New(conversion.env, section.address));
  return object;
}

Napi::Value ToValue(const Conversion& conversion, const ModuleSymbol& symbol) {
  Napi::Object object = Napi::Object::New(conversion.env);
  object.Set("symbol", symbol.symbol);
  object.Set("crc", Napi::BigInt::New(conversion.env, symbol.crc));
  if (symbol.bind) object.Set("bind", static_cast<int>(*symbol.bind));
  return object;
}

}  // namespace kmod::binding
