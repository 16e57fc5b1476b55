#include "clients/databricks/result_schema.h"

#include <arrow/type.h>
#include <fmt/format.h>
#include <tcli_service_types.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "clients/databricks/nested_text.h"
#include "clients/databricks/type_shape.h"

namespace mms::databricks {

bool IsUtc(const std::string& zone) {
  constexpr std::array<std::string_view, 8> kNames = {"UTC",    "Etc/UTC", "GMT", "Z",
                                                      "+00:00", "Etc/GMT", "UCT", "Zulu"};
  return std::find(kNames.begin(), kNames.end(), zone) != kNames.end();
}

namespace {

using TypePtr = std::shared_ptr<arrow::DataType>;
using tcli::TTypeId;

std::string TypeName(int server_type) {
  const auto known = tcli::_TTypeId_VALUES_TO_NAMES.find(server_type);
  return known == tcli::_TTypeId_VALUES_TO_NAMES.end() ? std::to_string(server_type)
                                                       : known->second;
}

TypePtr Instant() { return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"); }

/// What the caller wants of a column.
struct Wish {
  TypePtr type;  // null = as the server sends it
  bool json = false;
  bool nested_as_text = false;
};

struct ServerColumn {
  std::string name;
  int type = 0;
  std::map<std::string, tcli::TTypeQualifierValue> qualifiers;
};

Result<ServerColumn> ReadColumn(const tcli::TColumnDesc& column) {
  const auto& types = column.typeDesc.types;
  if (types.empty() || !types[0].__isset.primitiveEntry) {
    return Error(ErrorKind::kCorrupt, "SQL_ANSWER",
                 "the server describes column " + column.columnName + " without a type");
  }
  const tcli::TPrimitiveTypeEntry& entry = types[0].primitiveEntry;
  return ServerColumn{column.columnName, entry.type, entry.typeQualifiers.qualifiers};
}

/// The type of a column whose carrier says it all; null otherwise.
TypePtr NaturalType(const ServerColumn& column) {
  switch (column.type) {
    case TTypeId::BOOLEAN: return arrow::boolean();
    case TTypeId::TINYINT: return arrow::int8();
    case TTypeId::SMALLINT: return arrow::int16();
    case TTypeId::INT: return arrow::int32();
    case TTypeId::BIGINT: return arrow::int64();
    case TTypeId::FLOAT: return arrow::float32();
    case TTypeId::DOUBLE: return arrow::float64();
    case TTypeId::STRING:
    case TTypeId::VARCHAR:
    case TTypeId::CHAR: return arrow::utf8();
    case TTypeId::TIMESTAMP: return Instant();
    case TTypeId::BINARY: return arrow::binary();
    case TTypeId::DATE: return arrow::date32();
    case TTypeId::NULL_TYPE: return arrow::null();
    case TTypeId::DECIMAL: {
      const auto precision = column.qualifiers.find("precision");
      const auto scale = column.qualifiers.find("scale");
      if (precision == column.qualifiers.end() || scale == column.qualifiers.end()) return nullptr;
      const int32_t digits = precision->second.i32Value;
      if (digits < 1 || digits > 38) return nullptr;
      return arrow::decimal128(digits, scale->second.i32Value);
    }
    default: return nullptr;
  }
}

bool IsTextual(int server_type) {
  return server_type == TTypeId::STRING || server_type == TTypeId::VARCHAR ||
         server_type == TTypeId::CHAR;
}

bool IsNestedId(int server_type) {
  return server_type == TTypeId::ARRAY || server_type == TTypeId::MAP ||
         server_type == TTypeId::STRUCT;
}

bool SameKind(int server_type, const arrow::DataType& type) {
  return (server_type == TTypeId::ARRAY && type.id() == arrow::Type::LIST) ||
         (server_type == TTypeId::MAP && type.id() == arrow::Type::MAP) ||
         (server_type == TTypeId::STRUCT && type.id() == arrow::Type::STRUCT);
}

bool IsMicros(const arrow::DataType& type) {
  return type.id() == arrow::Type::TIMESTAMP &&
         static_cast<const arrow::TimestampType&>(type).unit() == arrow::TimeUnit::MICRO;
}

bool IsMicrosUtcOrZoneless(const arrow::DataType& type) {
  if (!IsMicros(type)) return false;
  const std::string& zone = static_cast<const arrow::TimestampType&>(type).timezone();
  return zone.empty() || IsUtc(zone);
}

Error Differs(const std::string& name, const std::string& found, const arrow::DataType& wanted) {
  return Error(ErrorKind::kConflict, "SQL_SCHEMA_DIFFERS",
               fmt::format("column {} is {} in the result but {} in the catalog; update the "
                           "metadata and plan again",
                           name, found, wanted.ToString()));
}

Error NotWanted(const ServerColumn& column) {
  if (!IsNestedId(column.type)) {
    return Error(ErrorKind::kUnsupported, "SQL_TYPE_UNSUPPORTED",
                 fmt::format("column {} is of type {}, which cannot be read through SQL; cast it "
                             "in a view, or exclude it",
                             column.name, TypeName(column.type)));
  }
  return Error(ErrorKind::kUnsupported, "SQL_NESTED_TEXT",
               fmt::format("column {} is a nested value that the server sends as text, and its "
                           "type is not known here; let the server send Arrow, or select "
                           "to_json(column)",
                           column.name));
}

/// The column of nested text, once it is known that nothing is lost in it.
Result<ResultColumn> PlanNested(const ServerColumn& column, const TypePtr& wanted,
                                ColumnForm form) {
  const NestedForm text = form == ColumnForm::kJsonText ? NestedForm::kJson : NestedForm::kHive;
  Status lossless = CheckNestedText(*wanted, text);
  if (!lossless) return std::move(lossless).error().At("column " + column.name);
  return ResultColumn{column.name, column.type, wanted, form};
}

Result<ResultColumn> PlanColumn(const ServerColumn& column, const Wish& wish) {
  const TypePtr& wanted = wish.type;
  const TypePtr natural = NaturalType(column);
  if (wanted == nullptr) {
    if (natural != nullptr) return ResultColumn{column.name, column.type, natural, {}};
    if (!wish.nested_as_text) return NotWanted(column);
    return ResultColumn{column.name, column.type, arrow::utf8(), ColumnForm::kTextAsIs};
  }
  if (column.type == TTypeId::NULL_TYPE || (natural != nullptr && natural->Equals(wanted))) {
    return ResultColumn{column.name, column.type, wanted, {}};
  }
  if (column.type == TTypeId::TIMESTAMP && IsMicrosUtcOrZoneless(*wanted)) {
    return ResultColumn{column.name, column.type, wanted, {}};
  }
  if (IsTextual(column.type) && IsNested(*wanted) && wish.json) {
    return PlanNested(column, wanted, ColumnForm::kJsonText);
  }
  if (SameKind(column.type, *wanted)) return PlanNested(column, wanted, ColumnForm::kHiveText);
  if (natural == nullptr && wanted->id() == arrow::Type::STRING) {
    return ResultColumn{column.name, column.type, wanted, ColumnForm::kTextAsIs};
  }
  return Differs(column.name, TypeName(column.type), *wanted);
}

/// Equal but for the names inside lists and maps, nullability, metadata, and what UTC is called.
bool SameLayout(const arrow::DataType& a, const arrow::DataType& b) {
  if (a.id() != b.id()) return false;
  if (IsMicros(a) && IsMicros(b)) return IsMicrosUtcOrZoneless(a) && IsMicrosUtcOrZoneless(b);
  if (!IsNested(a)) return a.Equals(b);
  if (a.num_fields() != b.num_fields()) return false;
  for (int i = 0; i < a.num_fields(); ++i) {
    const bool named = a.id() == arrow::Type::STRUCT;
    if (named && a.field(i)->name() != b.field(i)->name()) return false;
    if (!SameLayout(*a.field(i)->type(), *b.field(i)->type())) return false;
  }
  return true;
}

/// `type` with every UTC spelled "UTC". Null when a timestamp is of another zone or unit.
TypePtr WithUtc(const TypePtr& type) {
  return MapLeaves(type, [](const TypePtr& leaf) -> TypePtr {
    if (leaf->id() != arrow::Type::TIMESTAMP) return leaf;
    if (!IsMicrosUtcOrZoneless(*leaf)) return nullptr;
    return static_cast<const arrow::TimestampType&>(*leaf).timezone().empty() ? leaf : Instant();
  });
}

Result<ResultColumn> PlanSent(const arrow::Field& sent, const ServerColumn& column,
                              const Wish& wish) {
  const TypePtr& wanted = wish.type;
  const TypePtr utc = WithUtc(sent.type());
  if (utc == nullptr) {
    return Error(ErrorKind::kConflict, "SQL_TIME_ZONE",
                 fmt::format("column {} comes as {}, though UTC was asked for; the server does not "
                             "take the session's time zone",
                             sent.name(), sent.type()->ToString()));
  }
  if (sent.type()->id() == arrow::Type::STRING && !IsTextual(column.type)) {
    // The server wrote as text what it could not, or was not asked to, send in its type.
    if (column.type == TTypeId::DECIMAL) {
      const TypePtr decimal = wanted != nullptr ? wanted : NaturalType(column);
      if (decimal != nullptr && decimal->id() == arrow::Type::DECIMAL128) {
        return ResultColumn{sent.name(), column.type, decimal, ColumnForm::kDecimalText};
      }
    }
    return PlanColumn(column, wish);
  }
  if (wanted == nullptr || utc->Equals(wanted)) {
    const bool as_sent = utc->Equals(sent.type());
    return ResultColumn{sent.name(), column.type, utc,
                        as_sent ? ColumnForm::kPlain : ColumnForm::kRetyped};
  }
  if (SameLayout(*utc, *wanted)) {
    return ResultColumn{sent.name(), column.type, wanted, ColumnForm::kRetyped};
  }
  if (sent.type()->id() == arrow::Type::NA) {
    return ResultColumn{sent.name(), TTypeId::NULL_TYPE, wanted, ColumnForm::kPlain};
  }
  if (sent.type()->id() == arrow::Type::STRING) return PlanColumn(column, wish);
  return Differs(sent.name(), sent.type()->ToString(), *wanted);
}

/// What is wished of each of the server's `columns`.
Result<std::vector<Wish>> WishesOf(const ResultSchemaOptions& options, size_t columns) {
  std::vector<Wish> wishes(columns);
  for (size_t i = 0; i < columns; ++i) {
    wishes[i].json = options.json_columns.contains(i);
    wishes[i].nested_as_text = options.nested_as_text;
  }
  if (options.wanted == nullptr) return wishes;
  if (static_cast<size_t>(options.wanted->num_fields()) != columns) {
    return Error(ErrorKind::kConflict, "SQL_SCHEMA_DIFFERS",
                 fmt::format("the result has {} columns, but {} are expected; update the metadata "
                             "and plan again",
                             columns, options.wanted->num_fields()));
  }
  for (size_t i = 0; i < columns; ++i) {
    wishes[i].type = options.wanted->field(static_cast<int>(i))->type();
  }
  return wishes;
}

bool HoldsTimestamp(const arrow::DataType& type) {
  if (type.id() == arrow::Type::TIMESTAMP) return true;
  const auto& fields = type.fields();
  return std::any_of(fields.begin(), fields.end(),
                     [](const auto& field) { return HoldsTimestamp(*field->type()); });
}

ResultSchema Finish(std::vector<ResultColumn> columns, const ResultSchemaOptions& options,
                    ColumnForm text_form) {
  ResultSchema schema;
  for (const ResultColumn& column : columns) {
    const bool in_text = column.form == text_form || column.form == ColumnForm::kHiveText;
    schema.zone_unsaid = schema.zone_unsaid || (in_text && HoldsTimestamp(*column.type));
  }
  schema.arrow = options.wanted;
  if (schema.arrow == nullptr) {
    arrow::FieldVector fields;
    for (const ResultColumn& column : columns) {
      fields.push_back(arrow::field(column.name, column.type));
    }
    schema.arrow = arrow::schema(std::move(fields));
  }
  schema.columns = std::move(columns);
  return schema;
}

}  // namespace

Result<ResultSchema> PlanColumnarResult(const tcli::TTableSchema& server,
                                        const ResultSchemaOptions& options) {
  TRY(const std::vector<Wish> wishes, WishesOf(options, server.columns.size()));
  std::vector<ResultColumn> columns;
  for (size_t i = 0; i < server.columns.size(); ++i) {
    TRY(const ServerColumn column, ReadColumn(server.columns[i]));
    TRY(ResultColumn planned, PlanColumn(column, wishes[i]));
    columns.push_back(std::move(planned));
  }
  return Finish(std::move(columns), options, ColumnForm::kPlain);
}

Result<ResultSchema> PlanArrowResult(const arrow::Schema& sent, const tcli::TTableSchema& server,
                                     const ResultSchemaOptions& options) {
  if (static_cast<size_t>(sent.num_fields()) != server.columns.size()) {
    return Error(ErrorKind::kCorrupt, "SQL_ANSWER",
                 fmt::format("the server describes {} columns and sends {}", server.columns.size(),
                             sent.num_fields()));
  }
  TRY(const std::vector<Wish> wishes, WishesOf(options, server.columns.size()));
  std::vector<ResultColumn> columns;
  for (size_t i = 0; i < server.columns.size(); ++i) {
    TRY(const ServerColumn column, ReadColumn(server.columns[i]));
    const arrow::Field& field = *sent.field(static_cast<int>(i));
    TRY(ResultColumn planned, PlanSent(field, column, wishes[i]));
    columns.push_back(std::move(planned));
  }
  return Finish(std::move(columns), options, ColumnForm::kHiveText);
}

}  // namespace mms::databricks
