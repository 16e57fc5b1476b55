// DuckDB as the engine behind SELECT: loaded with the first query, in memory, its extensions fixed,
// with the functions it lacks (duckdb_functions.h). Results go to a Parquet file, so that a large
// one costs no memory and is read like any table. Thread-safe: each Run has its own connection.
// Errors: kInvalidInput ODPS-0130071 (DuckDB refused the query), kCancelled, kInternal
// ODPS-0010000.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"

namespace mms::sandbox::sql {

class Engine {
 public:
  Engine();
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  struct Job {
    std::vector<std::string> setup;  ///< statements before the query (temporary views and tables)
    std::string query;
    std::string result_path;  ///< absolute
    const std::atomic<bool>* cancelled = nullptr;
  };
  /// Runs the query into the Parquet file.
  Status Run(const Job& job);

  /// First column of a query's rows, as text; for choosing partitions.
  Result<std::vector<std::string>> FirstColumn(const std::vector<std::string>& setup,
                                               const std::string& query);

 private:
  class Connection;
  Result<std::unique_ptr<Connection>> Connect();

  std::mutex mutex_;
  void* database_ = nullptr;
};

}  // namespace mms::sandbox::sql
