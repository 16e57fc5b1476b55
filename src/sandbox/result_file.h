// The Parquet file that holds a query's result. Its fields carry MaxCompute's types as metadata,
// because Arrow's alone do not tell CHAR, VARCHAR and JSON from STRING. Pure functions, any thread.
// Errors: as parquet_file.h.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "sandbox/table.h"

namespace mms::sandbox {

/// The schema to write; instants are in microseconds, as queries count them.
std::shared_ptr<arrow::Schema> ResultFileSchema(const std::vector<Column>& columns);

struct ResultShape {
  std::vector<Column> columns;
  std::shared_ptr<arrow::Schema> schema;
  int64_t rows = 0;
};
Result<ResultShape> ReadResultShape(const std::string& path);

}  // namespace mms::sandbox
