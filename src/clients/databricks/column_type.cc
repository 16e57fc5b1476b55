#include "clients/databricks/column_type.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <optional>

namespace mms::databricks {
namespace {

using Json = nlohmann::json;

constexpr int kDepthMax = 100;  ///< beyond it the text is taken as it is

std::string SqlName(const std::string& primitive) {
  if (primitive == "long") return "bigint";
  if (primitive == "integer") return "int";
  if (primitive == "short") return "smallint";
  if (primitive == "byte") return "tinyint";
  return primitive;
}

std::string Quoted(const std::string& name) {
  const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0;
  });
  if (plain) return name;
  std::string out = "`";
  for (const char c : name) {
    if (c == '`') out += '`';
    out += c;
  }
  return out + "`";
}

std::optional<std::string> TypeText(const Json& type, int depth);

/// A text member; "" when absent or of another kind.
std::string TextOf(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::optional<std::string> MemberType(const Json& object, const char* key, int depth) {
  const auto found = object.find(key);
  if (found == object.end()) return std::nullopt;
  return TypeText(*found, depth);
}

/// The type of a StructField. CHAR and VARCHAR are strings to Delta; what was declared is metadata.
std::optional<std::string> FieldType(const Json& field, int depth) {
  const auto metadata = field.find("metadata");
  if (metadata != field.end() && metadata->is_object()) {
    const std::string declared = TextOf(*metadata, "__CHAR_VARCHAR_TYPE_STRING");
    if (!declared.empty()) return declared;
  }
  return MemberType(field, "type", depth);
}

std::optional<std::string> StructType(const Json& type, int depth) {
  const auto fields = type.find("fields");
  if (fields == type.end() || !fields->is_array()) return std::nullopt;
  std::string out = "struct<";
  for (const Json& field : *fields) {
    if (!field.is_object() || !field.contains("name")) return std::nullopt;
    const auto text = FieldType(field, depth);
    if (!text) return std::nullopt;
    if (out.back() != '<') out += ',';
    out += Quoted(TextOf(field, "name")) + ":" + *text;
  }
  return out + ">";
}

std::optional<std::string> NestedType(const Json& type, int depth) {
  const std::string kind = TextOf(type, "type");
  if (kind == "struct") return StructType(type, depth);
  if (kind == "array") {
    const auto element = MemberType(type, "elementType", depth);
    if (element) return "array<" + *element + ">";
  }
  if (kind == "map") {
    const auto key = MemberType(type, "keyType", depth);
    const auto value = MemberType(type, "valueType", depth);
    if (key && value) return "map<" + *key + "," + *value + ">";
  }
  return std::nullopt;
}

std::optional<std::string> TypeText(const Json& type, int depth) {
  if (depth > kDepthMax) return std::nullopt;
  if (type.is_string() && !type.get<std::string>().empty()) return SqlName(type);
  if (type.is_object()) return NestedType(type, depth + 1);
  return std::nullopt;
}

}  // namespace

std::string ColumnType(std::string_view type_json, std::string_view type_text) {
  const Json json = Json::parse(type_json, nullptr, /*allow_exceptions=*/false);
  const bool field = json.is_object() && json.contains("name") && json.contains("type");
  const auto type = field ? FieldType(json, 0) : TypeText(json, 0);
  return type.value_or(std::string(type_text));
}

std::string ColumnField(std::string_view name, std::string_view type_json, bool nullable) {
  const Json json = Json::parse(type_json, nullptr, /*allow_exceptions=*/false);
  const bool field = json.is_object() && json.contains("name") && json.contains("type");
  const Json& type = field ? json["type"] : json;
  if (!type.is_object() && (!type.is_string() || type.get_ref<const std::string&>().empty())) {
    return "";
  }
  const bool told = field && json.contains("metadata") && json["metadata"].is_object();
  return Json{{"name", name},
              {"type", type},
              {"nullable", nullable},
              {"metadata", told ? json["metadata"] : Json::object()}}
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace mms::databricks
