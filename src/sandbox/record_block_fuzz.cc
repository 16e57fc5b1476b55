// Any bytes as a record block of a table with every type: refused, or read into rows that come back
// the same when they are written and read again. Checksums count as right here (SumsMatch).
#include "sandbox/memory_body.h"
#include "sandbox/record_block.h"
#include "sandbox/sql/parser.h"

namespace mms::sandbox {
namespace {

using Batches = std::vector<std::shared_ptr<arrow::RecordBatch>>;

Table MakeTable() {
  Table table;
  table.name = {"p", "default", "t"};
  for (const char* type :
       {"tinyint", "bigint", "float", "boolean", "string", "binary", "date", "datetime",
        "timestamp", "timestamp_ntz", "decimal(38,18)", "varchar(3)", "array<int>",
        "map<string,timestamp>", "struct<x:int,y:array<string>,z:map<int,double>>"}) {
    Column column;
    column.name = "c" + std::to_string(table.columns.size());
    column.type = sql::ParseType(type).value();
    table.columns.push_back(column);
  }
  return table;
}

Result<Batches> ReadRowsOf(const std::string& bytes, const Table& table) {
  MemorySource source(bytes, 512);
  Batches batches;
  TRY_VOID(ReadRecordBlock(&source, table, [&](const arrow::RecordBatch& batch) -> Status {
    batches.push_back(batch.Slice(0));
    return OkStatus();
  }));
  return batches;
}

void FuzzRecordBlock(const std::string& bytes) {
  static const Table table = MakeTable();
  auto batches = ReadRowsOf(bytes, table);
  if (!batches) return;
  MemorySink sink;
  RecordBlockWriter writer(&sink, table.columns);
  for (const auto& batch : *batches) CHECK(writer.Write(*batch).has_value());
  CHECK(writer.Finish().has_value());
  auto again = ReadRowsOf(sink.bytes, table);
  CHECK(again.has_value());
  int64_t rows = 0;
  int64_t rows_again = 0;
  for (const auto& batch : *batches) rows += batch->num_rows();
  for (const auto& batch : *again) rows_again += batch->num_rows();
  CHECK(rows == rows_again);
  // One batch each: then the values can be compared, bit by bit but for NaN.
  auto equal = arrow::EqualOptions::Defaults().nans_equal(true);
  if (batches->size() == 1 && again->size() == 1) {
    CHECK(batches->front()->Equals(*again->front(), false, equal));
  }
}

}  // namespace
}  // namespace mms::sandbox

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mms::sandbox::FuzzRecordBlock(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
