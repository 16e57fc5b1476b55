#include "migration/workflow/check.h"

#include <chrono>
#include <functional>
#include <memory>
#include <utility>

#include "base/http_client.h"
#include "base/secret.h"
#include "clients/databricks/unity_catalog.h"
#include "clients/maxcompute/rights.h"
#include "migration/workflow/engine.h"

namespace mms::migration {
namespace {

using Clock = std::chrono::steady_clock;

class Checks {
 public:
  /// Runs a step that tells what it saw. False when it failed.
  bool Step(const std::string& name, const std::function<Result<std::string>()>& look) {
    CheckStep step;
    step.name = name;
    const auto start = Clock::now();
    Result<std::string> seen = look();
    step.duration_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count();
    step.ok = seen.has_value();
    if (seen.has_value()) {
      step.detail = ScrubSecrets(*seen);
    } else {
      step.detail = ScrubSecrets(seen.error().ToString());
      step.error = std::move(seen).error();
    }
    steps.push_back(std::move(step));
    return steps.back().ok;
  }

  std::vector<CheckStep> steps;
};

void CheckDatabricks(const SourceOptions& source, const std::shared_ptr<HttpClient>& http,
                     Checks& checks) {
  if (source.workspace.empty()) return;
  databricks::UnityCatalog catalog(source.workspace, source.token, http);
  const bool known = checks.Step("Databricks token", [&]() -> Result<std::string> {
    TRY(const auto user, catalog.FetchIdentity());
    return "user " + (user ? user->user : "not told");
  });
  if (!known) return;
  checks.Step("Unity Catalog", [&]() -> Result<std::string> {
    TRY_VOID(catalog.FetchCatalog(source.catalog));
    return "catalog " + source.catalog;
  });
  if (source.cluster.empty()) return;
  checks.Step("Databricks cluster", [&]() -> Result<std::string> {
    TRY(const std::string state, catalog.FetchClusterState(source.cluster));
    return "cluster " + source.cluster + " is " + state + " (not needed to copy)";
  });
}

/// Lists the tables and opens the log of the first that can be read: names, storage and SAS in one
/// step each.
void CheckTables(const RunOptions& options, const std::shared_ptr<HttpClient>& http,
                 Checks& checks) {
  Source source(options.source, http);
  std::optional<SourceTable> first;
  int64_t tables = 0, refused = 0;
  const bool listed = checks.Step("Tables", [&]() -> Result<std::string> {
    TRY_VOID(source.List(options.tables, [&](SourceTable table) -> Status {
      ++tables;
      refused += table.refusal.has_value();
      if (!first && !table.refusal) first = std::move(table);
      return OkStatus();
    }));
    return std::to_string(tables) + " chosen" +
           (refused > 0 ? ", " + std::to_string(refused) + " of them cannot be moved" : "");
  });
  if (!listed || !first) return;
  checks.Step("Storage", [&]() -> Result<std::string> {
    TRY(const Snapshot snapshot, source.Inspect(*first, std::nullopt));
    return first->name + " is at version " + std::to_string(snapshot.version);
  });
}

void CheckMaxCompute(const maxcompute::Options& target, const std::shared_ptr<HttpClient>& http,
                     Checks& checks) {
  maxcompute::Client client(target, http);
  const bool there = checks.Step("MaxCompute project", [&]() -> Result<std::string> {
    TRY_VOID(client.CheckProject());
    return "project " + target.project;
  });
  if (!there) return;
  checks.Step("MaxCompute Tunnel", [&]() -> Result<std::string> {
    TRY(const std::string endpoint, client.TunnelEndpoint());
    return endpoint;
  });
  const bool runs = checks.Step("MaxCompute SQL", [&]() -> Result<std::string> {
    TRY(const maxcompute::SqlResult result, client.RunSql("SELECT 1;"));
    return "instance " + result.instance_id;
  });
  if (!runs && checks.steps.back().error->code() != "ODPS_DENIED") return;
  maxcompute::Tunnel tunnel(&client);
  for (const maxcompute::Right& right :
       maxcompute::CheckRights(tunnel, {.may_create_table = true})) {
    checks.Step("MaxCompute right: " + right.name, [&]() -> Result<std::string> {
      switch (right.state) {
        case maxcompute::RightState::kGranted: return right.detail;
        case maxcompute::RightState::kUnknown: return "not known: " + right.detail;
        case maxcompute::RightState::kMissing: break;
      }
      return Error(ErrorKind::kDenied, "ODPS_DENIED",
                   right.detail + "; have the project's owner run: " + right.grant);
    });
  }
}

}  // namespace

std::vector<CheckStep> CheckAll(const RunOptions& options) {
  auto http = std::make_shared<HttpClient>(HttpClient::Options{});
  auto target_http = std::make_shared<HttpClient>(options.target_http);
  Checks checks;
  CheckDatabricks(options.source, http, checks);
  CheckTables(options, http, checks);
  CheckMaxCompute(options.target, target_http, checks);
  return std::move(checks.steps);
}

}  // namespace mms::migration
