// The SQL sessions of a channel: opened when first needed, opened again when the server has
// forgotten one, closed at the end. Thread-safe.
#pragma once

#include <tcli_service_types.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <stop_token>

#include "clients/databricks/sql_calls.h"
#include "clients/databricks/sql_channel.h"

namespace mms::databricks {

/// What the server said when it was opened.
struct SqlSession {
  tcli::TSessionHandle handle;
  int protocol = 0;
  /// Databricks' rules hold: hasMoreRows can be trusted, rows can be asked for by offset.
  bool databricks = false;
  mutable std::atomic<bool> zone_is_utc{false};  ///< it was asked
};

class SqlSessions {
 public:
  SqlSessions(SqlChannel::Options options, std::shared_ptr<HttpClient> http,
              std::shared_ptr<HttpClient> links);
  /// Closes the session at the server.
  ~SqlSessions();

  const SqlChannel::Options& options() const { return options_; }
  const std::shared_ptr<HttpClient>& links() const { return links_; }
  SqlCalls& calls() { return calls_; }
  bool http_cancelled() const { return http_->cancelled(); }

  /// The session that is open, or a new one; waiting for it ends when `stop` is asked to.
  Result<std::shared_ptr<const SqlSession>> Get(const std::stop_token& stop);
  /// The server does not know `session` any more; Get opens another.
  void Forget(const std::shared_ptr<const SqlSession>& session);
  /// Ends at the server what runs in `session` and cannot be named.
  void Close(const std::shared_ptr<const SqlSession>& session);

 private:
  Result<std::shared_ptr<const SqlSession>> Open(const std::stop_token& stop);

  const SqlChannel::Options options_;
  const std::shared_ptr<HttpClient> http_;
  const std::shared_ptr<HttpClient> links_;
  ThriftCarrier carrier_;
  SqlCalls calls_;
  std::mutex mutex_;
  std::shared_ptr<const SqlSession> session_;  // guarded by mutex_
};

}  // namespace mms::databricks
