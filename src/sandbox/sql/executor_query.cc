// SELECT: the rows go to a Parquet file, from which the tunnel and the CSV answer read them.
#include <set>

#include "sandbox/result_file.h"
#include "sandbox/sql/duckdb_type.h"
#include "sandbox/sql/executor.h"
#include "sandbox/sql/insert_shape.h"
#include "sandbox/sql/row_writer.h"

namespace mms::sandbox::sql {
namespace {

/// The file's columns: each name once, with their MaxCompute types (result_file.h).
std::shared_ptr<arrow::Schema> ResultSchema(const std::vector<ResultColumn>& columns) {
  std::vector<Column> shown;
  std::set<std::string> names;
  for (size_t i = 0; i < columns.size(); ++i) {
    Column column;
    column.name = columns[i].name;
    if (!names.insert(column.name).second) column.name = "_c" + std::to_string(i);
    column.type = columns[i].type.value_or(ColumnType());
    shown.push_back(std::move(column));
  }
  return ResultFileSchema(shown);
}

/// SELECT that casts each column to what leaves the engine.
std::string ExportText(const RowSource& source) {
  std::string items;
  std::string names;
  for (size_t i = 0; i < source.columns.size(); ++i) {
    std::string name = "c" + std::to_string(i);
    ColumnType type = source.columns[i].type.value_or(ColumnType());
    items += (i == 0 ? "" : ", ") + CastTo(type, "q." + name);
    names += (i == 0 ? "" : ", ") + name;
  }
  return "SELECT " + items + " FROM (" + source.text + ") AS q(" + names + ")";
}

}  // namespace

Result<SqlOutcome> Executor::RunQuery(const Query& query, const SqlContext& context) {
  TRY(auto session, engine_->Begin(context.cancelled));
  Sources sources(Tools(), session.get(), context.instance_id);
  TRY(RowSource source, Prepare(query, session.get(), &sources, context));
  SqlOutcome outcome;
  outcome.is_select = true;
  outcome.result_path = Storage::ResultPath(context.instance_id);
  auto schema = ResultSchema(source.columns);
  TRY(auto writer, ParquetBlockWriter::Open(storage_->Absolute(outcome.result_path), schema));
  TRY_VOID(
      session->Stream(ExportText(source), [&](std::shared_ptr<arrow::RecordBatch> batch) -> Status {
        TRY(auto rows, ConformRows(*batch, schema));
        return writer->Write(*rows);
      }));
  TRY(int64_t ignored_bytes, writer->Close());
  (void)ignored_bytes;
  return outcome;
}

}  // namespace mms::sandbox::sql
