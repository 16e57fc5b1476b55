// ALTER TABLE and the changes of partitions.
#include <algorithm>

#include "sandbox/sql/executor.h"
#include "sandbox/sql/implicit_cast.h"

namespace mms::sandbox::sql {
namespace {

Error DdlFailed(const std::string& what) {
  return Error(ErrorKind::kInvalidInput, "ODPS-0110061", "Failed to run ddltask - " + what);
}

Error NoColumn(const Table& table, const std::string& name) {
  return Error(
      ErrorKind::kInvalidInput, "ODPS-0130071",
      "Semantic analysis exception - table " + table.name.ToText() + " has no data column " + name);
}

bool IsKey(const Table& table, const std::string& name) {
  bool primary = std::find(table.primary_key.begin(), table.primary_key.end(), name) !=
                 table.primary_key.end();
  if (primary || !table.clustering) return primary;
  const auto& columns = table.clustering->columns;
  return std::find(columns.begin(), columns.end(), name) != columns.end() ||
         std::any_of(table.clustering->sort.begin(), table.clustering->sort.end(),
                     [&](const auto& item) { return item.first == name; });
}

Status AddColumns(const AlterTable& alter, Table* table) {
  for (const Column& column : alter.add_columns) {
    bool there = table->FindColumn(column.name) != nullptr;
    if (there && alter.if_not_exists) continue;
    if (there) return DdlFailed("column " + column.name + " already exists");
    if (!column.nullable) return DdlFailed("an added column cannot be NOT NULL");
    table->AddColumn(column);
  }
  return OkStatus();
}

Status DropColumns(const std::vector<std::string>& names, Table* table) {
  for (const std::string& name : names) {
    const Column* column = table->FindColumn(name);
    if (column == nullptr) return NoColumn(*table, name);
    if (IsKey(*table, name)) return DdlFailed("column " + name + " is a key column");
    table->retired_names.push_back(column->file_name());
    std::erase_if(table->columns, [&](const Column& item) { return item.name == name; });
  }
  if (table->columns.empty()) return DdlFailed("a table needs at least one column");
  return OkStatus();
}

Status ChangeOneColumn(const ChangeColumn& change, Table* table) {
  Column* column = table->FindColumn(change.name);
  if (column == nullptr) return NoColumn(*table, change.name);
  if (change.new_name != change.name) {
    if (IsKey(*table, change.name)) return DdlFailed("column " + change.name + " is a key column");
    if (table->FindColumn(change.new_name) != nullptr) {
      return DdlFailed("column " + change.new_name + " already exists");
    }
    column->stored_name = column->file_name();
    column->name = change.new_name;
  }
  if (change.type) {
    if (!CanWiden(column->type, *change.type)) {
      return Error(ErrorKind::kInvalidInput, "ODPS-0130071",
                   "Semantic analysis exception - column " + change.name + " cannot change from " +
                       UpperName(column->type.ToText()) + " to " +
                       UpperName(change.type->ToText()) + ": only to a wider type");
    }
    column->type = *change.type;
  }
  if (change.comment) column->comment = *change.comment;
  if (change.drop_not_null) {
    if (IsKey(*table, column->name)) return DdlFailed("column " + change.name + " is a key column");
    column->nullable = true;
  }
  return OkStatus();
}

/// Kinds of tables do not change: what makes a table transactional is said when it is made.
Status SetProperties(const std::map<std::string, std::string>& properties, Table* table) {
  for (const auto& [key, value] : properties) {
    if (key == "transactional" || key == "table.format.version") {
      return DdlFailed("table property " + key + " cannot be changed");
    }
    table->properties[key] = value;
  }
  return OkStatus();
}

}  // namespace

Status Executor::Alter(const AlterTable& alter, const SqlContext& context) {
  std::lock_guard lock(alter_mutex_);
  TRY(Table table, FindTable(alter.name, context));
  if (alter.merge_small_files) return OkStatus();
  if (alter.rename_to) {
    TRY_VOID(CheckTableName(*alter.rename_to));
    return catalog_->RenameTable(table, *alter.rename_to);
  }
  if (alter.lifecycle_days) table.lifecycle_days = *alter.lifecycle_days;
  if (alter.comment) table.comment = *alter.comment;
  if (alter.owner) table.owner = *alter.owner;
  if (alter.properties) TRY_VOID(SetProperties(*alter.properties, &table));
  TRY_VOID(AddColumns(alter, &table));
  TRY_VOID(DropColumns(alter.drop_columns, &table));
  if (alter.change_column) TRY_VOID(ChangeOneColumn(*alter.change_column, &table));
  TRY_VOID(CheckTable(table, IsExtendedScale(context)));
  return catalog_->UpdateTable(table);
}

/// The partitions that the clauses mean; a clause with all levels names one that must be there,
/// unless `if_exists`.
Result<std::vector<PartitionSpec>> Executor::Choose(const Table& table,
                                                    const std::vector<PartitionChoice>& choices,
                                                    bool if_exists) {
  std::vector<PartitionSpec> specs;
  for (const PartitionChoice& choice : choices) {
    if (!choice.filter && choice.pairs.size() >= table.partition_columns.size()) {
      TRY(PartitionSpec spec, MakePartitionSpec(table, choice.pairs));
      specs.push_back(std::move(spec));
      continue;
    }
    TRY(auto session, engine_->Begin(nullptr));
    Sources sources(Tools(), session.get(), "");
    TRY(auto partitions, catalog_->ListPartitions(table, "", kPartitionsMax));
    std::vector<DataFile> rows;
    for (const PartitionInfo& partition : partitions) {
      rows.push_back({partition.spec, partition.spec, partition.rows, 0});
    }
    TRY_VOID(sources.MakeParts(table, rows, "mms_parts"));
    Translator translator(nullptr);
    std::string where;
    if (choice.filter) {
      TRY(where, translator.ToDuckDb(*choice.filter));
    }
    for (const auto& [key, value] : choice.pairs) {
      where += (where.empty() ? "" : " AND ") + DuckDbName(key) + " = " + DuckDbString(value);
    }
    TRY(auto found, session->FirstColumn("SELECT mms_file FROM mms_parts WHERE " + where));
    if (found.empty() && !if_exists) {
      return Error(ErrorKind::kNotFound, "NoSuchPartition",
                   "no partition of table " + table.name.ToText() + " meets the filter");
    }
    for (const std::string& path : found)
      specs.push_back(path.substr(storage_->Absolute("").size()));
  }
  std::sort(specs.begin(), specs.end());
  specs.erase(std::unique(specs.begin(), specs.end()), specs.end());
  return specs;
}

Status Executor::ChangePartitions(const Statement& statement, const SqlContext& context) {
  std::vector<std::string> files;
  if (const auto* add = std::get_if<AddPartitions>(&statement)) {
    TRY(Table table, FindTable(add->name, context));
    std::vector<PartitionSpec> specs;
    for (const PartitionPairs& pairs : add->specs) {
      TRY(PartitionSpec spec, MakePartitionSpec(table, pairs));
      specs.push_back(std::move(spec));
    }
    return catalog_->AddPartitions(table, specs, add->if_not_exists);
  }
  if (const auto* drop = std::get_if<DropPartitions>(&statement)) {
    TRY(Table table, FindTable(drop->name, context));
    TRY(auto specs, Choose(table, drop->choices, drop->if_exists));
    TRY(files, catalog_->DropPartitions(table, specs, drop->if_exists));
  } else if (const auto* truncate = std::get_if<Truncate>(&statement)) {
    TRY(Table table, FindTable(truncate->name, context));
    if (table.partitioned() && truncate->choices.empty()) {
      return DdlFailed("table " + table.name.ToText() +
                       " is partitioned; name the partitions to truncate");
    }
    TRY(auto specs, Choose(table, truncate->choices, false));
    TRY(files, catalog_->Truncate(table, specs));
  }
  storage_->Retire(files);
  return OkStatus();
}

}  // namespace mms::sandbox::sql
