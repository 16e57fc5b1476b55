#include "clients/databricks/sql_session.h"

#include <utility>

#include "clients/databricks/sql_failure.h"

namespace mms::databricks {
namespace {

constexpr int kHiveProtocol = 7;             // V8: columns, as Spark's server speaks it
constexpr int64_t kSparkProtocol = 0xA507;   // V7: Arrow, links, LZ4, direct results
constexpr int kSparkProtocolFirst = 0xA501;  // below lie HiveServer2's numbers

ThriftCarrier::Options CarrierOptions(const SqlChannel::Options& options) {
  return {options.throttled_deadline_ms, options.unavailable_deadline_ms, options.failures};
}

SqlChannel::Options WithCancel(SqlChannel::Options options, const HttpClient* http) {
  options.failures.cancelled = [http] { return http->cancelled(); };
  return options;
}

tcli::TOpenSessionReq MakeRequest(const SqlChannel::Options& options) {
  tcli::TOpenSessionReq request;
  std::map<std::string, std::string> settings = options.settings;
  settings["spark.sql.session.timeZone"] = "UTC";
  if (options.endpoint.dialect == SqlDialect::kHive) {
    request.__set_clientProtocol(kHiveProtocol);
    if (!options.schema.empty()) settings["use:database"] = options.schema;
  } else {
    request.__set_clientProtocolI64(kSparkProtocol);
    request.__set_canUseMultipleCatalogs(true);
    settings["spark.thriftserver.arrowBasedRowSet.timestampAsString"] = "false";
    tcli::TNamespace initial;
    if (!options.catalog.empty()) initial.__set_catalogName(options.catalog);
    if (!options.schema.empty()) initial.__set_schemaName(options.schema);
    const bool named = !options.catalog.empty() || !options.schema.empty();
    if (named) request.__set_initialNamespace(initial);
  }
  request.__set_configuration(settings);
  return request;
}

}  // namespace

SqlSessions::SqlSessions(SqlChannel::Options options, std::shared_ptr<HttpClient> http,
                         std::shared_ptr<HttpClient> links)
    : options_(WithCancel(std::move(options), http.get())),
      http_(std::move(http)),
      links_(std::move(links)),
      carrier_(options_.endpoint, http_, CarrierOptions(options_)),
      calls_(&carrier_, options_.call_timeout_ms) {}

SqlSessions::~SqlSessions() {
  if (session_ != nullptr) calls_.CloseSession(session_->handle);
}

Result<std::shared_ptr<const SqlSession>> SqlSessions::Open(const std::stop_token& stop) {
  TRY(const tcli::TOpenSessionResp reply, calls_.OpenSession(MakeRequest(options_), stop));
  const tcli::TStatus& status = reply.status;
  const bool refused = status.statusCode == tcli::TStatusCode::ERROR ||
                       status.statusCode == tcli::TStatusCode::INVALID_HANDLE;
  if (refused) {
    return FromSqlFailure({status.sqlState, status.errorMessage, status.displayMessage, ""})
        .At("opening a SQL session");
  }
  if (!reply.__isset.sessionHandle) {
    return Error(ErrorKind::kCorrupt, "SQL_ANSWER", "the SQL server opened a session without name");
  }
  auto session = std::make_shared<SqlSession>();
  session->handle = reply.sessionHandle;
  session->protocol = reply.serverProtocolVersion;
  session->databricks = reply.serverProtocolVersion >= kSparkProtocolFirst;
  return std::shared_ptr<const SqlSession>(session);
}

Result<std::shared_ptr<const SqlSession>> SqlSessions::Get(const std::stop_token& stop) {
  std::lock_guard lock(mutex_);
  if (session_ == nullptr) {
    TRY(session_, Open(stop));
  }
  return session_;
}

void SqlSessions::Forget(const std::shared_ptr<const SqlSession>& session) {
  std::lock_guard lock(mutex_);
  if (session_ == session) session_ = nullptr;
}

void SqlSessions::Close(const std::shared_ptr<const SqlSession>& session) {
  Forget(session);
  calls_.CloseSession(session->handle);
}

}  // namespace mms::databricks
