#include "sandbox/sql/executor.h"

#include <algorithm>

#include "sandbox/sql/rights.h"

namespace mms::sandbox::sql {
namespace {

template <class Kind>
const Kind* As(const Statement& statement) {
  return std::get_if<Kind>(&statement);
}

Error DdlFailed(const std::string& what) {
  return Error(ErrorKind::kInvalidInput, "ODPS-0110061", "Failed to run ddltask - " + what);
}

/// The schema a CREATE/DROP SCHEMA names: "s" or "project.s".
Result<TableName> ResolveSchema(const QualifiedName& name, const SqlContext& context) {
  TableName resolved{context.project, name.parts.back(), ""};
  if (name.parts.size() == 2) resolved.project = name.parts[0];
  if (name.parts.size() > 2) return DdlFailed("a schema name has at most two parts");
  return resolved;
}

/// Times are shown in UTC alone: another zone would change every DATETIME, so it is refused.
Status CheckFlags(const SqlContext& context) {
  auto zone = context.flags.find("odps.sql.timezone");
  if (zone == context.flags.end()) return OkStatus();
  for (std::string_view utc : {"utc", "etc/utc", "gmt", "etc/gmt", "z", "etc/gmt+0"}) {
    if (LowerName(zone->second) == utc) return OkStatus();
  }
  return Error(ErrorKind::kUnsupported, "ODPS-0130071",
               "[1,1] Semantic analysis exception - odps.sql.timezone=" + zone->second +
                   " is not supported by the sandbox, which runs in UTC");
}

}  // namespace

bool IsExtendedScale(const SqlContext& context) {
  return context.IsFlagSet("odps.sql.decimal2.extended.scale.enable");
}

bool SqlContext::IsFlagSet(const std::string& key) const {
  auto found = flags.find(key);
  return found != flags.end() && LowerName(found->second) == "true";
}

Result<TableName> ResolveName(const QualifiedName& name, const SqlContext& context) {
  const auto& parts = name.parts;
  if (parts.size() == 3) return TableName{parts[0], parts[1], parts[2]};
  if (parts.size() == 1) return TableName{context.project, context.schema, parts[0]};
  bool three_tier = context.IsFlagSet("odps.namespace.schema") ||
                    context.IsFlagSet("odps.sql.allow.namespace.schema");
  if (three_tier && parts[0] != context.project) {
    return TableName{context.project, parts[0], parts[1]};
  }
  return TableName{parts[0], context.schema, parts[1]};
}

std::string FailureText(const Error& error) {
  const std::string& code = error.code();
  if (code.starts_with("ODPS-")) return "FAILED: " + code + ":" + error.message();
  std::string number = code == "NoSuchTable" || code == "NoSuchProject" ? "ODPS-0130131"
                       : code == "NoSuchPartition"                      ? "ODPS-0110061"
                       : code == "InvalidPartitionSpec"                 ? "ODPS-0130071"
                                                                        : "ODPS-0010000";
  std::string position = error.message().starts_with("[") ? "" : "[1,1] ";
  return "FAILED: " + number + ":" + position + error.message();
}

Result<Table> Executor::FindTable(const QualifiedName& name, const SqlContext& context) {
  TRY(TableName resolved, ResolveName(name, context));
  auto table = catalog_->GetTable(resolved);
  if (table) return table;
  if (table.error().code() != "NoSuchTable") return table;
  return Error(ErrorKind::kNotFound, "ODPS-0130131",
               "[" + std::to_string(name.line) + "," + std::to_string(name.column) + "] " +
                   table.error().message());
}

Result<SqlOutcome> Executor::Run(const Statement& statement, SqlContext* context) {
  TRY_VOID(CheckStatement(statement, *context));
  if (const auto* set = As<SetFlag>(statement)) {
    context->flags[set->key] = set->value;
    if (set->key == "odps.default.schema") context->schema = LowerName(set->value);
    return SqlOutcome{};
  }
  if (const auto* query = As<Query>(statement)) {
    TRY_VOID(CheckFlags(*context));
    return RunQuery(*query, *context);
  }
  if (const auto* insert = As<Insert>(statement)) {
    TRY_VOID(CheckFlags(*context));
    TRY_VOID(RunInsert(*insert, *context));
    return SqlOutcome{};
  }
  if (const auto* change = As<ChangeRows>(statement)) {
    TRY_VOID(CheckFlags(*context));
    TRY_VOID(RunChange(*change, *context));
    return SqlOutcome{};
  }
  if (const auto* explain = As<Explain>(statement)) return RunExplain(*explain, *context);
  bool shows = As<ShowTables>(statement) || As<ShowPartitions>(statement) ||
               As<ShowCreateTable>(statement) || As<ShowSchemas>(statement) ||
               As<Describe>(statement);
  if (shows) return Show(statement, *context);
  return RunDdl(statement, *context);
}

Result<SqlOutcome> Executor::RunDdl(const Statement& statement, const SqlContext& context) {
  if (const auto* create = As<CreateTable>(statement)) {
    TRY_VOID(Create(*create, context));
  } else if (const auto* drop = As<DropTable>(statement)) {
    auto table = FindTable(drop->name, context);
    if (table) {
      TRY(auto files, catalog_->DropTable(*table));
      storage_->Retire(files);
    } else if (!drop->if_exists || table.error().kind() != ErrorKind::kNotFound) {
      return std::move(table).error();
    }
  } else if (const auto* alter = As<AlterTable>(statement)) {
    TRY_VOID(Alter(*alter, context));
  } else if (const auto* schema = As<CreateSchema>(statement)) {
    TRY(TableName name, ResolveSchema(schema->name, context));
    TRY_VOID(CheckTableName(name.schema));
    TRY(bool made, catalog_->CreateSchema(name.project, name.schema));
    if (!made && !schema->if_not_exists)
      return DdlFailed("schema " + name.schema + " already exists");
  } else if (const auto* gone = As<DropSchema>(statement)) {
    TRY(TableName name, ResolveSchema(gone->name, context));
    if (name.schema == "default") return DdlFailed("schema default cannot be dropped");
    TRY(bool dropped, catalog_->DropSchema(name.project, name.schema));
    if (!dropped && !gone->if_exists) return DdlFailed("schema " + name.schema + " does not exist");
  } else {
    TRY_VOID(ChangePartitions(statement, context));
  }
  return SqlOutcome{};
}

Status Executor::Create(const CreateTable& create, const SqlContext& context) {
  Table table = create.table;
  if (create.like) {
    TRY(Table model, FindTable(*create.like, context));
    int days = table.lifecycle_days;
    table = model;
    table.lifecycle_days = days;
  }
  TRY(table.name, ResolveName(create.name, context));
  if (!create.or_replace) {
    auto there = catalog_->GetTable(table.name);
    // Without a look at the schema, as MaxCompute.
    if (there && create.if_not_exists) return OkStatus();
    if (there) return TableExists(table.name);
  }
  if (create.as) return CreateAs(create, std::move(table), context);
  TRY_VOID(CheckTable(table, IsExtendedScale(context)));
  if (create.or_replace) {
    TRY(auto replaced, catalog_->CreateTableWithRows(table, {}, true));
    storage_->Retire(replaced);
    return OkStatus();
  }
  auto created = catalog_->CreateTable(std::move(table));
  bool exists = !created && created.error().kind() == ErrorKind::kConflict;
  if (created || (exists && create.if_not_exists)) return OkStatus();
  return std::move(created).error();
}

}  // namespace mms::sandbox::sql
