#include "migration/inspect/inspect.h"

#include <arrow/type.h>

#include <algorithm>
#include <map>
#include <utility>

#include "clients/databricks/unity_catalog.h"
#include "migration/inspect/catalog_listing.h"
#include "migration/inspect/choice.h"
#include "migration/inspect/file_table.h"
#include "migration/inspect/reading_choice.h"
#include "migration/inspect/refusal.h"
#include "migration/inspect/sql_inspect.h"
#include "migration/inspect/storage_access.h"

namespace mms::migration {
namespace {

using VisitTable = std::function<Status(SourceTable)>;

bool NeedsCatalog(const std::vector<TableChoice>& choices) {
  return std::any_of(choices.begin(), choices.end(),
                     [](const TableChoice& choice) { return choice.location.empty(); });
}

Result<Snapshot> ReadSnapshot(const SourceTable& source, delta::Table& table) {
  const delta::TableInfo& info = table.info();
  Snapshot snapshot;
  snapshot.source = source;
  snapshot.version = info.version;
  snapshot.table_id = info.id;
  snapshot.commit_mark = info.commit_mark;
  snapshot.column_mapping = info.column_mapping;
  snapshot.logical = table.logical_schema();
  snapshot.physical = table.physical_schema();
  snapshot.partition_columns = info.partition_columns;
  snapshot.schema_json = info.schema_json;
  for (const auto& field : snapshot.logical->fields()) {
    TRY(snapshot.physical_names[field->name()], table.PhysicalName(field->name()));
  }
  // Without the statistics' text: the row count comes all the same, and 100,000 texts would be kept
  // for nothing.
  TRY_VOID(table.ListFiles(false, [&](delta::File file) -> Status {
    snapshot.files.push_back(std::move(file));
    return OkStatus();
  }));
  std::sort(snapshot.files.begin(), snapshot.files.end(),
            [](const delta::File& a, const delta::File& b) { return a.path < b.path; });
  return snapshot;
}

}  // namespace

struct Source::State {
  SourceOptions options;
  std::shared_ptr<HttpClient> http;
  std::shared_ptr<databricks::CallLimit> call_limit;
  std::unique_ptr<StorageAccess> storages;
  SqlAccessOptions sql_options;
  std::unique_ptr<SqlAccess> sql;

  Result<std::shared_ptr<azure::Storage>> OpenStorage(const SourceTable& source) {
    TRY(auto storage, storages->Open(source.location, source.name, source.catalog_id));
    return source.bytes_read ? storage->Counted(source.bytes_read) : storage;
  }

  Result<Snapshot> InspectFiles(const SourceTable& source, std::optional<int64_t> version) {
    TRY(auto storage, OpenStorage(source));
    if (source.format != kDeltaFormat) {
      TRY(const databricks::Table table, FetchTable(source.name));
      return ReadFileTable(source, table, *storage);
    }
    TRY(auto table, OpenLog(storage, source.location, version));
    return ReadSnapshot(source, *table);
  }

  Result<Snapshot> InspectSql(const SourceTable& source, std::optional<int64_t> version) {
    databricks::UnityCatalog catalog = Catalog();
    return InspectBySql(catalog, *sql, source, version);
  }

  /// A table whose log `refusal` keeps us from reading. A server that cannot read it either changes
  /// nothing about that.
  Result<Snapshot> InspectPastFeature(const SourceTable& source, std::optional<int64_t> version,
                                      const Error& refusal) {
    const auto with = [&refusal](const std::string& more) {
      return Error(refusal.kind(), refusal.code(), refusal.message() + "; " + more)
          .At(refusal.where());
    };
    if (!sql_options.there()) {
      return with("or set source.cluster or source.warehouse, and it is read by SQL");
    }
    auto snapshot = InspectSql(source, version);
    const bool final = !snapshot && !IsTransient(snapshot.error().kind()) &&
                       snapshot.error().kind() != ErrorKind::kCancelled;
    if (!final) return snapshot;
    return with("by SQL it cannot be read either: " + snapshot.error().message());
  }

  Status ListCatalog(const std::vector<TableChoice>& choices, const VisitTable& visit) {
    if (options.workspace.empty() || options.catalog.empty()) {
      return Error(
          ErrorKind::kInvalidInput, "SOURCE_CATALOG_MISSING",
          "tables[].include chooses from a catalog: set source.workspace, source.catalog and "
          "source.token, or choose tables by tables[].location");
    }
    databricks::UnityCatalog catalog = Catalog();
    Selection selection(choices, options.filter);
    const ChosenListing listing{catalog, selection, options.catalog, options.metastore_concurrency};
    TRY_VOID(ListChosen(listing, [&](databricks::Table table, const TableChoice& choice) {
      SourceTable source = MakeSourceTable(table);
      source.settings = choice.settings;
      ChooseReading(table, {sql_options.there(), options.jdbc, choice.views}, &source);
      return visit(std::move(source));
    }));
    return selection.CheckAllFound(options.catalog);
  }

  /// What no listing tells: the properties.
  Result<databricks::Table> FetchTable(const std::string& name) {
    databricks::UnityCatalog catalog = Catalog();
    return catalog.FetchTable(name);
  }

  databricks::UnityCatalog Catalog() const {
    return {options.workspace, databricks::TokensOf(options.sign_in, options.workspace, http), http,
            call_limit};
  }
};

Source::Source(SourceOptions options, std::shared_ptr<HttpClient> http)
    : state_(std::make_shared<State>()) {
  state_->options = std::move(options);
  state_->http = std::move(http);
  state_->call_limit = std::make_shared<databricks::CallLimit>(
      databricks::CallLimit::Options{.in_flight_max = state_->options.metastore_concurrency});
  StorageAccessOptions access{state_->options.storage, state_->options.workspace,
                              state_->options.sign_in, state_->call_limit};
  state_->storages = std::make_unique<StorageAccess>(std::move(access), state_->http);
  state_->sql_options = SqlOptionsOf(state_->options);
  SetSqlHooks({});
}

void Source::SetSqlHooks(SqlAccess::Hooks hooks) {
  state_->sql = std::make_unique<SqlAccess>(state_->sql_options, state_->http, std::move(hooks));
}

Result<SqlAccess*> Source::Sql() {
  TRY_VOID(state_->sql->Prepare());
  return state_->sql.get();
}

Status Source::List(const std::vector<TableChoice>& choices, const VisitTable& visit) {
  std::map<std::string, std::string> as_by_name;
  for (const TableChoice& choice : choices) {
    if (choice.location.empty()) continue;
    SourceTable table = MakeSourceTable(choice.location, choice.as);
    const auto [known, added] = as_by_name.emplace(table.name, choice.as);
    if (!added && known->second != choice.as) {
      return Error(ErrorKind::kInvalidInput, "TABLE_CHOSEN_TWICE",
                   "tables[] has the location " + table.name +
                       " twice with different `as`; a table is moved once: remove one");
    }
    table.settings = choice.settings;
    if (added) TRY_VOID(visit(std::move(table)));
  }
  if (!NeedsCatalog(choices)) return OkStatus();
  return state_->ListCatalog(choices, visit);
}

Result<SourceTable> Source::Find(const std::string& schema, const std::string& table, bool views) {
  const SourceOptions& options = state_->options;
  TRY(const databricks::Table found,
      state_->FetchTable(options.catalog + "." + schema + "." + table));
  SourceTable source = MakeSourceTable(found);
  ChooseReading(found, {state_->sql_options.there(), options.jdbc, views}, &source);
  return source;
}

Result<std::shared_ptr<azure::Storage>> Source::OpenStorage(const SourceTable& table) {
  return state_->OpenStorage(table);
}

Status Source::ReadStatistics(
    const SourceTable& table, int64_t version,
    const std::function<Status(const delta::TableInfo&, const delta::File&)>& visit) {
  TRY(auto storage, OpenStorage(table));
  auto log = OpenLog(storage, table.location, version);
  if (!log) return std::move(log).error().At("table " + table.name);
  return (*log)->ListFiles(true, [&](delta::File file) { return visit((*log)->info(), file); });
}

Result<Snapshot> Source::Inspect(const SourceTable& source, std::optional<int64_t> version) {
  if (source.refusal) return *source.refusal;
  auto snapshot =
      source.by_sql ? state_->InspectSql(source, version) : state_->InspectFiles(source, version);
  const bool unknown_feature = !snapshot && !source.schema.empty() && !source.by_sql &&
                               snapshot.error().code() == "DELTA_FEATURE_UNSUPPORTED";
  if (unknown_feature) snapshot = state_->InspectPastFeature(source, version, snapshot.error());
  if (!snapshot) return std::move(snapshot).error().At("table " + source.name);
  return snapshot;
}

}  // namespace mms::migration
