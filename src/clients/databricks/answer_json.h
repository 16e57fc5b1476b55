// Reads the JSON of the Databricks REST API, where a field that is not set is absent or null and
// both mean the same. For the .cc files of this folder.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/result.h"

namespace mms::databricks {

using Json = nlohmann::json;

/// A present, non-null field; nullptr otherwise.
inline const Json* Find(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

template <class T>
T Get(const Json& object, const char* key, T absent) {
  const Json* found = Find(object, key);
  return found == nullptr ? absent : found->get<T>();
}

inline std::string Text(const Json& object, const char* key) {
  return Get<std::string>(object, key, "");
}

/// A list; empty when absent or null.
inline const Json::array_t& Items(const Json& object, const char* key) {
  static const Json::array_t kNone;
  const Json* found = Find(object, key);
  return found == nullptr ? kNone : found->get_ref<const Json::array_t&>();
}

/// Runs `make` on the parsed body; the library reports wrong types by throwing. Errors: kCorrupt
/// DATABRICKS_ANSWER.
template <class Make>
auto ReadJson(const std::string& body, Make make) -> Result<decltype(make(Json()))> {
  try {
    return make(Json::parse(body));
  } catch (const Json::exception& exception) {
    return Error(
        ErrorKind::kCorrupt, "DATABRICKS_ANSWER",
        std::string("the workspace's answer has another form than the API's: ") + exception.what());
  }
}

}  // namespace mms::databricks
