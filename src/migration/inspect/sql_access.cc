#include "migration/inspect/sql_access.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <utility>

#include "clients/databricks/jdbc_url.h"
#include "clients/databricks/workspace_api.h"

namespace mms::migration {
namespace {

using databricks::ComputeId;
using databricks::ComputeKind;

constexpr int64_t kBytesOnTheirWay = 32LL << 20;  // of each statement; a worker reads several

/// Whose path it is, to start it; nullopt = neither a cluster's nor a warehouse's.
std::optional<ComputeId> ComputeOfPath(const std::string& path) {
  for (const std::string_view mark : {"/sql/1.0/warehouses/", "/sql/1.0/endpoints/"}) {
    if (path.starts_with(mark)) return ComputeId{ComputeKind::kWarehouse, path.substr(mark.size())};
  }
  if (!path.starts_with("/sql/protocolv1/o/")) return std::nullopt;
  return ComputeId{ComputeKind::kCluster, path.substr(path.rfind('/') + 1)};
}

}  // namespace

Status CheckJdbcUrl(const Secret& text) {
  TRY(const databricks::JdbcUrl url, databricks::ParseJdbcUrl(text.Reveal()));
  if (url.http_path.empty()) {
    return Error(ErrorKind::kInvalidInput, "JDBC_KEY",
                 "the JDBC URL has no httpPath; copy it from the cluster's or warehouse's "
                 "connection details");
  }
  if (url.auth == databricks::JdbcAuth::kOauthMachine) {
    return Error(ErrorKind::kInvalidInput, "JDBC_KEY",
                 "the JDBC URL signs in by OAuth, which is not read from a URL; leave AuthMech, "
                 "Auth_Flow and the keys of OAuth2 out and set source.oauth");
  }
  const char* proxy = !url.proxy.host.empty()        ? "UseProxy"
                      : !url.link_proxy.host.empty() ? "UseCFProxy"
                      : url.system_proxy             ? "UseSystemProxy"
                                                     : nullptr;
  if (proxy != nullptr) {
    return Error(ErrorKind::kInvalidInput, "JDBC_KEY",
                 fmt::format("{} in the JDBC URL: leave it out and set the proxy as "
                             "source.network, by which everything of the source goes",
                             proxy));
  }
  return OkStatus();
}

SqlAccess::SqlAccess(SqlAccessOptions options, std::shared_ptr<HttpClient> http, Hooks hooks)
    : options_(std::move(options)), http_(std::move(http)), hooks_(std::move(hooks)) {}
SqlAccess::~SqlAccess() = default;

databricks::TokenSource SqlAccess::Tokens(const std::string& workspace) const {
  const std::string& own = options_.workspace;
  return databricks::TokensOf(options_.sign_in, own.empty() ? workspace : own, http_);
}

Result<std::optional<ComputeId>> SqlAccess::Open() {
  std::lock_guard lock(open_mutex_);
  if (channel_) return compute_;
  databricks::SqlChannel::Options options;
  if (!options_.jdbc_url.empty()) {
    TRY_VOID(CheckJdbcUrl(options_.jdbc_url));
    TRY(const databricks::JdbcUrl url, databricks::ParseJdbcUrl(options_.jdbc_url.Reveal()));
    const bool own = url.auth == databricks::JdbcAuth::kToken;
    options = databricks::ChannelOptions(
        url, own ? databricks::FixedToken(url.token) : Tokens("https://" + url.host));
    compute_ = ComputeOfPath(url.http_path);
    for (const std::string& warning : url.warnings) {
      if (hooks_.on_wait) hooks_.on_wait("source.jdbc_url: " + warning);
    }
  } else {
    const bool cluster = !options_.cluster.empty();
    const std::string path =
        cluster ? databricks::ClusterPath(databricks::OrgOfWorkspace(options_.workspace),
                                          options_.cluster)
                : databricks::WarehousePath(options_.warehouse);
    options.endpoint.url = options_.workspace + path;
    options.endpoint.token = Tokens(options_.workspace);
    compute_ = cluster ? ComputeId{ComputeKind::kCluster, options_.cluster}
                       : ComputeId{ComputeKind::kWarehouse, options_.warehouse};
  }
  if (options_.workspace.empty()) compute_.reset();  // nobody to ask
  options.bytes_max = std::min(options.bytes_max, kBytesOnTheirWay);
  options.failures.cancelled = hooks_.cancelled;
  arrow_ = options.arrow && options.endpoint.dialect == databricks::SqlDialect::kDatabricks;
  channel_ = std::make_unique<databricks::SqlChannel>(std::move(options), http_, http_);
  return compute_;
}

Result<databricks::SqlChannel*> SqlAccess::Channel() {
  TRY_VOID(Open());
  return channel_.get();
}

Result<bool> SqlAccess::SendsArrow() {
  TRY_VOID(Open());
  return arrow_;
}

Status SqlAccess::Prepare() {
  TRY(const std::optional<ComputeId> compute, Open());
  std::lock_guard lock(mutex_);
  if (prepared_) return OkStatus();
  if (compute) {
    databricks::Compute::Options options;
    options.retry.cancelled = hooks_.cancelled;
    std::string told;
    options.on_wait = [&](const databricks::ComputeState& state) {
      std::string text =
          fmt::format("waits for {} {}: {}",
                      compute->kind == ComputeKind::kCluster ? "cluster" : "SQL warehouse",
                      state.name.empty() ? compute->id : state.name, state.state);
      if (hooks_.on_wait && text != told) hooks_.on_wait(text);
      told = std::move(text);
    };
    auto api = std::make_shared<databricks::WorkspaceApi>(options_.workspace,
                                                          Tokens(options_.workspace), http_);
    databricks::Compute starter(std::move(api), std::move(options));
    TRY(const databricks::ComputeState state, starter.Ensure(*compute));
    if (compute->kind == ComputeKind::kCluster) TRY_VOID(databricks::CheckAccessMode(state));
  }
  prepared_ = true;
  return OkStatus();
}

Result<std::unique_ptr<databricks::SqlRows>> SqlAccess::Execute(
    const std::string& statement, databricks::StatementOptions options) {
  TRY(databricks::SqlChannel* const channel, Channel());
  return channel->Execute(statement, std::move(options));
}

Result<int64_t> SqlAccess::ReadNumber(const std::string& statement) {
  TRY(const auto rows, Execute(statement));
  TRY(const auto batch, rows->Next());
  const bool number = batch && batch->num_rows() == 1 && batch->num_columns() >= 1 &&
                      batch->column(0)->type_id() == arrow::Type::INT64 &&
                      batch->column(0)->IsValid(0);
  if (number) return static_cast<const arrow::Int64Array&>(*batch->column(0)).Value(0);
  return Error(ErrorKind::kCorrupt, "SQL_ANSWER",
               "the SQL server gave no number for: " + statement.substr(0, 200));
}

}  // namespace mms::migration
