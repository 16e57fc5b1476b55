// Stored rows as CSV text: a header, then one line a row (value_text.h), as results of queries and
// previews of tables are given. Pure function, any thread. Errors: as ReadRows.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sandbox/parquet_file.h"

namespace mms::sandbox {

inline constexpr int64_t kCsvRowsMax = 10'000;

/// `names`: the header, a name for each field of `schema`.
Result<std::string> CsvRows(const std::vector<std::string>& names, const RowRange& range,
                            const std::shared_ptr<arrow::Schema>& schema);

}  // namespace mms::sandbox
