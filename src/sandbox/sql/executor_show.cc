// SHOW and DESC: texts for people.
#include <algorithm>

#include "sandbox/sql/executor.h"

namespace mms::sandbox::sql {
namespace {

std::string OwnerOf(const Table& table) {
  return table.owner.empty() ? "ALIYUN$mms_sandbox" : table.owner;
}

std::string Quoted(std::string_view text) {
  std::string quoted = "'";
  for (char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    if (c == '\n') {
      quoted += "\\n";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

std::string ClusteringText(const Clustering& clustering) {
  std::string text = clustering.range ? "\nRANGE CLUSTERED BY (" : "\nCLUSTERED BY (";
  for (size_t i = 0; i < clustering.columns.size(); ++i) {
    text += (i == 0 ? "`" : ", `") + clustering.columns[i] + "`";
  }
  text += ")";
  for (size_t i = 0; i < clustering.sort.size(); ++i) {
    const auto& [name, descending] = clustering.sort[i];
    text += (i == 0 ? " SORTED BY (`" : ", `") + name + (descending ? "` DESC" : "` ASC");
  }
  if (!clustering.sort.empty()) text += ")";
  if (clustering.buckets > 0) text += " INTO " + std::to_string(clustering.buckets) + " BUCKETS";
  return text;
}

/// The literal behind DEFAULT: a number as it is, anything else quoted.
std::string DefaultText(const Column& column) {
  switch (column.type.id) {
    case TypeId::kTinyint:
    case TypeId::kSmallint:
    case TypeId::kInt:
    case TypeId::kBigint:
    case TypeId::kFloat:
    case TypeId::kDouble:
    case TypeId::kDecimal:
    case TypeId::kBoolean: return column.default_text;
    default: return Quoted(column.default_text);
  }
}

std::string ColumnLines(const std::vector<Column>& columns) {
  std::string text;
  for (const Column& column : columns) {
    text += text.empty() ? "\n  " : ",\n  ";
    text += "`" + column.name + "` " + UpperName(column.type.ToText());
    if (!column.nullable) text += " NOT NULL";
    if (!column.default_text.empty()) text += " DEFAULT " + DefaultText(column);
    if (!column.comment.empty()) text += " COMMENT " + Quoted(column.comment);
  }
  return text;
}

std::string Cell(const std::string& text, size_t width) {
  return text + std::string(text.size() < width ? width - text.size() : 0, ' ');
}

void DescribeColumns(const std::vector<Column>& columns, std::string* text) {
  for (const Column& column : columns) {
    *text += "| " + Cell(column.name, 24) + "| " + Cell(column.type.ToText(), 24) + "| " +
             Cell("", 8) + "| " + Cell(column.comment, 32) + "|\n";
  }
}

/// 'x*' and 'x%' patterns of SHOW TABLES LIKE, case-insensitive.
bool Matches(std::string_view name, std::string_view pattern) {
  if (pattern.empty()) return name.empty();
  if (pattern[0] == '*' || pattern[0] == '%') {
    for (size_t skip = 0; skip <= name.size(); ++skip) {
      if (Matches(name.substr(skip), pattern.substr(1))) return true;
    }
    return false;
  }
  return !name.empty() && (pattern[0] == '?' || pattern[0] == name[0]) &&
         Matches(name.substr(1), pattern.substr(1));
}

}  // namespace

std::string CreateTableText(const Table& table) {
  std::string text = "CREATE TABLE IF NOT EXISTS " + table.name.project + "." +
                     (table.name.schema == "default" ? "" : "`" + table.name.schema + "`.") + "`" +
                     table.name.table + "` (" + ColumnLines(table.columns);
  for (size_t i = 0; i < table.primary_key.size(); ++i) {
    text += (i == 0 ? ",\n  PRIMARY KEY (`" : ", `") + table.primary_key[i] + "`";
  }
  text += table.primary_key.empty() ? "\n)" : ")\n)";
  if (!table.comment.empty()) text += "\nCOMMENT " + Quoted(table.comment);
  if (table.partitioned()) {
    text += "\nPARTITIONED BY (" + ColumnLines(table.partition_columns) + "\n)";
  }
  if (table.clustering) text += ClusteringText(*table.clustering);
  std::string properties;
  for (const auto& [key, value] : table.properties) {
    properties += (properties.empty() ? "" : ", ") + Quoted(key) + "=" + Quoted(value);
  }
  if (!properties.empty()) text += "\nTBLPROPERTIES (" + properties + ")";
  if (table.lifecycle_days > 0) text += "\nLIFECYCLE " + std::to_string(table.lifecycle_days);
  return text + ";";
}

Result<std::string> Executor::ShowPartitionLines(const ShowPartitions& show,
                                                 const SqlContext& context) {
  TRY(Table table, FindTable(show.name, context));
  if (!table.partitioned()) {
    return Error(ErrorKind::kInvalidInput, "ODPS-0110061",
                 "Failed to run ddltask - table " + table.name.ToText() + " is not partitioned");
  }
  TRY(auto partitions, catalog_->ListPartitions(table, "", kPartitionsMax));
  std::string text;
  for (const PartitionInfo& partition : partitions) {
    bool wanted = std::all_of(show.prefix.begin(), show.prefix.end(), [&](const auto& pair) {
      std::string item = "/" + pair.first + "=" + pair.second + "/";
      return ("/" + partition.spec + "/").find(item) != std::string::npos;
    });
    if (wanted) text += partition.spec + "\n";
  }
  return text;
}

Result<std::string> Executor::DescribeText(const Describe& describe, const SqlContext& context) {
  TRY(Table table, FindTable(describe.name, context));
  const std::string line(96, '-');
  int64_t rows = 0;
  int64_t bytes = 0;
  if (!describe.partition.empty()) {
    TRY(PartitionSpec spec, MakePartitionSpec(table, describe.partition));
    TRY(PartitionInfo partition, catalog_->GetPartition(table, spec));
    return "+" + line + "+\n| PartitionSize: " + std::to_string(partition.bytes) +
           "\n| PartitionRecordCount: " + std::to_string(partition.rows) + "\n+" + line + "+\n";
  }
  TRY(auto files, catalog_->Files(table, std::nullopt));
  for (const DataFile& file : files) {
    rows += file.rows;
    bytes += file.bytes;
  }
  std::string text = "+" + line + "+\n| Owner: " + OwnerOf(table) +
                     " | Project: " + table.name.project + " | Schema: " + table.name.schema +
                     "\n| TableComment: " + table.comment +
                     "\n| InternalTable: YES | Size: " + std::to_string(bytes) +
                     " | RecordCount: " + std::to_string(rows) + "\n+" + line +
                     "+\n| Native Columns:\n+" + line + "+\n";
  DescribeColumns(table.columns, &text);
  if (table.partitioned()) {
    text += "+" + line + "+\n| Partition Columns:\n+" + line + "+\n";
    DescribeColumns(table.partition_columns, &text);
  }
  text += "+" + line + "+\n";
  if (!describe.extended) return text;
  for (const auto& [key, value] : table.properties) text += "| " + key + ": " + value + "\n";
  return text + "| FileNum: " + std::to_string(files.size()) + "\n+" + line + "+\n";
}

Result<SqlOutcome> Executor::Show(const Statement& statement, const SqlContext& context) {
  SqlOutcome outcome;
  if (const auto* tables = std::get_if<ShowTables>(&statement)) {
    std::string project = context.project;
    std::string schema = context.schema;
    if (tables->schema) {
      bool is_project = tables->schema->parts.size() == 1 &&
                        catalog_->CheckProject(tables->schema->parts[0]).has_value();
      if (tables->schema->parts.size() > 1 || is_project) project = tables->schema->parts.front();
      if (!is_project) schema = tables->schema->parts.back();
    }
    TableFilter all;
    all.limit = 1'000'000;
    TRY(auto list, catalog_->ListTables(project, schema, all));
    for (const Table& table : list) {
      if (!tables->like.empty() && !Matches(table.name.table, LowerName(tables->like))) continue;
      outcome.text += OwnerOf(table) + ":" + table.name.table + "\n";
    }
  } else if (const auto* partitions = std::get_if<ShowPartitions>(&statement)) {
    TRY(outcome.text, ShowPartitionLines(*partitions, context));
  } else if (const auto* create = std::get_if<ShowCreateTable>(&statement)) {
    TRY(Table table, FindTable(create->name, context));
    outcome.text = CreateTableText(table) + "\n";
  } else if (const auto* describe = std::get_if<Describe>(&statement)) {
    TRY(outcome.text, DescribeText(*describe, context));
  } else {
    TRY(auto schemas, catalog_->Schemas(context.project));
    for (const std::string& schema : schemas) outcome.text += schema + "\n";
  }
  return outcome;
}

}  // namespace mms::sandbox::sql
