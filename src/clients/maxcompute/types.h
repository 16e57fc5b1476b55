// MaxCompute column types: parsing and writing their SQL text, and the Arrow type that a Tunnel
// block carries for each. Pure; no I/O.
//
// Source of the facts: MaxCompute 2.0 data type edition (help pages); Arrow layouts as PyODPS 0.13
// writes them (timestamp[ns] without zone, decimal128, utf8 and binary with 32-bit offsets).
#pragma once

#include <arrow/type_fwd.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mms::maxcompute {

enum class TypeKind {
  kTinyint,
  kSmallint,
  kInt,
  kBigint,
  kFloat,
  kDouble,
  kBoolean,
  kString,
  kVarchar,
  kChar,
  kBinary,
  kJson,
  kDate,
  kDatetime,
  kTimestamp,
  kTimestampNtz,
  kDecimal,
  kArray,
  kMap,
  kStruct,
};

struct StructField;

struct Type {
  TypeKind kind = TypeKind::kString;
  int precision = 0;               ///< kDecimal
  int scale = 0;                   ///< kDecimal
  int length = 0;                  ///< kVarchar, kChar
  std::vector<Type> arguments;     ///< element; key and value; field types in order
  std::vector<std::string> names;  ///< field names, kStruct only, parallel to `arguments`

  bool operator==(const Type&) const = default;
};

/// "ARRAY<STRUCT<a:INT,b:DECIMAL(10,2)>>": upper-case keywords, struct field names in back quotes
/// only where `quoted`. The form used in CREATE TABLE is quoted.
std::string ToText(const Type& type, bool quoted = false);

/// Parses the text of metadata or DDL in either case. DECIMAL without arguments is DECIMAL(38,18).
/// Errors: kUnsupported ODPS_TYPE_UNKNOWN with the text.
Result<Type> ParseType(std::string_view text);

/// The two forms of a block on the wire. kArrow costs almost nothing to make, but its timestamps
/// are nanoseconds in 64 bits: the years 1677 to 2262. kRecord writes every value by itself, and
/// timestamps of any year.
enum class BlockForm { kArrow, kRecord };

/// The Arrow type of a block's column. Timestamps are timestamp[ns] in kArrow form and
/// timestamp[us] in kRecord form, which reaches from year 1 to 9999.
std::shared_ptr<arrow::DataType> ToArrow(const Type& type, BlockForm form = BlockForm::kArrow);

struct Column {
  std::string name;
  Type type;
  std::string comment;
  bool nullable = true;

  bool operator==(const Column&) const = default;
};

struct TableSchema {
  std::vector<Column> columns;            ///< data columns in table order
  std::vector<Column> partition_columns;  ///< in level order

  bool operator==(const TableSchema&) const = default;
};

/// Schema of the blocks of a table: its data columns.
std::shared_ptr<arrow::Schema> ToArrow(const std::vector<Column>& columns,
                                       BlockForm form = BlockForm::kArrow);

}  // namespace mms::maxcompute
