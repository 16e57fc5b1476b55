#include "sandbox/column_type.h"

#include <algorithm>
#include <array>
#include <utility>

namespace mms::sandbox {
namespace {

constexpr std::array<std::pair<std::string_view, TypeId>, 14> kPlainTypes{{
    {"TINYINT", TypeId::kTinyint},
    {"SMALLINT", TypeId::kSmallint},
    {"INT", TypeId::kInt},
    {"BIGINT", TypeId::kBigint},
    {"FLOAT", TypeId::kFloat},
    {"DOUBLE", TypeId::kDouble},
    {"BOOLEAN", TypeId::kBoolean},
    {"STRING", TypeId::kString},
    {"BINARY", TypeId::kBinary},
    {"DATE", TypeId::kDate},
    {"DATETIME", TypeId::kDatetime},
    {"TIMESTAMP", TypeId::kTimestamp},
    {"TIMESTAMP_NTZ", TypeId::kTimestampNtz},
    {"JSON", TypeId::kJson},
}};

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

}  // namespace

Result<TypeId> FindPlainType(std::string_view upper_name) {
  for (const auto& [name, id] : kPlainTypes) {
    if (name == upper_name) return id;
  }
  if (upper_name == "INTEGER") return TypeId::kInt;
  return Error(ErrorKind::kNotFound, "UnknownType", "unknown type " + std::string(upper_name));
}

std::string ColumnType::ToText() const {
  switch (id) {
    case TypeId::kDecimal:
      return "decimal(" + std::to_string(precision) + "," + std::to_string(scale) + ")";
    case TypeId::kChar: return "char(" + std::to_string(length) + ")";
    case TypeId::kVarchar: return "varchar(" + std::to_string(length) + ")";
    case TypeId::kArray: return "array<" + children[0].ToText() + ">";
    case TypeId::kMap: return "map<" + children[0].ToText() + "," + children[1].ToText() + ">";
    case TypeId::kStruct: {
      std::string text = "struct<";
      for (size_t i = 0; i < children.size(); ++i) {
        if (i > 0) text += ",";
        text += field_names[i] + ":" + children[i].ToText();
      }
      return text + ">";
    }
    default: break;
  }
  for (const auto& [name, plain] : kPlainTypes) {
    if (plain == id) return Lower(name);
  }
  return "unknown";
}

std::shared_ptr<arrow::DataType> ColumnType::ToArrow(TimestampForm form) const {
  bool decimal = form == TimestampForm::kDecimal;
  auto unit = form == TimestampForm::kMicro ? arrow::TimeUnit::MICRO : arrow::TimeUnit::NANO;
  switch (id) {
    case TypeId::kTinyint: return arrow::int8();
    case TypeId::kSmallint: return arrow::int16();
    case TypeId::kInt: return arrow::int32();
    case TypeId::kBigint: return arrow::int64();
    case TypeId::kFloat: return arrow::float32();
    case TypeId::kDouble: return arrow::float64();
    case TypeId::kBoolean: return arrow::boolean();
    case TypeId::kString:
    case TypeId::kJson:
    case TypeId::kChar:
    case TypeId::kVarchar: return arrow::utf8();
    case TypeId::kBinary: return arrow::binary();
    case TypeId::kDate: return arrow::date32();
    case TypeId::kDatetime: return arrow::timestamp(arrow::TimeUnit::MILLI, "UTC");
    case TypeId::kTimestamp:
      return decimal ? arrow::decimal128(38, 0) : arrow::timestamp(unit, "UTC");
    case TypeId::kTimestampNtz: return decimal ? arrow::decimal128(38, 0) : arrow::timestamp(unit);
    case TypeId::kDecimal: return arrow::decimal128(precision, scale);
    case TypeId::kArray: return arrow::list(arrow::field("element", children[0].ToArrow(form)));
    case TypeId::kMap:
      return arrow::map(children[0].ToArrow(form),
                        arrow::field("value", children[1].ToArrow(form)));
    case TypeId::kStruct: {
      arrow::FieldVector fields;
      for (size_t i = 0; i < children.size(); ++i) {
        fields.push_back(arrow::field(field_names[i], children[i].ToArrow(form)));
      }
      return arrow::struct_(fields);
    }
  }
  return arrow::null();
}

bool ColumnType::HasTimestamp() const {
  if (id == TypeId::kTimestamp || id == TypeId::kTimestampNtz) return true;
  return std::any_of(children.begin(), children.end(),
                     [](const ColumnType& child) { return child.HasTimestamp(); });
}

Status CheckType(const ColumnType& type, bool extended_scale) {
  auto refuse = [&](const std::string& what) {
    return Error(ErrorKind::kInvalidInput, "ODPS-0130071",
                 "Semantic analysis exception - invalid type " + type.ToText() + ": " + what);
  };
  if (type.id == TypeId::kDecimal) {
    int scale_max = extended_scale ? 38 : 18;
    if (type.precision < 1 || type.precision > 38) return refuse("precision must be 1 to 38");
    if (type.scale < 0 || type.scale > scale_max || type.scale > type.precision) {
      return refuse("scale must be 0 to " + std::to_string(scale_max) +
                    " and not above the precision");
    }
  }
  if (type.id == TypeId::kChar && (type.length < 1 || type.length > 255)) {
    return refuse("length must be 1 to 255");
  }
  if (type.id == TypeId::kVarchar && (type.length < 1 || type.length > 65'535)) {
    return refuse("length must be 1 to 65535");
  }
  if (type.id == TypeId::kMap) {
    TypeId key = type.children[0].id;
    if (key == TypeId::kArray || key == TypeId::kMap || key == TypeId::kStruct) {
      return refuse("a map key must be a primitive type");
    }
  }
  for (const ColumnType& child : type.children) {
    if (child.id == TypeId::kJson) return refuse("JSON cannot be nested");
    TRY_VOID(CheckType(child, extended_scale));
  }
  return OkStatus();
}

bool IsPartitionType(TypeId id) {
  switch (id) {
    case TypeId::kTinyint:
    case TypeId::kSmallint:
    case TypeId::kInt:
    case TypeId::kBigint:
    case TypeId::kChar:
    case TypeId::kVarchar:
    case TypeId::kString:
    case TypeId::kDate: return true;
    default: return false;
  }
}

}  // namespace mms::sandbox
