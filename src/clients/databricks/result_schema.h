// Decides, column by column, what Arrow type a result's column has: the server's own, or the one
// that the caller wants when the server's value can become it without loss. Pure.
//
// Source: HiveServer2's type ids; Spark writes DECIMAL, DATE, TIMESTAMP and nested values as text
// in columnar results, and has one type id for timestamps with and without zone.
#pragma once

#include <arrow/type_fwd.h>

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"

namespace mms::databricks {

namespace tcli {
class TTableSchema;
}  // namespace tcli

/// How a column's value comes out of what the server sent.
enum class ColumnForm {
  kPlain,       ///< the carrier holds it, or text that AppendText reads
  kHiveText,    ///< a nested value in Hive's text
  kJsonText,    ///< a nested value that the statement turned into JSON
  kTextAsIs,    ///< text of a type that has no other form
  kRetyped,     ///< Arrow of an equal type that is spelled otherwise (names inside a list, zone)
  kDecimalText  ///< Arrow text that is a decimal
};

struct ResultColumn {
  std::string name;
  int server_type = 0;  ///< tcli::TTypeId, or a number we do not know
  std::shared_ptr<arrow::DataType> type;
  ColumnForm form = ColumnForm::kPlain;
};

struct ResultSchemaOptions {
  /// The columns that the caller expects, in order; null = as the server sends them.
  std::shared_ptr<arrow::Schema> wanted;
  /// Positions of columns that the statement made into JSON (nested_text.h): text that becomes the
  /// wanted type. Other text never does, since Hive's form of a nested value could pass for JSON.
  std::set<size_t> json_columns;
  /// Nested values and intervals whose type is not wanted come as the server's text.
  bool nested_as_text = false;
};

struct ResultSchema {
  std::vector<ResultColumn> columns;
  std::shared_ptr<arrow::Schema> arrow;
  /// A column holds timestamps as text, whose zone only the server's session knows.
  bool zone_unsaid = false;
};

/// Whether a server's name of a time zone means UTC.
bool IsUtc(const std::string& zone);

/// Of a columnar result. Errors name the column: kUnsupported SQL_TYPE_UNSUPPORTED, SQL_NESTED_TEXT
/// (a nested value whose type is not wanted, or not to be had from text), kConflict
/// SQL_SCHEMA_DIFFERS (it is not what is wanted), kCorrupt SQL_ANSWER.
Result<ResultSchema> PlanColumnarResult(const tcli::TTableSchema& server,
                                        const ResultSchemaOptions& options);

/// Of a result in Arrow, whose columns `server` describes too.
Result<ResultSchema> PlanArrowResult(const arrow::Schema& sent, const tcli::TTableSchema& server,
                                     const ResultSchemaOptions& options);

}  // namespace mms::databricks
