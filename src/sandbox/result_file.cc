#include "sandbox/result_file.h"

#include <arrow/util/key_value_metadata.h>

#include "sandbox/parquet_file.h"
#include "sandbox/sql/parser.h"

namespace mms::sandbox {
namespace {

constexpr char kTypeKey[] = "maxcompute.type";

}  // namespace

std::shared_ptr<arrow::Schema> ResultFileSchema(const std::vector<Column>& columns) {
  arrow::FieldVector fields;
  for (const Column& column : columns) {
    auto metadata = arrow::key_value_metadata({kTypeKey}, {column.type.ToText()});
    fields.push_back(arrow::field(column.name, column.type.ToArrow(TimestampForm::kMicro),
                                  /*nullable=*/true, metadata));
  }
  return arrow::schema(std::move(fields));
}

Result<ResultShape> ReadResultShape(const std::string& path) {
  TRY(auto shape, ReadParquetShape(path));
  ResultShape result{{}, shape.first, shape.second};
  for (const auto& field : shape.first->fields()) {
    int at = field->HasMetadata() ? field->metadata()->FindKey(kTypeKey) : -1;
    if (at < 0) {
      return Error(ErrorKind::kCorrupt, "InternalServerError",
                   "the result file " + path + " does not tell the type of column " +
                       field->name() + "; run the query again");
    }
    Column column;
    column.name = field->name();
    TRY(column.type, sql::ParseType(field->metadata()->value(at)));
    result.columns.push_back(std::move(column));
  }
  return result;
}

}  // namespace mms::sandbox
