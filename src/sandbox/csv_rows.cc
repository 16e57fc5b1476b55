#include "sandbox/csv_rows.h"

#include "sandbox/value_text.h"

namespace mms::sandbox {

Result<std::string> CsvRows(const std::vector<std::string>& names, const RowRange& range,
                            const std::shared_ptr<arrow::Schema>& schema) {
  std::string csv;
  for (const std::string& name : names) csv += (csv.empty() ? "" : ",") + CsvQuoted(name);
  csv += "\n";
  TRY_VOID(ReadRows(range, schema, [&](const arrow::RecordBatch& batch) -> Status {
    for (int64_t row = 0; row < batch.num_rows(); ++row) {
      for (int column = 0; column < batch.num_columns(); ++column) {
        if (column > 0) csv += ",";
        csv += CsvCell(*batch.column(column), row);
      }
      csv += "\n";
    }
    return OkStatus();
  }));
  return csv;
}

}  // namespace mms::sandbox
