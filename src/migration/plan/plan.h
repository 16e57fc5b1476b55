// What will be done, decided before anything is done. A pure function of (snapshot, options, what
// is at the target already): no network, no clock, no randomness, so that the same table at the
// same version always gives the same plan, block ids included. Dry-run, run and resume all call it.
//
//   table -> units (one per target partition; one for a table without partitions)
//         -> splits (one Tunnel block each, its id fixed here)
//         -> slices (a byte range of one data file: the row groups whose middle lies in it)
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "clients/delta/table.h"
#include "clients/maxcompute/client.h"
#include "clients/maxcompute/types.h"
#include "migration/inspect/snapshot.h"
#include "migration/plan/fidelity.h"
#include "migration/plan/policy.h"

namespace mms::migration {

/// Where a target column's values come from.
enum class Origin {
  kFile,       ///< a column of the data files
  kPartition,  ///< a partition value of the log: a level beyond max_partition_levels
  kNull,       ///< nowhere: the source has no such column
};

struct ColumnPlan {
  std::string source_name;  ///< logical; "" for kNull
  std::string source_type;  ///< Databricks SQL text, for people; "" for kNull
  maxcompute::Column target;
  /// "" = same type; else what changes, e.g. "CHAR(5) becomes STRING, as stored".
  std::string note;
  Origin origin = Origin::kFile;
  int index = 0;  ///< in TablePlan::physical, or in TablePlan::merged
  /// What the value policies may make of its values; only these can be counted later.
  std::vector<Change> may_change;
  int64_t partitions_mapped =
      0;  ///< of a partition column: whose value partition_value_map changed
  /// nullopt for kNull, and in a plan of a release that gave no verdicts.
  std::optional<Fidelity> fidelity = {};

  bool operator==(const ColumnPlan&) const = default;
};

/// Rows that one statement gives: those of a source partition, or of the whole table.
struct SqlPart {
  std::string condition;  ///< of WHERE; "" = all rows
  int64_t rows = 0;       ///< as counted

  bool operator==(const SqlPart&) const = default;
};

/// A byte range of one data file. Its rows are those of the row groups whose middle byte lies in
/// it.
struct FileSlice {
  std::string path;        ///< relative to the table's root, or an absolute URL
  int64_t size_bytes = 0;  ///< of the whole file
  int64_t start = 0;
  int64_t length = 0;
  std::optional<delta::DeletionVector> deletion_vector;
  /// Partition values of its file, parallel to TablePlan::merged; empty when nothing is merged.
  std::vector<std::optional<std::string>> merged_values = {};
  std::string etag = {};            ///< delta::File::etag
  std::optional<SqlPart> sql = {};  ///< set instead of the file; `length` is then an estimate

  bool operator==(const FileSlice&) const = default;
};

struct Split {
  int64_t block_id = 0;
  int64_t bytes = 0;
  std::vector<FileSlice> slices;

  bool operator==(const Split&) const = default;
};

struct UnitPlan {
  maxcompute::PartitionSpec target_partition;  ///< empty for a table without partitions
  /// By the log: numRecords less deletion vectors; or counted by SQL; unknown = nullopt.
  std::optional<int64_t> rows;
  int64_t bytes = 0;
  int64_t files = 0;
  /// Identity of the content: hash over sorted (path, deletion vector) of its files; where no log
  /// names them also size and ETag; by SQL what names the reading and its partitions. Equal = same
  /// rows.
  std::string fingerprint;
  int64_t task = 0;           ///< of a job that has it; 0 = none. Not in its document
  std::vector<Split> splits;  ///< empty when the unit has no file (still committed)
  /// Set when the splits are appended to what an earlier load brought (growth.h); `bytes` and
  /// `files` are then of the splits alone, `rows` and `fingerprint` of all.
  struct Base {
    std::vector<uint64_t> files;  ///< a hash of each, in order
    int64_t rows = 0;
    std::string checksum;  ///< of those rows, as in the ledger
    std::string changes;   ///< likewise

    bool operator==(const Base&) const = default;
  };
  std::optional<Base> base = {};
  /// The partitions of the source that it is of (SourcePartition); empty where there are none, and
  /// in what an earlier release planned.
  std::vector<std::string> sources = {};

  bool operator==(const UnitPlan&) const = default;
};

/// A source column that is not copied.
struct LeftOutColumn {
  std::string source_name;
  std::string physical_name;
  std::string source_type;

  bool operator==(const LeftOutColumn&) const = default;
};

struct TablePlan {
  std::string source_name;
  azure::Location location;
  std::string format = kDeltaFormat;
  std::map<std::string, std::string> options;  ///< Snapshot::options
  int64_t version = 0;                         ///< or kNoVersion
  std::string table_id;
  std::string commit_mark = {};   ///< Snapshot::commit_mark
  std::optional<SqlReading> sql;  ///< set when its rows are read by SQL
  std::string target_table;       ///< without project and schema
  std::string comment;
  std::string column_mapping = "none";
  std::vector<ColumnPlan> columns;  ///< data columns in target order
  std::vector<ColumnPlan> partition_columns;
  std::shared_ptr<arrow::Schema> physical;  ///< columns read from the data files
  std::shared_ptr<arrow::Schema> merged;    ///< columns made of partition values; null = none
  bool at_target = false;                   ///< the table was there when this was planned
  /// Whether the schema of the destination was there; nullopt = none is named, or nobody can tell.
  std::optional<bool> schema_there = {};
  std::string target_id;  ///< TargetId of what was there then; "" = nothing
  /// Target names of `columns` that ALTER TABLE adds to a table that is there.
  std::vector<std::string> add_columns;
  std::vector<LeftOutColumn> left_out;
  /// Target names of `columns` that earlier loads of equal files did not write, though the files
  /// have them (left out before, or under another name): those loads do not count for this plan.
  std::vector<std::string> taken_up;
  TableSettings settings;
  ValuePolicy values;
  std::string choices;  ///< ChoicesId of what it was planned under
  std::vector<std::string> warnings;
  std::vector<UnitPlan> units;
  /// Set where the plan means the whole table: a hash of the name of each partition of the source
  /// that it has no unit of and that no load brought, in order. What else stands at the target was
  /// made there. nullopt = partitions that are not known here are no business of this plan.
  std::optional<std::vector<uint64_t>> not_loaded = {};
  /// Partitions of the source that are not meant, as far as the target can have them. Not in its
  /// document.
  std::vector<maxcompute::PartitionSpec> others = {};
  /// All partitions of the source, as UnitPlan::sources. Not in its document either.
  std::unordered_set<std::string> source_partitions = {};

  maxcompute::TableSchema TargetSchema() const;
  /// Its first statement makes the schema, unless another table's did.
  bool MakesSchema() const { return !at_target && schema_there == false; }
  /// Its source columns by verdict; nullopt when some have none.
  std::optional<FidelityCounts> CountFidelity() const;
};

struct PlanOptions {
  int64_t split_bytes = 64LL << 20;  ///< aimed at; grows so that a unit stays below blocks_max
  int64_t blocks_max = 400;          ///< of one unit: Tunnel takes 500 blocks a table in 5 minutes
  int64_t partitions_max = 60000;
  int partition_levels_max = 6;
  int columns_max = 1200;
  Policy policy;
};

/// Errors (each names table, column or value and what to do): kUnsupported TYPE_UNSUPPORTED,
/// NAME_INVALID, PARTITION_VALUE_INVALID, PARTITION_LEVELS, kLimitReached COLUMNS_LIMIT,
/// PARTITIONS_LIMIT, kConflict NAME_COLLISION, PARTITION_COLLISION, TARGET_SCHEMA_DIFFERS (a line
/// per column); kInvalidInput TABLE_SETTINGS; kCorrupt DELTA_SCHEMA_INVALID; the snapshot's own
/// refusal. `at_target`: what stands there under the table's name; nullopt = nothing. `refusals`,
/// where given, gets the verdicts of a table that is refused for its columns. Linear in the number
/// of files but for sorting; keeps one copy of each path.
Result<TablePlan> MakePlan(const Snapshot& snapshot, const PlanOptions& options,
                           const std::optional<maxcompute::TableInfo>& at_target,
                           ColumnRefusals* refusals = nullptr);

/// Loads made under `before` count for `plan` only where the files are equal and every column that
/// `plan` copies was copied: fills `taken_up` and puts it into the units' fingerprints.
void FollowEarlierPlan(const TablePlan& before, TablePlan* plan);

/// Name of the target table (without project and schema), known before the log is read, so that the
/// caller can find two source tables that want one target. Errors: kUnsupported NAME_INVALID.
Result<std::string> TargetTableName(const SourceTable& source, const Policy& policy);

/// Name for SQL: `project`.`schema`.`table`, or `project`.`table` in a project without schemas.
std::string QualifiedTableName(const maxcompute::Options& target, const std::string& table);

/// A statement and the settings that MaxCompute needs beside it.
struct Ddl {
  std::string statement;
  std::map<std::string, std::string> settings;
};

/// The CREATE SCHEMA statement (IF NOT EXISTS) of a target that names one.
Ddl CreateSchemaSql(const maxcompute::Options& target);

/// The CREATE TABLE statement (IF NOT EXISTS). `table_name` is qualified and quoted already.
Ddl CreateTableSql(const TablePlan& plan, const std::string& table_name);
/// ALTER TABLE ADD COLUMNS (IF NOT EXISTS) for those of `names` (target names, of plan.columns).
Ddl AddColumnsSql(const TablePlan& plan, const std::vector<std::string>& names,
                  const std::string& table_name);
/// ALTER TABLE ADD IF NOT EXISTS PARTITION statements, each below `bytes_max` and 1,000 partitions.
std::vector<std::string> AddPartitionSql(const std::vector<maxcompute::PartitionSpec>& partitions,
                                         const std::string& table_name, size_t bytes_max = 1 << 20);

/// ALTER TABLE DROP IF EXISTS PARTITION statements, likewise.
std::vector<std::string> DropPartitionSql(const std::vector<maxcompute::PartitionSpec>& partitions,
                                          const std::string& table_name,
                                          size_t bytes_max = 1 << 20);

/// What a table that was just made or altered has otherwise than the plan, a line per column, by
/// position; empty = as planned.
std::vector<std::string> DiffSchema(const maxcompute::TableSchema& wanted,
                                    const maxcompute::TableSchema& found);

/// The ledger's and the worker's form. A table's document does not hold its units.
nlohmann::json ToJson(const TablePlan& plan);
Result<TablePlan> TablePlanFromJson(const nlohmann::json& document);
nlohmann::json ToJson(const UnitPlan& unit);
Result<UnitPlan> UnitPlanFromJson(const nlohmann::json& document);
nlohmann::json ToJson(const Split& split);
Result<Split> SplitFromJson(const nlohmann::json& document);
nlohmann::json ToJson(const maxcompute::PartitionSpec& partition);
Result<maxcompute::PartitionSpec> PartitionFromJson(const nlohmann::json& document);

}  // namespace mms::migration
