#include "clients/databricks/columnar_rows.h"

#include <arrow/array.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>
#include <tcli_service_types.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "clients/databricks/arrow_error.h"
#include "clients/databricks/nested_text.h"
#include "clients/databricks/value_text.h"

namespace mms::databricks {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;
using tcli::TColumn;

bool IsNull(const std::string& nulls, size_t row) {
  const size_t byte = row / 8;
  return byte < nulls.size() && (static_cast<unsigned char>(nulls[byte]) >> (row % 8) & 1) != 0;
}

/// A byte a row, 1 = there is a value: what Arrow's builders take.
std::vector<uint8_t> ValidBytes(const std::string& nulls, size_t rows) {
  std::vector<uint8_t> valid(rows);
  for (size_t row = 0; row < rows; ++row) valid[row] = IsNull(nulls, row) ? 0 : 1;
  return valid;
}

Error WrongCarrier(const ResultColumn& column) {
  return Error(ErrorKind::kCorrupt, "SQL_ANSWER",
               fmt::format("column {} does not hold what its type {} is sent as", column.name,
                           column.type->ToString()));
}

Result<ArrayPtr> Finish(arrow::ArrayBuilder& builder) {
  ArrayPtr array;
  TRY_VOID(FromArrow(builder.Finish(&array)));
  return array;
}

template <class Builder, class Value>
Result<ArrayPtr> MakeNumbers(const std::vector<Value>& values, const std::string& nulls) {
  Builder builder;
  const std::vector<uint8_t> valid = ValidBytes(nulls, values.size());
  TRY_VOID(FromArrow(
      builder.AppendValues(values.data(), static_cast<int64_t>(values.size()), valid.data())));
  return Finish(builder);
}

Result<ArrayPtr> MakeFloats(const tcli::TDoubleColumn& carrier) {
  std::vector<float> narrow(carrier.values.size());
  for (size_t i = 0; i < narrow.size(); ++i) narrow[i] = static_cast<float>(carrier.values[i]);
  return MakeNumbers<arrow::FloatBuilder>(narrow, carrier.nulls);
}

Result<ArrayPtr> MakeBooleans(const tcli::TBoolColumn& carrier) {
  arrow::BooleanBuilder builder;
  const std::vector<uint8_t> valid = ValidBytes(carrier.nulls, carrier.values.size());
  TRY_VOID(FromArrow(
      builder.AppendValues(carrier.values, std::vector<bool>(valid.begin(), valid.end()))));
  return Finish(builder);
}

/// A value of text in the column's form.
Status AppendForm(std::string_view text, const ResultColumn& column, arrow::ArrayBuilder& builder) {
  switch (column.form) {
    case ColumnForm::kHiveText:
      return AppendNestedText(text, NestedForm::kHive, *column.type, builder);
    case ColumnForm::kJsonText:
      return AppendNestedText(text, NestedForm::kJson, *column.type, builder);
    case ColumnForm::kPlain:
    case ColumnForm::kTextAsIs:
    case ColumnForm::kRetyped:
    case ColumnForm::kDecimalText: break;
  }
  return AppendText(text, *column.type, builder);
}

Error At(Error error, const ResultColumn& column) {
  return std::move(error).At("column " + column.name);
}

Result<ArrayPtr> MakeFromText(const std::vector<std::string>& values, const std::string& nulls,
                              const ResultColumn& column) {
  std::unique_ptr<arrow::ArrayBuilder> builder;
  TRY_VOID(FromArrow(arrow::MakeBuilder(arrow::default_memory_pool(), column.type, &builder)));
  TRY_VOID(FromArrow(builder->Reserve(static_cast<int64_t>(values.size()))));
  for (size_t row = 0; row < values.size(); ++row) {
    Status appended = IsNull(nulls, row) ? FromArrow(builder->AppendNull())
                                         : AppendForm(values[row], column, *builder);
    if (!appended) return At(std::move(appended).error(), column);
  }
  return Finish(*builder);
}

/// Every value of a column of type NULL is null, whatever the carrier.
Result<ArrayPtr> MakeNulls(const ResultColumn& column, int64_t rows) {
  auto array = arrow::MakeArrayOfNull(column.type, rows);
  if (!array.ok()) return FromArrow(array.status()).error();
  return *array;
}

Result<int64_t> CountRows(const TColumn& column) {
  const auto size = [](const auto& carrier) { return static_cast<int64_t>(carrier.values.size()); };
  if (column.__isset.boolVal) return size(column.boolVal);
  if (column.__isset.byteVal) return size(column.byteVal);
  if (column.__isset.i16Val) return size(column.i16Val);
  if (column.__isset.i32Val) return size(column.i32Val);
  if (column.__isset.i64Val) return size(column.i64Val);
  if (column.__isset.doubleVal) return size(column.doubleVal);
  if (column.__isset.stringVal) return size(column.stringVal);
  if (column.__isset.binaryVal) return size(column.binaryVal);
  return Error(ErrorKind::kCorrupt, "SQL_ANSWER", "a column comes without values");
}

Result<ArrayPtr> Decode(const TColumn& sent, const ResultColumn& column, int64_t rows) {
  using arrow::Type;
  if (column.server_type == tcli::TTypeId::NULL_TYPE) return MakeNulls(column, rows);
  const Type::type type = column.type->id();
  if (type == Type::BOOL && sent.__isset.boolVal) return MakeBooleans(sent.boolVal);
  if (type == Type::INT8 && sent.__isset.byteVal) {
    return MakeNumbers<arrow::Int8Builder>(sent.byteVal.values, sent.byteVal.nulls);
  }
  if (type == Type::INT16 && sent.__isset.i16Val) {
    return MakeNumbers<arrow::Int16Builder>(sent.i16Val.values, sent.i16Val.nulls);
  }
  if (type == Type::INT32 && sent.__isset.i32Val) {
    return MakeNumbers<arrow::Int32Builder>(sent.i32Val.values, sent.i32Val.nulls);
  }
  if (type == Type::INT64 && sent.__isset.i64Val) {
    return MakeNumbers<arrow::Int64Builder>(sent.i64Val.values, sent.i64Val.nulls);
  }
  if (type == Type::FLOAT && sent.__isset.doubleVal) return MakeFloats(sent.doubleVal);
  if (type == Type::DOUBLE && sent.__isset.doubleVal) {
    return MakeNumbers<arrow::DoubleBuilder>(sent.doubleVal.values, sent.doubleVal.nulls);
  }
  if (type == Type::BINARY && sent.__isset.binaryVal) {
    return MakeFromText(sent.binaryVal.values, sent.binaryVal.nulls, column);
  }
  const bool numeric = arrow::is_integer(type) || type == Type::BOOL || type == Type::BINARY ||
                       type == Type::FLOAT || type == Type::DOUBLE;
  if (numeric || !sent.__isset.stringVal) return WrongCarrier(column);
  return MakeFromText(sent.stringVal.values, sent.stringVal.nulls, column);
}

}  // namespace

Result<int64_t> CountColumnarRows(const tcli::TRowSet& rows) {
  if (rows.columns.empty()) return 0;
  TRY(const int64_t count, CountRows(rows.columns[0]));
  for (const TColumn& column : rows.columns) {
    TRY(const int64_t own, CountRows(column));
    if (own != count) {
      return Error(ErrorKind::kCorrupt, "SQL_ANSWER",
                   fmt::format("one column comes with {} rows and another with {}", count, own));
    }
  }
  return count;
}

Result<std::shared_ptr<arrow::RecordBatch>> DecodeColumnarRows(const tcli::TRowSet& rows,
                                                               const ResultSchema& schema) {
  TRY(const int64_t count, CountColumnarRows(rows));
  if (rows.columns.size() != schema.columns.size()) {
    return Error(ErrorKind::kCorrupt, "SQL_ANSWER",
                 fmt::format("the server describes {} columns and sends {}", schema.columns.size(),
                             rows.columns.size()));
  }
  arrow::ArrayVector arrays;
  for (size_t i = 0; i < rows.columns.size(); ++i) {
    TRY(ArrayPtr array, Decode(rows.columns[i], schema.columns[i], count));
    arrays.push_back(std::move(array));
  }
  return arrow::RecordBatch::Make(schema.arrow, count, std::move(arrays));
}

Result<ArrayPtr> DecodeTextArray(const arrow::Array& text, const ResultColumn& column) {
  if (text.type_id() != arrow::Type::STRING) return WrongCarrier(column);
  const auto& strings = static_cast<const arrow::StringArray&>(text);
  std::unique_ptr<arrow::ArrayBuilder> builder;
  TRY_VOID(FromArrow(arrow::MakeBuilder(arrow::default_memory_pool(), column.type, &builder)));
  TRY_VOID(FromArrow(builder->Reserve(strings.length())));
  for (int64_t row = 0; row < strings.length(); ++row) {
    Status appended = strings.IsNull(row) ? FromArrow(builder->AppendNull())
                                          : AppendForm(strings.GetView(row), column, *builder);
    if (!appended) return At(std::move(appended).error(), column);
  }
  return Finish(*builder);
}

}  // namespace mms::databricks
