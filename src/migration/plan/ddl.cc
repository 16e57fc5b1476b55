#include "migration/plan/ddl.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "base/lower_ascii.h"
#include "migration/plan/drift.h"
#include "migration/plan/names.h"
#include "migration/plan/plan.h"
#include "migration/plan/type_map.h"

namespace mms::migration {
namespace {

using maxcompute::Column;
using maxcompute::PartitionSpec;
using maxcompute::QuoteLiteral;
using maxcompute::QuoteName;

std::string CommentClause(const std::string& comment) {
  return comment.empty() ? "" : " COMMENT " + QuoteLiteral(CutComment(comment));
}

std::string ColumnDefinition(const ColumnPlan& column) {
  return fmt::format(
      "\n  {} {}{}{}", QuoteName(column.target.name), maxcompute::ToText(column.target.type, true),
      column.target.nullable ? "" : " NOT NULL", CommentClause(column.target.comment));
}

std::string ColumnList(const std::vector<ColumnPlan>& columns) {
  std::string out;
  for (const ColumnPlan& column : columns) {
    out += (out.empty() ? "" : ",") + ColumnDefinition(column);
  }
  return out;
}

std::string Quoted(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + QuoteName(name);
  return out;
}

std::string ClusterClause(const Clustering& cluster) {
  if (cluster.by.empty()) return "";
  std::string sql = cluster.range ? "\nRANGE CLUSTERED BY (" : "\nCLUSTERED BY (";
  sql += Quoted(cluster.by) + ")";
  if (!cluster.sort.empty()) sql += " SORTED BY (" + Quoted(cluster.sort) + ")";
  if (cluster.buckets > 0) sql += fmt::format(" INTO {} BUCKETS", cluster.buckets);
  return sql;
}

/// What the kind needs, then the user's own.
std::map<std::string, std::string> Properties(const TableSettings& settings) {
  std::map<std::string, std::string> properties = settings.properties;
  switch (settings.kind) {
    case TableKind::kStandard: break;
    case TableKind::kAppendDelta: properties["table.format.version"] = "2"; break;
    case TableKind::kPkDelta:
      properties["transactional"] = "true";
      if (settings.cluster.buckets > 0) {
        properties["write.bucket.num"] = std::to_string(settings.cluster.buckets);
      }
      break;
  }
  return properties;
}

std::string PropertiesClause(const std::map<std::string, std::string>& properties) {
  if (properties.empty()) return "";
  std::string list;
  for (const auto& [name, value] : properties) {
    list += (list.empty() ? "" : ", ") + QuoteLiteral(name) + "=" + QuoteLiteral(value);
  }
  return "\nTBLPROPERTIES (" + list + ")";
}

bool HasExtendedDecimal(const maxcompute::Type& type) {
  if (type.kind == maxcompute::TypeKind::kDecimal && type.scale > kDecimalScaleMax) return true;
  return std::any_of(type.arguments.begin(), type.arguments.end(), HasExtendedDecimal);
}

std::map<std::string, std::string> ColumnSettings(const std::vector<ColumnPlan>& columns) {
  for (const ColumnPlan& column : columns) {
    if (HasExtendedDecimal(column.target.type)) {
      return {{"odps.sql.decimal2.extended.scale.enable", "true"}};
    }
  }
  return {};
}

std::string PartitionClause(const PartitionSpec& spec) {
  std::string out;
  for (const auto& [name, value] : spec) {
    out += fmt::format("{}{}={}", out.empty() ? "" : ",", QuoteName(name), QuoteLiteral(value));
  }
  return "\nPARTITION (" + out + ")";
}

void DiffColumn(const Column& wanted, const Column& found, size_t position,
                std::vector<std::string>* differences) {
  if (LowerAscii(wanted.name) != LowerAscii(found.name)) {
    differences->push_back(
        fmt::format("column {} is {}, needed is {}", position + 1, found.name, wanted.name));
    return;
  }
  if (!SameType(wanted.type, found.type)) {
    differences->push_back(fmt::format("column {} is {}, needed is {}", wanted.name,
                                       maxcompute::ToText(found.type),
                                       maxcompute::ToText(wanted.type)));
  }
  if (wanted.nullable && !found.nullable) {
    differences->push_back(
        fmt::format("column {} is NOT NULL, needed is one that takes NULL", wanted.name));
  }
}

void DiffColumns(const std::vector<Column>& wanted, const std::vector<Column>& found,
                 std::string_view kind, std::vector<std::string>* differences) {
  for (size_t i = 0; i < wanted.size() || i < found.size(); ++i) {
    if (i >= found.size()) {
      differences->push_back(fmt::format("{} {} {} is missing", kind, wanted[i].name,
                                         maxcompute::ToText(wanted[i].type)));
    } else if (i >= wanted.size()) {
      differences->push_back(fmt::format("{} {} {} is not in the source", kind, found[i].name,
                                         maxcompute::ToText(found[i].type)));
    } else {
      const size_t before = differences->size();
      DiffColumn(wanted[i], found[i], i, differences);
      if (kind != "column" && differences->size() > before) {
        for (size_t k = before; k < differences->size(); ++k) {
          (*differences)[k] = "partition " + (*differences)[k];
        }
      }
    }
  }
}

}  // namespace

std::string CutComment(std::string_view comment) {
  if (comment.size() <= kCommentMaxBytes) return std::string(comment);
  size_t end = kCommentMaxBytes;
  // Bytes 10xxxxxx continue a character: the cut goes before its first byte.
  while (end > 0 && (static_cast<unsigned char>(comment[end]) & 0xC0) == 0x80) --end;
  return std::string(comment.substr(0, end));
}

std::string QualifiedTableName(const maxcompute::Options& target, const std::string& table) {
  std::string name = QuoteName(target.project) + ".";
  if (maxcompute::UsesSchema(target)) name += QuoteName(target.schema) + ".";
  return name + QuoteName(table);
}

Ddl CreateSchemaSql(const maxcompute::Options& target) {
  return {fmt::format("CREATE SCHEMA IF NOT EXISTS {}.{};", QuoteName(target.project),
                      QuoteName(target.schema)),
          {}};
}

Ddl CreateTableSql(const TablePlan& plan, const std::string& table_name) {
  const TableSettings& asked = plan.settings;
  Ddl ddl;
  ddl.settings = ColumnSettings(plan.columns);
  std::string& sql = ddl.statement;
  sql = fmt::format("CREATE TABLE IF NOT EXISTS {} ({}", table_name, ColumnList(plan.columns));
  if (asked.kind == TableKind::kPkDelta) {
    sql += ",\n  PRIMARY KEY (" + Quoted(asked.primary_key) + ")";
  }
  sql += "\n)";
  if (!plan.comment.empty()) sql += "\nCOMMENT " + QuoteLiteral(CutComment(plan.comment));
  if (!plan.partition_columns.empty()) {
    sql += fmt::format("\nPARTITIONED BY ({}\n)", ColumnList(plan.partition_columns));
  }
  // A PK table's buckets are a property; it is clustered by its key.
  if (asked.kind != TableKind::kPkDelta) sql += ClusterClause(asked.cluster);
  sql += PropertiesClause(Properties(asked));
  if (asked.lifecycle_days > 0) sql += fmt::format("\nLIFECYCLE {}", asked.lifecycle_days);
  sql += ";";
  if (asked.kind == TableKind::kAppendDelta) {
    ddl.settings["odps.table.append2.enable"] = "true";
    if (!asked.cluster.by.empty()) ddl.settings["odps.table.hash.delta.enable"] = "true";
  }
  return ddl;
}

Ddl AddColumnsSql(const TablePlan& plan, const std::vector<std::string>& names,
                  const std::string& table_name) {
  std::vector<ColumnPlan> columns;
  for (const ColumnPlan& column : plan.columns) {
    if (std::find(names.begin(), names.end(), column.target.name) == names.end()) continue;
    columns.push_back(column);
  }
  return {fmt::format("ALTER TABLE {} ADD COLUMNS IF NOT EXISTS ({}\n);", table_name,
                      ColumnList(columns)),
          ColumnSettings(columns)};
}

namespace {

/// ALTER TABLE statements of `head` and a clause for each partition, `between` them.
std::vector<std::string> PartitionSql(const std::string& head, const std::string& between,
                                      const std::vector<PartitionSpec>& partitions,
                                      size_t bytes_max) {
  std::vector<std::string> statements;
  std::string statement;
  size_t count = 0;
  const auto finish = [&] {
    if (count > 0) statements.push_back(statement + ";");
    count = 0;
  };
  for (const PartitionSpec& spec : partitions) {
    const std::string clause = PartitionClause(spec);
    if (count == kPartitionsPerStatement || statement.size() + clause.size() + 1 > bytes_max)
      finish();
    statement = count == 0 ? head : statement + between;
    statement += clause;
    ++count;
  }
  finish();
  return statements;
}

}  // namespace

std::vector<std::string> AddPartitionSql(const std::vector<PartitionSpec>& partitions,
                                         const std::string& table_name, size_t bytes_max) {
  return PartitionSql(fmt::format("ALTER TABLE {} ADD IF NOT EXISTS", table_name), "", partitions,
                      bytes_max);
}

std::vector<std::string> DropPartitionSql(const std::vector<PartitionSpec>& partitions,
                                          const std::string& table_name, size_t bytes_max) {
  return PartitionSql(fmt::format("ALTER TABLE {} DROP IF EXISTS", table_name), ",", partitions,
                      bytes_max);
}

std::vector<std::string> DiffSchema(const maxcompute::TableSchema& wanted,
                                    const maxcompute::TableSchema& found) {
  std::vector<std::string> differences;
  DiffColumns(wanted.columns, found.columns, "column", &differences);
  DiffColumns(wanted.partition_columns, found.partition_columns, "partition column", &differences);
  return differences;
}

}  // namespace mms::migration
