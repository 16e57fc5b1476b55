#include "migration/workflow/target_table.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

#include "base/lower_ascii.h"
#include "migration/plan/names.h"
#include "migration/plan/table_kind.h"
#include "migration/workflow/workflow_points.h"

namespace mms::migration {
namespace {

using Found = std::optional<maxcompute::TableInfo>;

std::string Where(const TableContext& table) { return "target table " + table.target_name; }

Status CompareSchema(const TablePlan& plan, const maxcompute::TableInfo& found) {
  const std::vector<std::string> lines = DiffSchema(plan.TargetSchema(), found.schema);
  if (lines.empty()) return OkStatus();
  std::string text = "the table is not as it was planned:";
  for (const std::string& line : lines) text += "\n  " + line;
  text += "\nDrop or change it, or move the table under another name";
  return Error(ErrorKind::kConflict, "TARGET_SCHEMA_DIFFERS", text);
}

bool IsRefusal(const Error& error) {
  return error.kind() == ErrorKind::kUnsupported || error.code() == "ODPS_SQL_INVALID" ||
         error.code() == "ODPS_SQL_FAILED";
}

Status CreateSchema(const TableContext& table) {
  TRY_VOID(RunDdl(table, CreateSchemaSql(table.engine->client->options())));
  table.engine->schema_there = true;
  return OkStatus();
}

/// A schema that the plan did not find is made first. One that is missing all the same (dropped
/// since, or the list of schemas is not for this key) shows by a refused CREATE TABLE; what the
/// service says of a missing schema is documented nowhere, so after any refusal it is looked for.
Status CreateInSchema(const TableContext& table) {
  Engine& engine = *table.engine;
  const Ddl ddl = CreateTableSql(table.plan, table.target_name);
  if (table.plan.MakesSchema() && !engine.schema_there) TRY_VOID(CreateSchema(table));
  Status created = RunDdl(table, ddl);
  if (created || !maxcompute::UsesSchema(engine.client->options())) return created;
  const bool refused = IsRefusal(created.error()) || created.error().kind() == ErrorKind::kNotFound;
  if (!refused) return created;
  engine.schema_there = false;
  if (IsSchemaThere(engine).value_or(false)) return created;
  const Status made = CreateSchema(table);
  if (made) return RunDdl(table, ddl);
  const Error& why = created.error();
  return Error(why.kind(), why.code(),
               why.message() + "; schema " + engine.client->options().schema +
                   " could not be made either, if it is that: " + made.error().message())
      .At(why.where());
}

Status Create(TableContext& table) {
  Status created = CreateInSchema(table);
  const TableKind kind = table.plan.settings.kind;
  if (created.has_value() || kind == TableKind::kStandard || !IsRefusal(created.error())) {
    return created;
  }
  const std::string words = created.error().message();
  const bool fall_back =
      kind == TableKind::kAppendDelta && table.engine->options.plan.policy.standard_if_refused;
  if (!fall_back) {
    return Error(
               ErrorKind::kUnsupported, "TABLE_KIND_REFUSED",
               "the project does not make a table of the kind " + std::string(KindText(kind)) +
                   ": " + words + "; write kind: standard" +
                   (kind == TableKind::kAppendDelta ? ", or policy.on_kind_refused: standard" : ""))
        .At(Where(table));
  }
  table.plan.settings.kind = TableKind::kStandard;
  table.plan.warnings.push_back(
      "the project does not make Append Delta tables, so a standard one was made "
      "(on_kind_refused: standard): " +
      words);
  TRY_VOID(RunDdl(table, CreateTableSql(table.plan, table.target_name)));
  return table.engine->ledger->SetTablePlan(table.record.id, ToJson(table.plan).dump());
}

/// Also after our own CREATE ... IF NOT EXISTS: the service may have made another table than asked
/// for, or someone was faster.
Status Compare(TableContext& table, const maxcompute::TableInfo& found) {
  auto notes = CompareKind(found, table.plan);
  if (!notes) return std::move(notes).error();
  Status same = CompareSchema(table.plan, found);
  if (!same) return std::move(same).error().At(Where(table));
  auto& warnings = table.plan.warnings;
  std::erase_if(*notes, [&](const std::string& note) {
    return std::find(warnings.begin(), warnings.end(), note) != warnings.end();
  });
  if (notes->empty()) return OkStatus();
  warnings.insert(warnings.end(), notes->begin(), notes->end());
  return table.engine->ledger->SetTablePlan(table.record.id, ToJson(table.plan).dump());
}

/// Columns that the plan adds and the table does not have yet.
std::vector<std::string> ColumnsToAdd(const TablePlan& plan, const maxcompute::TableInfo& found) {
  std::vector<std::string> names = plan.add_columns;
  std::erase_if(names, [&](const std::string& name) {
    const auto& columns = found.schema.columns;
    return std::any_of(columns.begin(), columns.end(), [&](const maxcompute::Column& column) {
      return LowerAscii(column.name) == name;
    });
  });
  return names;
}

Status PrepareStaging(const TableContext& table) {
  const TablePlan staging = StagingPlan(table.plan);
  maxcompute::Client& client = *table.engine->client;
  TRY(Found found, FetchIfThere(client, staging.target_table));
  if (found && found->comment != staging.comment) {
    return Error(ErrorKind::kConflict, "STAGING_TAKEN",
                 "a table of this name is needed for staging and is not ours; rename it, or name "
                 "the target table otherwise with `as`, of a job by --as")
        .At("table " + table.load_name);
  }
  if (found && !DiffSchema(staging.TargetSchema(), found->schema).empty()) {
    // Left by a run under another plan. Sessions in it are lost, and begun again.
    TRY_VOID(RunDdl(table, {"DROP TABLE IF EXISTS " + table.load_name + ";", {}}));
    found.reset();
  }
  if (!found) TRY_VOID(RunDdl(table, CreateTableSql(staging, table.load_name)));
  FaultPoint(kStagingMade);
  return OkStatus();
}

}  // namespace

Status RunDdl(const TableContext& table, const Ddl& ddl) {
  maxcompute::Client& client = *table.engine->client;
  maxcompute::SqlOptions options;
  options.settings = ddl.settings;
  options.on_submitted = NoteInstance(table);
  // What the user sets wins.
  for (const auto& [name, value] : client.options().sql_settings) options.settings.erase(name);
  auto result =
      Retry(client.options().retry, [&] { return client.RunSql(ddl.statement, options); });
  if (!result) return std::move(result).error().At(Where(table));
  return OkStatus();
}

Status CheckSchemaModel(const maxcompute::Options& target,
                        const maxcompute::Client::ProjectInfo& project) {
  if (project.has_schemas.value_or(true)) return OkStatus();
  return Error(ErrorKind::kUnsupported, "TARGET_NO_SCHEMAS",
               "has no schemas (odps.schema.model.enabled is false), so nothing can be made in "
               "schema " +
                   target.schema +
                   " of it; leave the schema out of the destination, or name a project that has "
                   "schemas")
      .At("project " + target.project);
}

std::optional<bool> IsSchemaThere(Engine& engine) {
  if (engine.schema_there) return true;
  const auto there = engine.client->HasSchema(engine.client->options().schema);
  // Whoever may not list schemas may still make tables in one.
  if (!there) return std::nullopt;
  if (*there) engine.schema_there = true;
  return *there;
}

Status PrepareTable(TableContext& table, bool has_committed_units) {
  maxcompute::Client& client = *table.engine->client;
  const std::string& name = table.plan.target_table;
  TRY(Found found, FetchIfThere(client, name));
  if (!found) {
    if (has_committed_units) {
      return Error(ErrorKind::kConflict, "TARGET_TABLE_GONE",
                   "the ledger has partitions of it as copied, but it is not there any more; "
                   "restore it, or copy all of it by a new job")
          .At(Where(table));
    }
    if (table.on_missing) TRY_VOID(table.on_missing());
    TRY_VOID(Create(table));
    TRY(found, client.FetchTable(name));
  } else if (const auto names = ColumnsToAdd(table.plan, *found); !names.empty()) {
    TRY_VOID(RunDdl(table, AddColumnsSql(table.plan, names, table.target_name)));
    FaultPoint(kColumnsAdded);
    TRY(found, client.FetchTable(name));
  }
  TRY_VOID(Compare(table, *found));
  FaultPoint(kTableMade);
  return table.load_table == name ? OkStatus() : PrepareStaging(table);
}

Status AddPartitions(const TableContext& table,
                     const std::vector<maxcompute::PartitionSpec>& partitions) {
  if (partitions.empty()) return OkStatus();
  const bool staged = table.load_table != table.plan.target_table;
  // Sessions are opened in the staging table only.
  std::vector<std::string> names;
  if (!table.engine->options.create_partition_by_session) names.push_back(table.load_name);
  if (staged) names.push_back(table.target_name);
  for (const std::string& name : names) {
    for (const std::string& statement : AddPartitionSql(partitions, name)) {
      if (table.IsStopped()) return Cancelled();
      TRY_VOID(RunDdl(table, {statement, {}}));
    }
  }
  FaultPoint(kPartitionsAdded);
  return OkStatus();
}

Status DropPartitions(const TableContext& table,
                      const std::vector<maxcompute::PartitionSpec>& partitions) {
  for (const std::string& statement : DropPartitionSql(partitions, table.target_name)) {
    if (table.IsStopped()) return Cancelled();
    TRY_VOID(RunDdl(table, {statement, {}}));
  }
  return OkStatus();
}

Status DropStaging(const TableContext& table) {
  if (table.load_table == table.plan.target_table) return OkStatus();
  TRY(const Found found, FetchIfThere(*table.engine->client, table.load_table));
  if (!found || found->comment != StagingPlan(table.plan).comment) return OkStatus();
  FaultPoint(kStagingToDrop);
  return RunDdl(table, {"DROP TABLE IF EXISTS " + table.load_name + ";", {}});
}

}  // namespace mms::migration
