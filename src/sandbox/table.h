// The schema of a table as the catalog keeps it, with the name, partition-value and size rules of
// MaxCompute
// ("MaxCompute SQL limits" and "Partition" in the MaxCompute reference).
// Values only, any thread. Errors carry MaxCompute's codes.
#pragma once

#include <arrow/type.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "sandbox/column_type.h"

namespace mms::sandbox {

struct Column {
  std::string name;  ///< lower case
  ColumnType type;
  std::string comment;
  bool nullable = true;
  std::string default_text;  ///< the literal as written; empty = none
  /// The name in blocks and files; "" = name. It differs after a rename, so that older files need
  /// no change.
  std::string stored_name;

  const std::string& file_name() const { return stored_name.empty() ? name : stored_name; }
};

/// [RANGE] CLUSTERED BY: how the real service would arrange the rows; the sandbox keeps the words.
struct Clustering {
  bool range = false;
  std::vector<std::string> columns;
  std::vector<std::pair<std::string, bool>> sort;  ///< column, descending
  int buckets = 0;                                 ///< 0 = not said (range only)
};

struct TableName {
  std::string project;
  std::string schema;
  std::string table;
  std::string ToText() const { return project + "." + schema + "." + table; }
};

struct Table {
  int64_t id = 0;
  TableName name;
  std::vector<Column> columns;
  std::vector<Column> partition_columns;
  std::vector<std::string> primary_key;
  std::optional<Clustering> clustering;
  std::vector<std::string> retired_names;  ///< file names of dropped columns: not to be used again
  std::string owner;                       ///< "" = the sandbox's own account
  std::string comment;
  int lifecycle_days = -1;  ///< -1 = none
  std::map<std::string, std::string> properties;
  int64_t created_s = 0;
  int64_t modified_s = 0;
  int64_t ddl_s = 0;

  bool partitioned() const { return !partition_columns.empty(); }
  bool transactional() const;
  /// The data column of that name, or nullptr.
  Column* FindColumn(std::string_view column);
  /// Gives a new column a file name that no file of this table has used for another column.
  void AddColumn(Column column);
  /// Data columns only, under their file names: what blocks and files hold.
  std::shared_ptr<arrow::Schema> ArrowSchema() const;
};

/// The part of a table that is stored as JSON text (not id, name and times), and back.
std::string TableToJson(const Table& table);
Status TableFromJson(std::string_view json, Table* table);

/// ASCII lower case: MaxCompute's names are case-insensitive.
std::string LowerName(std::string_view name);
std::string UpperName(std::string_view name);

/// A letter, then letters, digits and underscores, at most 128 bytes.
Status CheckTableName(std::string_view name);
/// Letters, digits, underscores and non-ASCII letters, at most 128 bytes.
Status CheckColumnName(std::string_view name);
/// All rules of a new table: names, duplicates, types, counts, comments, primary key.
Status CheckTable(const Table& table, bool extended_scale);

/// One partition, "pt=a/hh=01" in canonical form; empty for the data of a table without partitions.
using PartitionSpec = std::string;

/// Key and value pairs of "pt='a',hh=01" or "pt=a/hh=01", values quoted or not, as REST (quoted)
/// and tunnel (bare) requests carry them. Errors: kInvalidInput InvalidPartitionSpec.
Result<std::vector<std::pair<std::string, std::string>>> SplitPartitionText(std::string_view text);

/// Checks pairs against the table's partition columns (all of them, any order) and makes the
/// canonical spec. Integer values lose leading zeros.
Result<PartitionSpec> MakePartitionSpec(
    const Table& table, const std::vector<std::pair<std::string, std::string>>& pairs);

/// Values of a canonical spec in column order.
std::vector<std::string> PartitionValues(std::string_view spec);

inline constexpr size_t kPartitionLevelsMax = 6;
inline constexpr size_t kColumnsMax = 1'200;
inline constexpr size_t kPartitionsMax = 60'000;
inline constexpr size_t kCellBytesMax = 8 << 20;

}  // namespace mms::sandbox
