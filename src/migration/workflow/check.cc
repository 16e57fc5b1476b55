#include "migration/workflow/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "base/http_client.h"
#include "clients/databricks/unity_catalog.h"
#include "clients/maxcompute/rights.h"
#include "migration/inspect/catalog_listing.h"
#include "migration/inspect/reading_choice.h"
#include "migration/inspect/refusal.h"
#include "migration/inspect/source_settings.h"
#include "migration/workflow/check_rights.h"
#include "migration/workflow/check_sql.h"
#include "migration/workflow/check_steps.h"
#include "migration/workflow/check_storage.h"
#include "migration/workflow/target_table.h"

namespace mms::migration {
namespace {

/// For reading from storage: nothing that is read there may start a cluster.
SourceOptions FilesAlone(SourceOptions options) {
  options.jdbc = false;
  options.jdbc_url = Secret();
  options.cluster.clear();
  options.warehouse.clear();
  return options;
}

/// The source side, asked in the order in which one thing needs another.
class SourceCheck {
 public:
  SourceCheck(const SourceCheckRequest& request, CheckSteps& steps)
      : options_(request.options.source),
        choices_(request.options.tables),
        connection_only_(request.connection_only),
        wishes_(request.wishes),
        http_(request.http),
        steps_(steps),
        calls_(std::make_shared<databricks::CallLimit>(
            databricks::CallLimit::Options{.in_flight_max = options_.metastore_concurrency})),
        tokens_(databricks::TokensOf(options_.sign_in, options_.workspace, http_)),
        api_(
            std::make_shared<databricks::WorkspaceApi>(options_.workspace, tokens_, http_, calls_)),
        catalog_(api_) {
    catalog_.SetRetryPolicy(request.retry);
  }

  void Run() {
    const bool by_name = std::any_of(choices_.begin(), choices_.end(),
                                     [](const TableChoice& one) { return one.location.empty(); });
    const bool there = !options_.workspace.empty() && CheckIdentity() && by_name && CheckCatalog();
    if (there && !connection_only_) {
      CheckTables();
      CheckAllRights();
    }
    const auto api = options_.workspace.empty() ? nullptr : api_;
    CheckSql({options_, wishes_, http_, api}, steps_);
    if (connection_only_) return;
    Source source(FilesAlone(options_), http_);
    AddLocations(source);
    CheckStorage({options_, http_, api, source, readable_}, steps_);
  }

 private:
  /// Workspace and token, by the one call that needs no right.
  bool CheckIdentity() {
    Result<std::optional<databricks::Identity>> who = std::optional<databricks::Identity>();
    Status known = OkStatus();
    const bool workspace = steps_.Take("Databricks workspace", "", [&]() -> Result<Finding> {
      who = catalog_.FetchIdentity();
      // Two servers have nothing to say here: one without users, and one that is no workspace.
      const bool silent = who && !*who;
      if (silent) {
        const Result<databricks::Catalog> catalog = catalog_.FetchCatalog(options_.catalog);
        if (!catalog) known = catalog.error();
      }
      if (!who && who.error().kind() != ErrorKind::kDenied) return who.error();
      if (!known && known.error().code() == "DATABRICKS_WORKSPACE") return known.error();
      Finding finding{options_.workspace + " answers"};
      if (silent) finding.detail += " (an open-source Unity Catalog server, by what it lacks)";
      if (GoesInTheClear(options_.workspace)) {
        finding.remedy = "the token goes over the network in the clear: use https://";
        finding.outcome = CheckOutcome::kWarning;
      }
      return finding;
    });
    return workspace && steps_.Take("Databricks token", tokens_.remedy(), [&]() -> Result<Finding> {
      if (!who) return who.error();
      if (!known && known.error().code() == "DATABRICKS_TOKEN_INVALID") {
        return known.error();
      }
      return ToldUser(*who);
    });
  }

  Result<Finding> ToldUser(const std::optional<databricks::Identity>& who) {
    if (!who || who->user.empty()) {
      return Finding{"the server does not tell whose token it is", "", CheckOutcome::kUnknown};
    }
    question_.identity = *who;
    return Finding{"user " + who->user};
  }

  bool CheckCatalog() {
    return steps_.Take("Unity Catalog", "", [&]() -> Result<Finding> {
      TRY(const databricks::Catalog catalog, catalog_.FetchCatalog(options_.catalog));
      question_.catalog_owner = catalog.owner;
      return Finding{"catalog " + catalog.name};
    });
  }

  void CheckTables() {
    int64_t chosen = 0, refused = 0, unguarded = 0;
    steps_.Take("Tables", "", [&]() -> Result<Finding> {
      Selection selection(choices_, options_.filter);
      TRY_VOID(catalog_.ListSchemas(options_.catalog, [&](databricks::Schema schema) -> Status {
        if (selection.WantsSchema(schema.name)) {
          question_.schema_owners[schema.name] = schema.owner;
        }
        return OkStatus();
      }));
      const ChosenListing listing{catalog_, selection, options_.catalog,
                                  options_.metastore_concurrency};
      const bool sql = SqlOptionsOf(options_).there();
      const auto note = [&](const databricks::Table& table, const TableChoice& choice) -> Status {
        question_.tables.push_back({table.schema, table.name, table.owner, table.browse_only});
        SourceTable source = MakeSourceTable(table);
        ChooseReading(table, {sql, options_.jdbc, choice.views}, &source);
        ++chosen;
        refused += source.refusal.has_value();
        unguarded += !table.tells_guards;
        NoteReadable(std::move(source));
        return OkStatus();
      };
      TRY_VOID(ListChosen(listing, note));
      TRY_VOID(selection.CheckAllFound(options_.catalog));
      return Finding{
          std::to_string(chosen) + " chosen" +
          (refused > 0 ? ", " + std::to_string(refused) + " of them cannot be moved" : "")};
    });
    if (unguarded == 0) return;
    steps_.Take("Row filters and masks", "", [&]() -> Result<Finding> {
      return Finding{"this server does not tell them; a table's files hold what such would hide",
                     "", CheckOutcome::kUnknown};
    });
  }

  /// One table of each storage account is enough.
  void NoteReadable(SourceTable table) {
    if (table.refusal || table.by_sql) return;
    const bool known =
        std::any_of(readable_.begin(), readable_.end(), [&](const SourceTable& other) {
          return other.location.account == table.location.account &&
                 other.location.local == table.location.local;
        });
    if (!known) readable_.push_back(std::move(table));
  }

  void AddLocations(Source& source) {
    std::vector<TableChoice> locations;
    for (const TableChoice& choice : choices_) {
      if (!choice.location.empty()) locations.push_back(choice);
    }
    if (locations.empty()) return;
    steps_.Take("Tables by location", "", [&]() -> Result<Finding> {
      TRY_VOID(source.List(locations, [&](SourceTable table) -> Status {
        if (table.refusal) return *table.refusal;
        NoteReadable(std::move(table));
        return OkStatus();
      }));
      return Finding{std::to_string(locations.size()) + " chosen"};
    });
  }

  void CheckAllRights() {
    question_.catalog = options_.catalog;
    const std::vector<std::string> names = question_.identity.Names();
    question_.fetch_grants = [&](const databricks::Securable& securable) {
      return catalog_.FetchGrants(securable, names);
    };
    question_.read_table = [&](const ListedTable& table) -> Result<bool> {
      Result<databricks::Table> read =
          catalog_.FetchTable(options_.catalog + "." + table.schema + "." + table.name);
      if (read) return !read->browse_only;
      if (read.error().kind() == ErrorKind::kDenied) return false;
      return read.error();
    };
    CheckRights(question_, steps_);
  }

  const SourceOptions& options_;
  const std::vector<TableChoice>& choices_;
  const bool connection_only_;
  const CheckWishes wishes_;
  const std::shared_ptr<HttpClient> http_;
  CheckSteps& steps_;
  const std::shared_ptr<databricks::CallLimit> calls_;
  const databricks::TokenSource tokens_;
  const std::shared_ptr<databricks::WorkspaceApi> api_;
  databricks::UnityCatalog catalog_;
  RightsQuestion question_;
  std::vector<SourceTable> readable_;  ///< one of each storage account
};

void CheckMaxCompute(const maxcompute::Options& target, const std::shared_ptr<HttpClient>& http,
                     CheckSteps& steps) {
  maxcompute::Client client(target, http);
  const bool there = steps.Take("MaxCompute project", "", [&]() -> Result<Finding> {
    TRY(const maxcompute::Client::ProjectInfo project, client.FetchProject());
    if (maxcompute::UsesSchema(target)) TRY_VOID(CheckSchemaModel(target, project));
    const char* const schemas = !project.has_schemas   ? ""
                                : *project.has_schemas ? ", with schemas"
                                                       : ", without schemas";
    return Finding{"project " + target.project + schemas};
  });
  if (!there) return;
  steps.Take("MaxCompute Tunnel", "", [&]() -> Result<Finding> {
    TRY(const std::string endpoint, client.TunnelEndpoint());
    return Finding{endpoint};
  });
  const bool runs = steps.Take("MaxCompute SQL", "", [&]() -> Result<Finding> {
    TRY(const maxcompute::SqlResult result, client.RunSql("SELECT 1;"));
    return Finding{"instance " + result.instance_id};
  });
  if (!runs && steps.steps.back().error->code() != "ODPS_DENIED") return;
  maxcompute::Tunnel tunnel(&client);
  for (const maxcompute::Right& right :
       maxcompute::CheckRights(tunnel, {.may_create_table = true})) {
    steps.Take("MaxCompute right: " + right.name, "", [&]() -> Result<Finding> {
      switch (right.state) {
        case maxcompute::RightState::kGranted: return Finding{right.detail};
        case maxcompute::RightState::kUnknown:
          return Finding{right.detail, right.grant, CheckOutcome::kUnknown};
        case maxcompute::RightState::kMissing: break;
      }
      return Error(ErrorKind::kDenied, "ODPS_DENIED",
                   right.detail + "; have the project's owner run: " + right.grant);
    });
  }
}

}  // namespace

std::vector<CheckStep> CheckSource(const SourceCheckRequest& request) {
  CheckSteps steps;
  SourceCheck(request, steps).Run();
  return std::move(steps.steps);
}

std::vector<CheckStep> CheckTarget(const maxcompute::Options& target,
                                   const std::shared_ptr<HttpClient>& http) {
  CheckSteps steps;
  CheckMaxCompute(target, http, steps);
  return std::move(steps.steps);
}

std::vector<CheckStep> CheckAll(const RunOptions& options, const CheckWishes& wishes) {
  auto http = std::make_shared<HttpClient>(options.source.http);
  auto target_http = std::make_shared<HttpClient>(options.target_http);
  CheckSteps steps;
  SourceCheck({options, http, {}, /*connection_only=*/false, wishes}, steps).Run();
  CheckMaxCompute(options.target, target_http, steps);
  return std::move(steps.steps);
}

}  // namespace mms::migration
