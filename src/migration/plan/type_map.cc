#include "migration/plan/type_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <optional>

#include "migration/plan/names.h"

namespace mms::migration {
namespace {

using maxcompute::Type;
using maxcompute::TypeKind;
using nlohmann::json;

// What the MaxCompute client parses; a plan must survive its own JSON.
constexpr int kNestingMax = 32;
constexpr const char* kCharVarcharKey = "__CHAR_VARCHAR_TYPE_STRING";

struct Primitive {
  std::string_view delta;
  std::string_view sql;
  TypeKind target;
};

constexpr std::array kPrimitives = {
    Primitive{"string", "STRING", TypeKind::kString},
    Primitive{"long", "BIGINT", TypeKind::kBigint},
    Primitive{"integer", "INT", TypeKind::kInt},
    Primitive{"short", "SMALLINT", TypeKind::kSmallint},
    Primitive{"byte", "TINYINT", TypeKind::kTinyint},
    Primitive{"float", "FLOAT", TypeKind::kFloat},
    Primitive{"double", "DOUBLE", TypeKind::kDouble},
    Primitive{"boolean", "BOOLEAN", TypeKind::kBoolean},
    Primitive{"binary", "BINARY", TypeKind::kBinary},
    Primitive{"date", "DATE", TypeKind::kDate},
    Primitive{"timestamp", "TIMESTAMP", TypeKind::kTimestamp},
    Primitive{"timestamp_ntz", "TIMESTAMP_NTZ", TypeKind::kTimestampNtz},
};

Error SchemaInvalid(std::string_view why) {
  return Error(
      ErrorKind::kCorrupt, "DELTA_SCHEMA_INVALID",
      fmt::format("the Delta log's schema cannot be read: {}; repair the table at the source",
                  why));
}

Error Unsupported(std::string_view path, std::string_view type, std::string_view why) {
  return Error(ErrorKind::kUnsupported, "TYPE_UNSUPPORTED",
               fmt::format("column \"{}\" has type {}, {}", path, type, why));
}

Type Simple(TypeKind kind) {
  Type type;
  type.kind = kind;
  return type;
}

std::string Upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

/// Struct field names as SQL text needs them.
std::string QuotedWhereNeeded(const std::string& name) {
  const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_';
  });
  if (plain) return name;
  std::string quoted = "`";
  for (const char c : name) quoted += c == '`' ? std::string("``") : std::string(1, c);
  return quoted + "`";
}

struct Decimal {
  int precision = 0;
  int scale = 0;
};

/// "decimal(p,s)"; "decimal" alone is decimal(10,0), as in Spark.
std::optional<Decimal> ParseDecimal(const std::string& text) {
  if (text == "decimal") return Decimal{10, 0};
  Decimal decimal;
  int end = 0;
  const int read =
      std::sscanf(text.c_str(), "decimal( %d , %d )%n", &decimal.precision, &decimal.scale, &end);
  const bool whole = read == 2 && static_cast<size_t>(end) == text.size();
  const bool valid = decimal.precision >= 1 && decimal.precision <= 38 && decimal.scale >= 0 &&
                     decimal.scale <= decimal.precision;
  if (!whole || !valid) return std::nullopt;
  return decimal;
}

/// One top-level column while its type tree is walked.
class Mapper {
 public:
  Mapper(std::string top, const Policy& policy) : top_(std::move(top)), policy_(policy) {}

  Result<MappedType> Map(const json& type, const std::string& path, int depth) {
    if (depth > kNestingMax) {
      return Unsupported(path, "nested more than 32 deep",
                         "which is not supported; flatten it at the source");
    }
    if (type.is_string()) return MapPrimitive(type.get<std::string>(), path);
    if (!type.is_object()) return SchemaInvalid(fmt::format("column \"{}\" has no type", path));
    const std::string kind = type.value("type", "");
    if (kind == "array") return MapArray(type, path, depth);
    if (kind == "map") return MapMap(type, path, depth);
    if (kind == "struct") return MapStruct(type, path, depth);
    return SchemaInvalid(fmt::format("column \"{}\" has the unknown type {}", path, type.dump()));
  }

  std::string Notes() const { return fmt::format("{}", fmt::join(notes_, "; ")); }
  void Note(std::string note) { notes_.push_back(std::move(note)); }
  Fidelity fidelity() const { return fidelity_; }

 private:
  /// Inside a column, a note says where.
  void NoteAt(const std::string& path, std::string_view text) {
    notes_.push_back(path == top_ ? std::string(text) : fmt::format("{}: {}", path, text));
  }

  Result<MappedType> MapPrimitive(const std::string& name, const std::string& path) {
    for (const Primitive& primitive : kPrimitives) {
      if (primitive.delta == name) {
        return MappedType{Simple(primitive.target), std::string(primitive.sql), ""};
      }
    }
    if (name.starts_with("decimal")) return MapDecimal(name, path);
    if (name == "void" || name == "null") {
      NoteAt(path, "VOID becomes STRING, all NULL");
      fidelity_ = Fidelity::kWidening;
      return MappedType{Simple(TypeKind::kString), "VOID", ""};
    }
    if (name == "variant") {
      return Unsupported(
          path, "VARIANT",
          "which is not copied yet; store it as STRING (to_json) at the source, or leave "
          "the table out (`exclude`, of a job --but)");
    }
    return Unsupported(
        path, Upper(name),
        "which has no type at the target; cast it at the source, or leave the table out "
        "(`exclude`, of a job --but)");
  }

  Result<MappedType> MapDecimal(const std::string& name, const std::string& path) {
    const std::optional<Decimal> decimal = ParseDecimal(name);
    if (!decimal)
      return SchemaInvalid(fmt::format("column \"{}\" has the type \"{}\"", path, name));
    const std::string text = fmt::format("DECIMAL({},{})", decimal->precision, decimal->scale);
    if (decimal->scale > kDecimalScaleMax && !policy_.extended_decimal) {
      NoteAt(path,
             fmt::format("{} becomes STRING, plain digits: MaxCompute keeps {} after the point",
                         text, kDecimalScaleMax));
      fidelity_ = Fidelity::kWidening;
      return MappedType{Simple(TypeKind::kString), text, ""};
    }
    Type target = Simple(TypeKind::kDecimal);
    target.precision = decimal->precision;
    target.scale = decimal->scale;
    return MappedType{target, text, ""};
  }

  Result<MappedType> MapArray(const json& type, const std::string& path, int depth) {
    if (!type.contains("elementType")) {
      return SchemaInvalid(fmt::format("array \"{}\" has no elementType", path));
    }
    TRY(MappedType element, Map(type["elementType"], path + ".element", depth + 1));
    Type target = Simple(TypeKind::kArray);
    target.arguments.push_back(std::move(element.target));
    return MappedType{std::move(target), "ARRAY<" + element.source_text + ">", ""};
  }

  Result<MappedType> MapMap(const json& type, const std::string& path, int depth) {
    if (!type.contains("keyType") || !type.contains("valueType")) {
      return SchemaInvalid(fmt::format("map \"{}\" has no keyType or valueType", path));
    }
    TRY(MappedType key, Map(type["keyType"], path + ".key", depth + 1));
    if (!key.target.arguments.empty()) {
      return Unsupported(
          path, fmt::format("MAP with a key of {}", key.source_text),
          "and MaxCompute takes only primitive keys; change it at the source, or leave the "
          "table out (`exclude`, of a job --but)");
    }
    TRY(MappedType value, Map(type["valueType"], path + ".value", depth + 1));
    Type target = Simple(TypeKind::kMap);
    std::string text = fmt::format("MAP<{}, {}>", key.source_text, value.source_text);
    target.arguments.push_back(std::move(key.target));
    target.arguments.push_back(std::move(value.target));
    return MappedType{std::move(target), std::move(text), ""};
  }

  Result<MappedType> MapStruct(const json& type, const std::string& path, int depth) {
    const auto fields = type.find("fields");
    if (fields == type.end() || !fields->is_array()) {
      return SchemaInvalid(fmt::format("struct \"{}\" has no fields", path));
    }
    if (fields->empty()) {
      return Unsupported(path, "STRUCT<>",
                         "and MaxCompute takes no struct without fields; drop it at the source");
    }
    Type target = Simple(TypeKind::kStruct);
    std::vector<std::string> texts;
    NameSet names;
    for (const json& field : *fields) {
      if (!field.is_object() || !field.contains("type")) {
        return SchemaInvalid(fmt::format("a field of struct \"{}\" has no type", path));
      }
      const std::string name = field.value("name", "");
      const std::string field_path = path + "." + name;
      TRY(std::string target_name, MakeColumnName(name, {field_path, policy_.column_name_map}));
      TRY_VOID(names.Add(target_name, field_path));
      if (MapCharacters(name, policy_.column_name_map) != name) {
        NoteAt(field_path, fmt::format("becomes {}", target_name));
      }
      TRY(MappedType mapped, Map(field["type"], field_path, depth + 1));
      texts.push_back(QuotedWhereNeeded(name) + ": " + mapped.source_text);
      target.names.push_back(std::move(target_name));
      target.arguments.push_back(std::move(mapped.target));
    }
    return MappedType{std::move(target), fmt::format("STRUCT<{}>", fmt::join(texts, ", ")), ""};
  }

  std::string top_;
  const Policy& policy_;
  std::vector<std::string> notes_;
  Fidelity fidelity_ = Fidelity::kLossless;
};

/// Text of CHAR, VARCHAR or of a nested type with some inside; "" = none.
std::string CharVarcharText(const DeltaField& field) {
  const auto found = field.metadata.find(kCharVarcharKey);
  if (found == field.metadata.end() || !found->is_string()) return "";
  const std::string text = found->get<std::string>();
  // Names inside a nested type keep their case.
  return text.find('<') == text.npos ? Upper(text) : text;
}

/// n of VARCHAR(n) where MaxCompute takes it.
std::optional<int> VarcharLength(const std::string& text) {
  int length = 0;
  int end = 0;
  const int read = std::sscanf(text.c_str(), "VARCHAR(%d)%n", &length, &end);
  const bool whole = read == 1 && static_cast<size_t>(end) == text.size();
  return whole && length >= 1 && length <= kVarcharMax ? std::optional(length) : std::nullopt;
}

bool HasCollation(const DeltaField& field) {
  const auto found = field.metadata.find("__COLLATIONS");
  return found != field.metadata.end() && !found->empty();
}

bool IsInteger(TypeKind kind) {
  return kind == TypeKind::kTinyint || kind == TypeKind::kSmallint || kind == TypeKind::kInt ||
         kind == TypeKind::kBigint;
}

}  // namespace

Result<std::vector<DeltaField>> ParseDeltaSchema(std::string_view schema_json) {
  const json document = json::parse(schema_json, nullptr, false);
  if (!document.is_object()) return SchemaInvalid("it is no JSON object");
  const auto fields = document.find("fields");
  if (fields == document.end() || !fields->is_array()) return SchemaInvalid("it has no fields");
  std::vector<DeltaField> out;
  out.reserve(fields->size());
  for (const json& field : *fields) {
    const bool named = field.is_object() && field.contains("type") && field.contains("name") &&
                       field["name"].is_string();
    if (!named) return SchemaInvalid("a field has no name or no type");
    json metadata = field.value("metadata", json::object());
    if (!metadata.is_object()) metadata = json::object();
    const json nullable = field.value("nullable", json(true));
    out.push_back({field["name"].get<std::string>(), field["type"], std::move(metadata),
                   !nullable.is_boolean() || nullable.get<bool>()});
  }
  return out;
}

std::string SourceTypeText(const DeltaField& field) {
  const std::string text = CharVarcharText(field);
  if (!text.empty()) return text;
  if (field.type.is_string()) return Upper(field.type.get<std::string>());
  const auto kind = field.type.is_object() ? field.type.find("type") : field.type.end();
  return kind != field.type.end() && kind->is_string() ? Upper(kind->get<std::string>()) : "?";
}

Result<MappedType> MapType(const DeltaField& field, const Policy& policy) {
  try {
    Mapper mapper(field.name, policy);
    TRY(MappedType mapped, mapper.Map(field.type, field.name, 0));
    const std::string text = CharVarcharText(field);
    const std::optional<int> varchar = policy.keep_varchar ? VarcharLength(text) : std::nullopt;
    if (!text.empty()) mapped.source_text = text;
    if (varchar) {
      mapped.target.kind = TypeKind::kVarchar;
      mapped.target.length = *varchar;
    } else if (!text.empty()) {
      // transfer/char_padding.h pads what Spark pads: top-level CHAR columns.
      const bool padded = text.starts_with("CHAR(") || text.starts_with("char(");
      mapper.Note(fmt::format("{} becomes {}, {}", text, maxcompute::ToText(mapped.target),
                              padded ? "padded with blanks as Databricks shows it" : "as stored"));
    }
    if (HasCollation(field)) mapper.Note("the collation is dropped");
    mapped.note = mapper.Notes();
    mapped.fidelity = mapper.fidelity();
    return mapped;
  } catch (const json::exception& exception) {  // a member of another JSON type than the protocol's
    return SchemaInvalid(fmt::format("column \"{}\": {}", field.name, exception.what()));
  }
}

Result<MappedType> MapPartitionType(const DeltaField& field, bool has_null) {
  TRY(MappedType mapped, MapType(field, {}));
  if (!mapped.target.arguments.empty()) {
    return Unsupported(field.name, mapped.source_text, "which cannot be a partition column");
  }
  if (IsInteger(mapped.target.kind) && !has_null) return mapped;
  if (IsInteger(mapped.target.kind)) {
    mapped.note = fmt::format("{} becomes STRING: a partition's value is NULL", mapped.source_text);
  } else if (mapped.target.kind != TypeKind::kString) {
    mapped.note = fmt::format("{} becomes STRING, the value's text", mapped.source_text);
  }
  if (mapped.target.kind != TypeKind::kString) mapped.fidelity = Fidelity::kWidening;
  mapped.target = Simple(TypeKind::kString);
  return mapped;
}

}  // namespace mms::migration
