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

Result<std::vector<PartitionSpec>> MakeSpecs(const Table& table,
                                             const std::vector<PartitionPairs>& list) {
  std::vector<PartitionSpec> specs;
  for (const PartitionPairs& pairs : list) {
    TRY(PartitionSpec spec, MakePartitionSpec(table, pairs));
    specs.push_back(std::move(spec));
  }
  return specs;
}

/// The schema a CREATE/DROP SCHEMA names: "s" or "project.s".
Result<TableName> ResolveSchema(const QualifiedName& name, const SqlContext& context) {
  TableName resolved{context.project, name.parts.back(), ""};
  if (name.parts.size() == 2) resolved.project = name.parts[0];
  if (name.parts.size() > 2) return DdlFailed("a schema name has at most two parts");
  return resolved;
}

}  // namespace

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
  if (const auto* query = As<Query>(statement)) return RunQuery(*query, *context);
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
  TRY_VOID(CheckTable(table, context.IsFlagSet("odps.sql.decimal2.extended.scale.enable")));
  auto created = catalog_->CreateTable(std::move(table));
  if (created) return OkStatus();
  bool exists = created.error().kind() == ErrorKind::kConflict;
  if (exists && create.if_not_exists)
    return OkStatus();  // without a look at the schema, as MaxCompute
  return std::move(created).error();
}

Status Executor::Alter(const AlterTable& alter, const SqlContext& context) {
  TRY(Table table, FindTable(alter.name, context));
  if (alter.touch) return OkStatus();
  if (alter.rename_to) {
    return Error(ErrorKind::kUnsupported, "ODPS-0130071",
                 "Semantic analysis exception - RENAME TO is not supported by the sandbox");
  }
  if (alter.lifecycle_days) table.lifecycle_days = *alter.lifecycle_days;
  if (alter.comment) table.comment = *alter.comment;
  if (alter.properties) {
    for (const auto& [key, value] : *alter.properties) table.properties[key] = value;
  }
  for (const Column& column : alter.add_columns) {
    bool there = std::any_of(table.columns.begin(), table.columns.end(),
                             [&](const Column& old) { return old.name == column.name; });
    if (there && alter.if_not_exists) continue;
    if (!column.nullable) return DdlFailed("an added column cannot be NOT NULL");
    table.columns.push_back(column);
  }
  TRY_VOID(CheckTable(table, context.IsFlagSet("odps.sql.decimal2.extended.scale.enable")));
  return catalog_->UpdateTable(table);
}

Status Executor::ChangePartitions(const Statement& statement, const SqlContext& context) {
  std::vector<std::string> files;
  if (const auto* add = As<AddPartitions>(statement)) {
    TRY(Table table, FindTable(add->name, context));
    TRY(auto specs, MakeSpecs(table, add->specs));
    return catalog_->AddPartitions(table, specs, add->if_not_exists);
  }
  if (const auto* drop = As<DropPartitions>(statement)) {
    TRY(Table table, FindTable(drop->name, context));
    TRY(auto specs, MakeSpecs(table, drop->specs));
    TRY(files, catalog_->DropPartitions(table, specs, drop->if_exists));
  } else if (const auto* truncate = As<Truncate>(statement)) {
    TRY(Table table, FindTable(truncate->name, context));
    TRY(auto specs, MakeSpecs(table, truncate->specs));
    TRY(files, catalog_->Truncate(table, specs));
  }
  storage_->Retire(files);
  return OkStatus();
}

}  // namespace mms::sandbox::sql
