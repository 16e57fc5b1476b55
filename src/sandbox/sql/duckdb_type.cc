#include "sandbox/sql/duckdb_type.h"

#include <algorithm>
#include <array>

#include "sandbox/sql/duckdb_text.h"
#include "sandbox/sql/token_reader.h"

namespace mms::sandbox::sql {
namespace {

/// The type's text, each plain DATETIME said as `datetime`.
std::string TypeText(const ColumnType& type, const std::string& datetime) {
  switch (type.id) {
    case TypeId::kInt: return "INTEGER";
    case TypeId::kString:
    case TypeId::kJson:
    case TypeId::kChar:
    case TypeId::kVarchar: return "VARCHAR";
    case TypeId::kBinary: return "BLOB";
    case TypeId::kDatetime: return datetime;
    case TypeId::kTimestamp: return "TIMESTAMP WITH TIME ZONE";
    case TypeId::kTimestampNtz: return "TIMESTAMP";
    case TypeId::kArray: return TypeText(type.children[0], datetime) + "[]";
    case TypeId::kMap:
      return "MAP(" + TypeText(type.children[0], datetime) + ", " +
             TypeText(type.children[1], datetime) + ")";
    case TypeId::kStruct: {
      std::string text = "STRUCT(";
      for (size_t i = 0; i < type.children.size(); ++i) {
        if (i > 0) text += ", ";
        text += DuckDbName(type.field_names[i]) + " " + TypeText(type.children[i], datetime);
      }
      return text + ")";
    }
    default: return UpperName(type.ToText());
  }
}

struct PlainType {
  std::string_view duckdb;
  TypeId id;
};
constexpr std::array<PlainType, 17> kPlain{{
    {"BOOLEAN", TypeId::kBoolean},
    {"TINYINT", TypeId::kTinyint},
    {"UTINYINT", TypeId::kSmallint},
    {"SMALLINT", TypeId::kSmallint},
    {"USMALLINT", TypeId::kInt},
    {"INTEGER", TypeId::kInt},
    {"UINTEGER", TypeId::kBigint},
    {"BIGINT", TypeId::kBigint},
    {"HUGEINT", TypeId::kBigint},
    {"FLOAT", TypeId::kFloat},
    {"DOUBLE", TypeId::kDouble},
    {"BLOB", TypeId::kBinary},
    {"DATE", TypeId::kDate},
    {"TIMESTAMP_MS", TypeId::kDatetime},
    {"TIMESTAMP_S", TypeId::kDatetime},
    {"TIMESTAMP_NS", TypeId::kTimestampNtz},
    {"TIMESTAMP", TypeId::kTimestampNtz},
}};

ColumnType Plain(TypeId id) {
  ColumnType type;
  type.id = id;
  return type;
}

Result<ColumnType> ReadType(TokenReader* reader);

Result<ColumnType> ReadStruct(TokenReader* reader) {
  ColumnType type = Plain(TypeId::kStruct);
  TRY_VOID(reader->Expect("("));
  do {
    type.field_names.push_back(LowerName(reader->Take().text));  // a word or "quoted"
    TRY(ColumnType child, ReadType(reader));
    type.children.push_back(std::move(child));
  } while (reader->Accept({","}));
  TRY_VOID(reader->Expect(")"));
  return type;
}

Result<ColumnType> ReadMap(TokenReader* reader) {
  ColumnType type = Plain(TypeId::kMap);
  TRY_VOID(reader->Expect("("));
  TRY(ColumnType key, ReadType(reader));
  TRY_VOID(reader->Expect(","));
  TRY(ColumnType value, ReadType(reader));
  TRY_VOID(reader->Expect(")"));
  type.children = {std::move(key), std::move(value)};
  return type;
}

Result<ColumnType> ReadDecimal(TokenReader* reader) {
  ColumnType type = Plain(TypeId::kDecimal);
  TRY_VOID(reader->Expect("("));
  TRY(type.precision, reader->Integer());
  TRY_VOID(reader->Expect(","));
  TRY(type.scale, reader->Integer());
  TRY_VOID(reader->Expect(")"));
  return type;
}

Result<ColumnType> ReadBase(TokenReader* reader) {
  if (reader->Accept({"STRUCT"})) return ReadStruct(reader);
  if (reader->Accept({"MAP"})) return ReadMap(reader);
  if (reader->Accept({"DECIMAL"})) return ReadDecimal(reader);
  if (reader->Accept({"TIMESTAMP", "WITH", "TIME", "ZONE"})) return Plain(TypeId::kTimestamp);
  if (reader->Accept({"UBIGINT"}) || reader->Accept({"UHUGEINT"})) {
    ColumnType type = Plain(TypeId::kDecimal);
    type.precision = 38;
    return type;
  }
  const Token token = reader->Take();
  auto found = std::find_if(kPlain.begin(), kPlain.end(),
                            [&](const PlainType& plain) { return plain.duckdb == token.upper; });
  if (found != kPlain.end()) return Plain(found->id);
  // VARCHAR, and what MaxCompute lacks (TIME, INTERVAL, UUID, JSON, ENUM...): shown as text.
  if (reader->IsNext({"("}) || reader->IsNext({"WITH"})) {
    while (!reader->AtEnd() && !reader->IsNext({"["})) reader->Take();
  }
  return Plain(TypeId::kString);
}

Result<ColumnType> ReadType(TokenReader* reader) {
  TRY_VOID(reader->Enter());
  DepthGuard guard(reader);
  TRY(ColumnType type, ReadBase(reader));
  while (reader->Accept({"["})) {
    if (!reader->IsNext({"]"})) reader->Take();  // a fixed length
    TRY_VOID(reader->Expect("]"));
    ColumnType list = Plain(TypeId::kArray);
    list.children.push_back(std::move(type));
    type = std::move(list);
  }
  return type;
}

}  // namespace

std::string DuckDbType(const ColumnType& type) { return TypeText(type, "TIMESTAMP_MS"); }

std::string ExportType(const ColumnType& type) {
  return TypeText(type, "TIMESTAMP WITH TIME ZONE");
}

Result<std::optional<ColumnType>> FromDuckDbType(const std::string& text) {
  if (text == "NULL" || text == "\"NULL\"") return std::optional<ColumnType>();
  TRY(auto tokens, Tokenize(text));
  TokenReader reader(std::move(tokens));
  auto type = ReadType(&reader);
  if (!type || !reader.AtEnd()) {
    return Error(ErrorKind::kInternal, "ODPS-0010000", "unknown engine type " + text);
  }
  return std::optional<ColumnType>(std::move(type).value());
}

bool IsReadAsOther(const ColumnType& type) {
  if (type.id == TypeId::kDatetime || type.id == TypeId::kTimestampNtz) return true;
  return std::any_of(type.children.begin(), type.children.end(), IsReadAsOther);
}

}  // namespace mms::sandbox::sql
