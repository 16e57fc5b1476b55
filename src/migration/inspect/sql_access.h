// The SQL channel of a source, by its settings: which server, with which credential; and the
// compute behind it, started once and waited for. Thread-safe; used by the server and by each
// worker. Workers start nothing.
//
// Errors of all: those of sql_channel.h; of Prepare those of compute.h too.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/http_client.h"
#include "base/result.h"
#include "base/secret.h"
#include "clients/databricks/compute.h"
#include "clients/databricks/sign_in.h"
#include "clients/databricks/sql_channel.h"

namespace mms::migration {

struct SqlAccessOptions {
  Secret jdbc_url;  ///< wins over cluster and warehouse; it may hold a credential
  std::string workspace;
  std::string cluster;
  std::string warehouse;
  databricks::SignIn sign_in;  ///< where the URL holds no token

  /// Whether SQL can be run at all.
  bool there() const { return !jdbc_url.empty() || !cluster.empty() || !warehouse.empty(); }
};

/// Errors: those of ParseJdbcUrl; kInvalidInput JDBC_KEY (no path, or a sign-in that is not known).
Status CheckJdbcUrl(const Secret& url);

class SqlAccess {
 public:
  struct Hooks {
    std::function<void(const std::string& text)> on_wait;  ///< for people
    std::function<bool()> cancelled;
  };
  /// `http` ends its calls when cancelled.
  SqlAccess(SqlAccessOptions options, std::shared_ptr<HttpClient> http, Hooks hooks = {});
  ~SqlAccess();

  /// Where it runs; nullopt = on nothing that could be started, or nobody tells its state.
  Result<std::optional<databricks::ComputeId>> Compute() { return Open(); }
  /// Starts the cluster or warehouse where it does not run, and waits for it; once a process.
  Status Prepare();
  Result<std::unique_ptr<databricks::SqlRows>> Execute(const std::string& statement,
                                                       databricks::StatementOptions options = {});
  /// Of a statement that gives one number, such as a count.
  Result<int64_t> ReadNumber(const std::string& statement);
  /// Nested values come as they are; otherwise the statement has to make them into JSON.
  Result<bool> SendsArrow();

 private:
  Result<databricks::SqlChannel*> Channel();
  Result<std::optional<databricks::ComputeId>> Open();
  /// Those of the data source's sign-in, to `workspace` where no other is known.
  databricks::TokenSource Tokens(const std::string& workspace) const;

  const SqlAccessOptions options_;
  const std::shared_ptr<HttpClient> http_;
  const Hooks hooks_;
  std::mutex mutex_;                                 // held while the compute starts
  std::unique_ptr<databricks::SqlChannel> channel_;  // guarded by open_mutex_; so below
  std::optional<databricks::ComputeId> compute_;
  bool arrow_ = true;
  std::mutex open_mutex_;
  bool prepared_ = false;  // guarded by mutex_
};

}  // namespace mms::migration
