// The statements by which a table is read on a cluster or a warehouse. Pure: the same table at the
// same version gives the same text.
//
// Source: Databricks SQL reference: identifiers between back-quotes, a back-quote doubled; in a
// literal a backslash keeps the next letter ('' is no quote: Spark joins the two literals).
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mms::migration {

/// How a table is read by SQL.
struct SqlReading {
  std::string table;               ///< qualified and quoted
  std::optional<int64_t> version;  ///< in every statement; nullopt = the rows of the moment
  bool nested_as_json = false;     ///< the server sends no Arrow

  bool operator==(const SqlReading&) const = default;
};

/// A partition column, and its value in one partition as CAST(... AS STRING) gives it.
struct SqlPartitionValue {
  std::string name;
  std::string delta_type;  ///< "date", "decimal(9,2)", ... as in the Delta schema
  std::optional<std::string> value;
};

std::string QuotedName(std::string_view name);
std::string QuotedTable(const std::vector<std::string>& parts);

/// The condition that holds for the rows of one partition and no others; "" for no columns.
std::string PartitionCondition(const std::vector<SqlPartitionValue>& values);

/// The columns of `schema`, in its order, where `condition` holds.
std::string SelectSql(const SqlReading& reading, const arrow::Schema& schema,
                      const std::string& condition);
/// Positions of the columns that SelectSql makes into JSON.
std::set<size_t> JsonColumns(const SqlReading& reading, const arrow::Schema& schema);

std::string CountSql(const SqlReading& reading, const std::string& condition);
/// A row for each partition: the columns' values as text, then its rows.
std::string PartitionsSql(const SqlReading& reading, const std::vector<std::string>& columns);

}  // namespace mms::migration
