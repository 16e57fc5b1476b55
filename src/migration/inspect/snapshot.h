// What one source table is, at one pinned Delta version or with the files a listing found:
// everything planning needs, nothing of its rows. A value type; made by inspect.h, read by plan/.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/byte_count.h"
#include "base/result.h"
#include "clients/azure/location.h"
#include "clients/delta/table.h"
#include "migration/inspect/partition_selection.h"
#include "migration/inspect/sql_statement.h"
#include "migration/inspect/table_settings.h"

namespace mms::migration {

/// The version of a table whose source counts none: nothing is pinned.
inline constexpr int64_t kNoVersion = -1;

/// What a table's rows lie in. "delta" has a log; "parquet", "orc", "csv" and "json" are folders of
/// files, and their columns are the catalog's.
inline constexpr char kDeltaFormat[] = "delta";

/// A table as listed, before its log is read.
struct SourceTable {
  std::string name;        ///< "main.sales.orders", or the location's text when there is no catalog
  std::string schema;      ///< "sales"; "" without a catalog
  std::string table;       ///< "orders"; last folder of the location without a catalog
  std::string catalog_id;  ///< Unity Catalog's table_id; "" without a catalog
  std::string target_as;   ///< target table name asked for by the user; "" = `table`
  TableSettings settings;  ///< of the entry of `tables:` that chose it first
  std::string format = kDeltaFormat;
  azure::Location location;
  std::string comment;
  std::map<std::string, std::string> column_comments;  ///< by top-level column name
  /// Why it cannot be read at all (a view, a row filter, a format we do not read); refused by name.
  std::optional<Error> refusal;
  /// What a job copies of it; null = what settings.partitions says.
  std::shared_ptr<const PartitionSelection> selection = {};
  bool by_sql = false;                ///< its rows are read by SQL, not from its files
  std::vector<std::string> warnings;  ///< for the plan
  ByteCount bytes_read = {};          ///< what its log, its files or SQL give is added to it
};

struct Snapshot {
  SourceTable source;
  int64_t version = 0;   ///< or kNoVersion
  std::string table_id;  ///< without a version: another one whenever a file or the catalog differs
  std::string commit_mark = {};  ///< delta::TableInfo::commit_mark; "" = not known
  /// Of a format's reader, by lower-case name; empty for Delta.
  std::map<std::string, std::string> options;
  std::vector<std::string> warnings;
  std::string column_mapping = "none";
  std::shared_ptr<arrow::Schema> logical;      ///< all columns, partition columns included
  std::shared_ptr<arrow::Schema> physical;     ///< data columns as in the files, in logical order
  std::vector<std::string> partition_columns;  ///< logical names, level order
  std::map<std::string, std::string> physical_names;  ///< logical top-level name -> physical
  std::string schema_json;                            ///< Delta schema, to tell types Arrow cannot
  /// Sorted by path. Of a table read by SQL: its partitions, without size.
  std::vector<delta::File> files;
  std::optional<SqlReading> sql;  ///< set when its rows are read by SQL
  std::string reading;            ///< then: equal only where the rows are the same
};

}  // namespace mms::migration
