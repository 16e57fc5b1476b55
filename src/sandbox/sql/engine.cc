#include "sandbox/sql/engine.h"

#include <arrow/c/bridge.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <thread>
#include <utility>

#include "sandbox/sql/duckdb_functions.h"
#include "sandbox/sql/duckdb_type.h"
#include "sandbox/sql/function_forms.h"

namespace mms::sandbox::sql {
namespace {

/// Two cores and a gigabyte: the sandbox shares the machine with the client under test.
constexpr std::array<std::pair<const char*, const char*>, 5> kSettings{{
    {"memory_limit", "1GB"},
    {"threads", "2"},
    {"autoinstall_known_extensions", "false"},
    {"autoload_known_extensions", "false"},
    {"preserve_insertion_order", "true"},
}};

/// DuckDB's kind of error, by the prefix of its text, as MaxCompute's.
struct ErrorForm {
  std::string_view prefix;
  ErrorKind kind;
  const char* code;
  std::string_view text;
};
constexpr std::array<ErrorForm, 11> kErrors{{
    {"Conversion Error", ErrorKind::kInvalidInput, "ODPS-0123091", "Illegal type cast - "},
    {"Out of Range Error", ErrorKind::kInvalidInput, "ODPS-0121095", "Invalid argument - "},
    {"Invalid Input Error", ErrorKind::kInvalidInput, "ODPS-0121095", "Invalid argument - "},
    {"Out of Memory Error", ErrorKind::kLimitReached, "ODPS-0010000", ""},
    {"INTERRUPT Error", ErrorKind::kCancelled, "ODPS-0010000", ""},
    {"IO Error", ErrorKind::kInternal, "ODPS-0010000", ""},
    {"INTERNAL Error", ErrorKind::kInternal, "ODPS-0010000", ""},
    {"Fatal Error", ErrorKind::kInternal, "ODPS-0010000", ""},
    {"Serialization Error", ErrorKind::kInternal, "ODPS-0010000", ""},
    {"TransactionContext Error", ErrorKind::kInternal, "ODPS-0010000", ""},
    {"", ErrorKind::kInvalidInput, "ODPS-0130071", "[1,1] Semantic analysis exception - "},
}};

Error Failed(const char* message) {
  std::string text = message == nullptr ? "the query failed" : message;
  // What follows is DuckDB's own query, which the client did not write.
  text = text.substr(0, text.find("\n\nLINE "));
  while (text.ends_with('\n')) text.pop_back();
  for (const ErrorForm& form : kErrors) {
    if (!text.starts_with(form.prefix)) continue;
    std::string rest = text;
    size_t colon = text.find(": ");
    if (!form.text.empty() && colon != std::string::npos) rest = text.substr(colon + 2);
    return Error(form.kind, form.code, std::string(form.text) + rest);
  }
  return Error(ErrorKind::kInternal, "ODPS-0010000", text);
}

Error Cancelled() {
  return Error(ErrorKind::kCancelled, "ODPS-0010000", "the instance was cancelled");
}

Status FromData(duckdb_error_data data) {
  if (data == nullptr) return OkStatus();
  bool bad = duckdb_error_data_has_error(data);
  Error error = Failed(bad ? duckdb_error_data_message(data) : nullptr);
  duckdb_destroy_error_data(&data);
  if (bad) return error;
  return OkStatus();
}

/// Interrupts the connection's query once `cancelled` is set; DuckDB polls for it itself.
class CancelWatch {
 public:
  CancelWatch(duckdb_connection connection, const std::atomic<bool>* cancelled) {
    if (cancelled == nullptr) return;
    thread_ = std::thread([this, connection, cancelled] {
      std::unique_lock lock(mutex_);
      while (!ended_.wait_for(lock, std::chrono::milliseconds(50), [&] { return done_; })) {
        if (*cancelled) duckdb_interrupt(connection);
      }
    });
  }
  ~CancelWatch() {
    {
      std::lock_guard lock(mutex_);
      done_ = true;
    }
    ended_.notify_all();
    if (thread_.joinable()) thread_.join();
  }
  CancelWatch(const CancelWatch&) = delete;
  CancelWatch& operator=(const CancelWatch&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  bool done_ = false;
  std::thread thread_;
};

/// A running query; frees what DuckDB gave.
class Running {
 public:
  ~Running() {
    duckdb_destroy_arrow_options(&options_);
    duckdb_destroy_result(&result_);
    duckdb_destroy_prepare(&prepared_);
  }
  Running() = default;
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  Status Start(duckdb_connection connection, const std::string& query) {
    if (duckdb_prepare(connection, query.c_str(), &prepared_) == DuckDBError) {
      return Failed(duckdb_prepare_error(prepared_));
    }
    if (duckdb_execute_prepared_streaming(prepared_, &result_) == DuckDBError) {
      return Failed(duckdb_result_error(&result_));
    }
    duckdb_connection_get_arrow_options(connection, &options_);
    return Schema();
  }

  /// nullptr at the end.
  Result<std::shared_ptr<arrow::RecordBatch>> Next() {
    duckdb_data_chunk chunk = duckdb_fetch_chunk(result_);
    if (chunk == nullptr) {
      const char* message = duckdb_result_error(&result_);
      if (message != nullptr && *message != '\0') return Failed(message);
      return std::shared_ptr<arrow::RecordBatch>();
    }
    ArrowArray array{};
    Status converted = FromData(duckdb_data_chunk_to_arrow(options_, chunk, &array));
    duckdb_destroy_data_chunk(&chunk);
    TRY_VOID(std::move(converted));
    auto batch = arrow::ImportRecordBatch(&array, schema_);
    if (!batch.ok()) {
      return Error(ErrorKind::kInternal, "ODPS-0010000", batch.status().ToString());
    }
    return std::move(batch).ValueUnsafe();
  }

 private:
  Status Schema() {
    std::vector<duckdb_logical_type> types;
    std::vector<const char*> names;
    for (idx_t i = 0; i < duckdb_column_count(&result_); ++i) {
      types.push_back(duckdb_column_logical_type(&result_, i));
      names.push_back(duckdb_column_name(&result_, i));
    }
    ArrowSchema made{};
    Status status =
        FromData(duckdb_to_arrow_schema(options_, types.data(), names.data(), types.size(), &made));
    for (duckdb_logical_type& type : types) duckdb_destroy_logical_type(&type);
    TRY_VOID(std::move(status));
    auto schema = arrow::ImportSchema(&made);
    if (!schema.ok()) {
      return Error(ErrorKind::kInternal, "ODPS-0010000", schema.status().ToString());
    }
    schema_ = std::move(schema).ValueUnsafe();
    return OkStatus();
  }

  duckdb_prepared_statement prepared_ = nullptr;
  duckdb_result result_{};
  duckdb_arrow_options options_ = nullptr;
  std::shared_ptr<arrow::Schema> schema_;
};

}  // namespace

Result<std::vector<std::vector<std::string>>> Session::Rows(const std::string& query) {
  CancelWatch watch(connection_, cancelled_);
  duckdb_result result;
  if (duckdb_query(connection_, query.c_str(), &result) == DuckDBError) {
    Error error = Failed(duckdb_result_error(&result));
    duckdb_destroy_result(&result);
    if (cancelled_ != nullptr && *cancelled_) return Cancelled();
    return error;
  }
  std::vector<std::vector<std::string>> rows(duckdb_row_count(&result));
  for (idx_t row = 0; row < rows.size(); ++row) {
    for (idx_t column = 0; column < duckdb_column_count(&result); ++column) {
      char* value = duckdb_value_varchar(&result, column, row);
      rows[row].emplace_back(value == nullptr ? "" : value);
      duckdb_free(value);
    }
  }
  duckdb_destroy_result(&result);
  return rows;
}

Status Session::Execute(const std::string& statement) {
  TRY(auto rows, Rows(statement));
  (void)rows;
  return OkStatus();
}

Result<std::vector<ResultColumn>> Session::Describe(const std::string& query) {
  TRY(auto rows, Rows("DESCRIBE " + query));
  std::vector<ResultColumn> columns;
  for (auto& row : rows) {
    TRY(auto type, FromDuckDbType(row[1]));
    columns.push_back({std::move(row[0]), std::move(row[1]), std::move(type)});
  }
  return columns;
}

Result<std::vector<std::string>> Session::FirstColumn(const std::string& query) {
  TRY(auto rows, Rows(query));
  std::vector<std::string> values;
  for (auto& row : rows) values.push_back(std::move(row[0]));
  return values;
}

Status Session::Stream(const std::string& query, const BatchVisitor& visit) {
  CancelWatch watch(connection_, cancelled_);
  Status status = [&]() -> Status {
    Running running;
    TRY_VOID(running.Start(connection_, query));
    while (true) {
      TRY(auto batch, running.Next());
      if (batch == nullptr) return OkStatus();
      TRY_VOID(visit(std::move(batch)));
    }
  }();
  if (cancelled_ != nullptr && *cancelled_) return Cancelled();
  return status;
}

Engine::~Engine() {
  if (database_ != nullptr) duckdb_close(&database_);
}

Result<std::unique_ptr<Session>> Engine::Begin(const std::atomic<bool>* cancelled) {
  std::lock_guard lock(mutex_);
  if (database_ == nullptr) {
    duckdb_config config = nullptr;
    (void)duckdb_create_config(&config);
    for (const auto& [name, value] : kSettings) {
      (void)duckdb_set_config(config, name, value);  // an unknown name shows at open
    }
    (void)duckdb_set_config(config, "temp_directory", spill_dir_.c_str());
    char* message = nullptr;
    duckdb_state state = duckdb_open_ext(nullptr, &database_, config, &message);
    duckdb_destroy_config(&config);
    if (state == DuckDBError) {
      database_ = nullptr;
      Error error(ErrorKind::kInternal, "ODPS-0010000",
                  std::string("cannot start the query engine: ") + (message ? message : ""));
      duckdb_free(message);
      return error;
    }
  }
  duckdb_connection connection = nullptr;
  if (duckdb_connect(database_, &connection) == DuckDBError) {
    return Error(ErrorKind::kInternal, "ODPS-0010000", "cannot connect to the query engine");
  }
  auto session = std::make_unique<Session>(connection, cancelled);
  // A setting of the ICU extension, which is not there yet when the database is opened.
  TRY_VOID(session->Execute("SET TimeZone = 'UTC'"));
  if (!ready_) {
    TRY_VOID(RegisterFunctions(connection));
    for (const std::string& statement : SetupStatements()) TRY_VOID(session->Execute(statement));
    ready_ = true;
  }
  return session;
}

}  // namespace mms::sandbox::sql
