#include "sandbox/sql/engine.h"

#include <duckdb.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <thread>
#include <utility>

#include "sandbox/sql/duckdb_functions.h"
#include "sandbox/sql/duckdb_text.h"

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

Error Refused(const std::string& message) {
  return Error(ErrorKind::kInvalidInput, "ODPS-0130071",
               "[1,1] Semantic analysis exception - " + message);
}

/// The column types DESCRIBE gives, mapped to what Parquet and MaxCompute can hold: a SUM of
/// integers is HUGEINT in DuckDB and BIGINT here.
std::string CastFor(const std::string& type) {
  if (type == "HUGEINT" || type == "UINTEGER") return "BIGINT";
  if (type == "UBIGINT" || type == "UHUGEINT") return "DECIMAL(38,0)";
  if (type == "UTINYINT") return "SMALLINT";
  if (type == "USMALLINT") return "INTEGER";
  if (type == "\"NULL\"" || type == "NULL" || type == "TIME" || type == "INTERVAL" ||
      type == "UUID" || type == "JSON") {
    return "VARCHAR";
  }
  return "";
}

}  // namespace

class Engine::Connection {
 public:
  explicit Connection(duckdb_connection connection) : connection_(connection) {}
  ~Connection() { duckdb_disconnect(&connection_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  duckdb_connection get() const { return connection_; }

  /// All values as text, row by row; only for small results of plain types.
  Result<std::vector<std::vector<std::string>>> Query(const std::string& sql) {
    duckdb_result result;
    if (duckdb_query(connection_, sql.c_str(), &result) == DuckDBError) {
      const char* text = duckdb_result_error(&result);
      Error error = Refused(text == nullptr ? "the query failed" : text);
      duckdb_destroy_result(&result);
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

  Status Execute(const std::string& sql) {
    TRY(auto rows, Query(sql));
    (void)rows;
    return OkStatus();
  }

 private:
  duckdb_connection connection_;
};

Engine::Engine() = default;

Engine::~Engine() {
  auto database = static_cast<duckdb_database>(database_);
  if (database != nullptr) duckdb_close(&database);
}

Result<std::unique_ptr<Engine::Connection>> Engine::Connect() {
  std::lock_guard lock(mutex_);
  bool first = database_ == nullptr;
  if (first) {
    duckdb_config config = nullptr;
    (void)duckdb_create_config(&config);
    for (const auto& [name, value] : kSettings) {
      (void)duckdb_set_config(config, name, value);  // an unknown name shows at open
    }
    duckdb_database database = nullptr;
    char* message = nullptr;
    duckdb_state state = duckdb_open_ext(nullptr, &database, config, &message);
    duckdb_destroy_config(&config);
    if (state == DuckDBError) {
      Error error(ErrorKind::kInternal, "ODPS-0010000",
                  std::string("cannot start the query engine: ") + (message ? message : ""));
      duckdb_free(message);
      return error;
    }
    database_ = database;
  }
  duckdb_connection connection = nullptr;
  if (duckdb_connect(static_cast<duckdb_database>(database_), &connection) == DuckDBError) {
    return Error(ErrorKind::kInternal, "ODPS-0010000", "cannot connect to the query engine");
  }
  auto made = std::make_unique<Connection>(connection);
  // A setting of the ICU extension, which is not there yet when the database is opened.
  TRY_VOID(made->Execute("SET TimeZone = 'UTC'"));
  if (first) {
    TRY_VOID(made->Execute("SET GLOBAL TimeZone = 'UTC'"));
    TRY_VOID(RegisterFunctions(connection));
  }
  return made;
}

Status Engine::Run(const Job& job) {
  TRY(auto connection, Connect());
  for (const std::string& statement : job.setup) TRY_VOID(connection->Execute(statement));
  TRY(auto columns, connection->Query("DESCRIBE " + job.query));
  std::string items;
  for (size_t i = 0; i < columns.size(); ++i) {
    std::string name = DuckDbName(columns[i][0]);
    std::string cast = CastFor(columns[i][1]);
    if (i > 0) items += ", ";
    items += cast.empty() ? name : "CAST(" + name + " AS " + cast + ") AS " + name;
  }
  // A watcher interrupts the query when the instance is cancelled; DuckDB polls for it itself.
  std::mutex mutex;
  std::condition_variable ended;
  bool done = false;
  std::thread watcher([&] {
    std::unique_lock lock(mutex);
    while (!ended.wait_for(lock, std::chrono::milliseconds(50), [&] { return done; })) {
      if (job.cancelled != nullptr && *job.cancelled) duckdb_interrupt(connection->get());
    }
  });
  Status status = connection->Execute("COPY (SELECT " + items + " FROM (" + job.query + ")) TO " +
                                      DuckDbString(job.result_path) + " (FORMAT parquet)");
  {
    std::lock_guard lock(mutex);
    done = true;
  }
  ended.notify_all();
  watcher.join();
  if (job.cancelled != nullptr && *job.cancelled) {
    return Error(ErrorKind::kCancelled, "ODPS-0010000", "the instance was cancelled");
  }
  return status;
}

Result<std::vector<std::string>> Engine::FirstColumn(const std::vector<std::string>& setup,
                                                     const std::string& query) {
  TRY(auto connection, Connect());
  for (const std::string& statement : setup) TRY_VOID(connection->Execute(statement));
  TRY(auto rows, connection->Query(query));
  std::vector<std::string> values;
  for (auto& row : rows) values.push_back(std::move(row[0]));
  return values;
}

}  // namespace mms::sandbox::sql
