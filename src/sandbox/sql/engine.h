// DuckDB as the engine behind queries: loaded with the first one, in memory, spilling to a folder
// when its memory limit is reached, its extensions fixed, with the functions it lacks
// (duckdb_functions.h). Rows come as Arrow batches while the query runs, so that a large result
// costs no memory. Engine is thread-safe; a Session belongs to one thread.
//
// Errors: kInvalidInput ODPS-0130071 (the query is wrong), ODPS-0123091 (a value cannot be cast),
// ODPS-0121095 (a value is out of range); kLimitReached ODPS-0010000 (memory), kCancelled,
// kInternal ODPS-0010000.
#pragma once

#include <arrow/record_batch.h>
#include <duckdb.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "sandbox/column_type.h"

namespace mms::sandbox::sql {

/// A column of a query's result; no type = it holds nothing but NULL.
struct ResultColumn {
  std::string name;
  std::string duckdb_type;
  std::optional<ColumnType> type;
};

class Session {
 public:
  Session(duckdb_connection connection, const std::atomic<bool>* cancelled)
      : connection_(connection), cancelled_(cancelled) {}
  ~Session() { duckdb_disconnect(&connection_); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Status Execute(const std::string& statement);
  Result<std::vector<ResultColumn>> Describe(const std::string& query);
  /// First column of a query's rows, as text; for choosing partitions.
  Result<std::vector<std::string>> FirstColumn(const std::string& query);

  /// For names that no other temporary object of the session has.
  int NextNumber() { return next_number_++; }

  using BatchVisitor = std::function<Status(std::shared_ptr<arrow::RecordBatch>)>;
  /// Runs the query and visits its rows in order. Instants come in microseconds.
  Status Stream(const std::string& query, const BatchVisitor& visit);

 private:
  Result<std::vector<std::vector<std::string>>> Rows(const std::string& query);

  duckdb_connection connection_;
  const std::atomic<bool>* cancelled_;
  int next_number_ = 0;
};

class Engine {
 public:
  /// `spill_dir`: where DuckDB puts what does not fit into its memory; made when needed.
  explicit Engine(std::string spill_dir) : spill_dir_(std::move(spill_dir)) {}
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// `cancelled` (may be nullptr) ends what the session runs.
  Result<std::unique_ptr<Session>> Begin(const std::atomic<bool>* cancelled);

 private:
  std::string spill_dir_;
  std::mutex mutex_;
  duckdb_database database_ = nullptr;
  bool ready_ = false;
};

}  // namespace mms::sandbox::sql
