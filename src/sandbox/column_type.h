// MaxCompute column types: their text, their bounds, and the Arrow type whose buffers travel in
// tunnel blocks and are stored in Parquet. Types, names and bounds: "Data type editions" of the
// MaxCompute reference (2.0 edition); Arrow layouts as PyODPS 0.13 sends them. Values only, any
// thread.
#pragma once

#include <arrow/type.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mms::sandbox {

enum class TypeId {
  kTinyint,
  kSmallint,
  kInt,
  kBigint,
  kFloat,
  kDouble,
  kBoolean,
  kString,
  kBinary,
  kDate,
  kDatetime,
  kTimestamp,
  kTimestampNtz,
  kJson,
  kDecimal,
  kChar,
  kVarchar,
  kArray,
  kMap,
  kStruct,
};

/// How TIMESTAMP and TIMESTAMP_NTZ are held: nanoseconds reach from 1677 to 2262 only, so values
/// beyond are kept in microseconds, and in 128-bit nanoseconds until it is known which fits.
enum class TimestampForm { kNano, kMicro, kDecimal };

struct ColumnType {
  TypeId id = TypeId::kString;
  int precision = 0;                     ///< DECIMAL
  int scale = 0;                         ///< DECIMAL
  int length = 0;                        ///< CHAR, VARCHAR
  std::vector<ColumnType> children;      ///< ARRAY: 1, MAP: key and value, STRUCT: fields
  std::vector<std::string> field_names;  ///< STRUCT, lower case

  /// Lower-case text as table documents carry it: "decimal(10,2)", "struct<x:int,y:array<string>>".
  std::string ToText() const;
  /// TIMESTAMP and DATETIME are instants (time zone UTC), TIMESTAMP_NTZ has no zone; so the two
  /// stay apart in Parquet as well.
  std::shared_ptr<arrow::DataType> ToArrow(TimestampForm form = TimestampForm::kNano) const;
  /// TIMESTAMP or TIMESTAMP_NTZ, also inside.
  bool HasTimestamp() const;
};

/// The id of a plain type's upper-case name; kNotFound UnknownType otherwise.
Result<TypeId> FindPlainType(std::string_view upper_name);

/// Checks the bounds of DECIMAL, CHAR and VARCHAR, recursively. `extended_scale`: scale up to 38
/// (odps.sql.decimal2.extended.scale.enable). Errors: kInvalidInput ODPS-0130071.
Status CheckType(const ColumnType& type, bool extended_scale);

/// Whether a partition column may have this type (2.0 edition).
bool IsPartitionType(TypeId id);

}  // namespace mms::sandbox
