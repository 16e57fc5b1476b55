#include "sandbox/sql/insert_shape.h"

#include <algorithm>
#include <map>

#include "sandbox/sql/duckdb_text.h"
#include "sandbox/sql/duckdb_type.h"
#include "sandbox/sql/implicit_cast.h"

namespace mms::sandbox::sql {
namespace {

Error Semantic(const QualifiedName& at, const std::string& what) {
  return Error(ErrorKind::kInvalidInput, "ODPS-0130071",
               "[" + std::to_string(at.line) + "," + std::to_string(at.column) +
                   "] Semantic analysis exception - " + what);
}

/// PARTITION (...) against the table's partition columns.
Status CheckPartitionClause(const Table& table, const Insert& insert) {
  if (insert.partition.size() != table.partition_columns.size()) {
    return Semantic(insert.name, "the number of input partition columns (" +
                                     std::to_string(insert.partition.size()) +
                                     ") doesn't equal to table's partition columns (" +
                                     std::to_string(table.partition_columns.size()) + ")");
  }
  bool dynamic = false;
  for (const Column& column : table.partition_columns) {
    auto found = std::find_if(insert.partition.begin(), insert.partition.end(),
                              [&](const auto& pair) { return pair.first == column.name; });
    if (found == insert.partition.end()) {
      return Semantic(insert.name,
                      "partition column " + column.name + " is not in PARTITION (...)");
    }
    if (found->second && dynamic) {
      return Semantic(insert.name, "the static partition column " + column.name +
                                       " cannot stand below a dynamic one");
    }
    dynamic = dynamic || !found->second;
  }
  if (dynamic && table.clustering) {
    return Semantic(insert.name, "a clustered table takes no dynamic partitions");
  }
  return OkStatus();
}

/// The columns that the query fills when the statement lists none: all data columns, then the
/// dynamic partition columns in the order of the clause.
std::vector<std::string> AllColumns(const Table& table, const Insert& insert) {
  std::vector<std::string> names;
  for (const Column& column : table.columns) names.push_back(column.name);
  for (const auto& [name, value] : insert.partition) {
    if (!value) names.push_back(name);
  }
  return names;
}

/// Whether an output column is nothing but the word NULL, which fits every type.
bool IsNullColumn(const Query& query, size_t index) {
  if (query.set_right) return false;
  if (!query.values.empty()) {
    return std::all_of(query.values.begin(), query.values.end(), [&](const auto& row) {
      return index < row.size() && row[index].kind == ExprKind::kNull;
    });
  }
  bool star = std::any_of(query.items.begin(), query.items.end(),
                          [](const SelectItem& item) { return item.expr.kind == ExprKind::kStar; });
  return !star && index < query.items.size() && query.items[index].expr.kind == ExprKind::kNull;
}

/// Says the SELECT for one source.
class ShapeText {
 public:
  ShapeText(const Table& table, const Targets& targets, const RowSource& source)
      : table_(table), targets_(targets), columns_(source.columns) {
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (IsNullColumn(source.query, i)) columns_[i].type.reset();
    }
  }

  Result<std::string> Make(const std::string& query) const {
    std::string items;
    for (const Column& column : table_.columns) {
      TRY(std::string value, Value(column));
      items += (items.empty() ? "" : ", ") + value;
    }
    std::string order;
    for (const Column& column : table_.partition_columns) {
      if (!Position(column)) continue;
      TRY(std::string value, Value(column));
      std::string name = "mms_p" + std::to_string(order.size());
      items += ", mms_text(" + value + ") AS " + name;
      order += (order.empty() ? " ORDER BY " : ", ") + name;
    }
    std::string names;
    for (size_t i = 0; i < columns_.size(); ++i) {
      names += (i == 0 ? "c" : ", c") + std::to_string(i);
    }
    return "SELECT " + items + " FROM (" + query + ") AS q(" + names + ")" + order;
  }

 private:
  std::optional<size_t> Position(const Column& column) const {
    auto found = std::find(targets_.outputs.begin(), targets_.outputs.end(), &column);
    if (found == targets_.outputs.end()) return std::nullopt;
    return static_cast<size_t>(found - targets_.outputs.begin());
  }

  Result<std::string> Value(const Column& column) const {
    auto position = Position(column);
    if (position) {
      return AssignText("q.c" + std::to_string(*position), columns_[*position], column);
    }
    if (column.default_text.empty()) return CastTo(column.type, "NULL");
    return CastTo(column.type, DuckDbString(column.default_text));
  }

  const Table& table_;
  const Targets& targets_;
  std::vector<ResultColumn> columns_;
};

}  // namespace

std::string CastTo(const ColumnType& type, const std::string& value) {
  std::string inside = "CAST(" + value + " AS " + DuckDbType(type) + ")";
  std::string outside = ExportType(type);
  return outside == DuckDbType(type) ? inside : "CAST(" + inside + " AS " + outside + ")";
}

Result<std::string> AssignText(const std::string& value, const ResultColumn& from,
                               const Column& to) {
  if (!from.type) return CastTo(to.type, "NULL");
  if (!CanAssign(*from.type, to.type)) {
    return Error(ErrorKind::kInvalidInput, "ODPS-0130071",
                 "[1,1] Semantic analysis exception - column " + from.name +
                     " in source has incompatible type " + UpperName(from.type->ToText()) +
                     " with destination column " + to.name + ", which has type " +
                     UpperName(to.type.ToText()) + "; CAST it");
  }
  bool text = DuckDbType(to.type) == "VARCHAR";
  return text ? "mms_text(" + value + ")" : CastTo(to.type, value);
}

Result<Targets> MakeTargets(const Table& table, const Insert& insert) {
  TRY_VOID(CheckPartitionClause(table, insert));
  Targets targets;
  std::map<std::string, const Column*> open;
  for (const Column& column : table.columns) open[column.name] = &column;
  for (const auto& [name, value] : insert.partition) {
    if (value) targets.fixed.emplace_back(name, *value);
  }
  for (const Column& column : table.partition_columns) {
    bool dynamic = std::none_of(targets.fixed.begin(), targets.fixed.end(),
                                [&](const auto& pair) { return pair.first == column.name; });
    if (dynamic) open[column.name] = &column;
  }
  if (targets.fixed.size() == table.partition_columns.size() && table.partitioned()) {
    TRY(PartitionSpec checked, MakePartitionSpec(table, targets.fixed));
  }
  for (const std::string& name :
       insert.columns.empty() ? AllColumns(table, insert) : insert.columns) {
    auto found = open.find(name);
    if (found == open.end()) {
      return Semantic(insert.name, "column " + name + " is repeated or not one that table " +
                                       table.name.ToText() + " takes here");
    }
    targets.outputs.push_back(found->second);
    open.erase(found);
  }
  for (const Column& column : table.partition_columns) {
    if (open.contains(column.name)) {
      return Semantic(insert.name,
                      "the column list lacks the dynamic partition column " + column.name);
    }
  }
  return targets;
}

Result<std::string> ShapeRows(const Table& table, const Targets& targets, RowSource source) {
  if (source.columns.size() != targets.outputs.size()) {
    return Error(ErrorKind::kInvalidInput, "ODPS-0130071",
                 "[1,1] Semantic analysis exception - wrong columns count " +
                     std::to_string(source.columns.size()) + " in data source, requires " +
                     std::to_string(targets.outputs.size()) +
                     " columns (includes dynamic partitions if any)");
  }
  return ShapeText(table, targets, source).Make(source.text);
}

}  // namespace mms::sandbox::sql
