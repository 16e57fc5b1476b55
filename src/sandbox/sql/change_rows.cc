#include "sandbox/sql/change_rows.h"

#include <algorithm>
#include <set>

#include "sandbox/sql/duckdb_text.h"
#include "sandbox/sql/insert_shape.h"

namespace mms::sandbox::sql {
namespace {

/// Columns of FoundQuery before the values.
constexpr size_t kFixedColumns = 3;

Error Refused(const ChangeRows& change, const std::string& what) {
  return Error(ErrorKind::kInvalidInput, "ODPS-0130071",
               "[" + std::to_string(change.name.line) + "," + std::to_string(change.name.column) +
                   "] Semantic analysis exception - " + what);
}

std::string AliasOf(const ChangeRows& change) {
  return change.alias.empty() ? change.name.parts.back() : change.alias;
}

Expr Number(size_t number) {
  Expr expr;
  expr.kind = ExprKind::kNumber;
  expr.text = std::to_string(number);
  return expr;
}

Expr ColumnOf(const std::string& alias, const std::string& name) {
  Expr expr;
  expr.kind = ExprKind::kColumn;
  expr.names = {alias, name};
  return expr;
}

Expr And(Expr left, Expr right) {
  Expr expr;
  expr.kind = ExprKind::kBinary;
  expr.text = "AND";
  expr.args = {std::move(left), std::move(right)};
  return expr;
}

/// The number of the first action whose condition holds.
Expr ActionNumber(const ChangeRows& change) {
  Expr expr;
  expr.kind = ExprKind::kCase;
  for (size_t i = 0; i < change.actions.size(); ++i) {
    const auto& condition = change.actions[i].condition;
    if (!condition && i == 0) return Number(0);
    if (condition) expr.args.push_back(*condition);
    expr.args.push_back(Number(i));
    if (!condition) expr.text = "else";  // CheckChange: it is the last
  }
  return expr;
}

Source Target(const ChangeRows& change) {
  Source target;
  target.table = change.name;
  target.alias = AliasOf(change);
  return target;
}

Status CheckSet(const Table& table, const ChangeRows& change, const RowAction& action) {
  std::set<std::string> seen;
  for (const Assignment& one : action.set) {
    const std::string& name = one.column;
    auto is_it = [&](const Column& column) { return column.name == name; };
    bool partition =
        std::any_of(table.partition_columns.begin(), table.partition_columns.end(), is_it);
    if (partition) return Refused(change, "partition column " + name + " cannot be updated");
    if (std::none_of(table.columns.begin(), table.columns.end(), is_it)) {
      return Refused(change, "column " + name + " cannot be resolved");
    }
    if (std::count(table.primary_key.begin(), table.primary_key.end(), name) > 0) {
      return Refused(change, "primary key column " + name + " cannot be updated");
    }
    if (!seen.insert(name).second) return Refused(change, "column " + name + " is set twice");
  }
  return OkStatus();
}

/// "CASE WHEN f.mms_action = 0 THEN ... ELSE t.c END" of one column.
class NewValue {
 public:
  NewValue(const ChangeRows& change, const std::vector<ResultColumn>& columns)
      : change_(change), columns_(columns) {}

  Result<std::string> Text(const Column& column) const {
    std::string cases;
    size_t at = kFixedColumns;
    for (size_t i = 0; i < change_.actions.size(); ++i) {
      for (const Assignment& one : change_.actions[i].set) {
        ResultColumn from = columns_.at(at);
        std::string value = "f." + DuckDbName(from.name);
        ++at;
        if (one.column != column.name) continue;
        if (one.value.kind == ExprKind::kNull) from.type.reset();
        TRY(std::string text, AssignText(value, from, column));
        cases += " WHEN " + std::to_string(i) + " THEN " + text;
      }
    }
    std::string old = CastTo(column.type, "t." + DuckDbName(column.name));
    if (cases.empty()) return old;
    return "CASE f." + std::string(kFoundAction) + cases + " ELSE " + old + " END";
  }

 private:
  const ChangeRows& change_;
  const std::vector<ResultColumn>& columns_;
};

}  // namespace

Status CheckChange(const Table& table, const ChangeRows& change) {
  if (!table.transactional()) {
    return Refused(change, change.verb + " is possible on transactional tables alone; table " +
                               table.name.ToText() + " has no 'transactional'='true'");
  }
  size_t deletes = 0;
  for (size_t i = 0; i < change.actions.size(); ++i) {
    const RowAction& action = change.actions[i];
    if (!action.condition && i + 1 < change.actions.size()) {
      return Refused(change, "WHEN MATCHED without a condition must be the last of its kind");
    }
    deletes += action.set.empty() ? 1 : 0;
    TRY_VOID(CheckSet(table, change, action));
  }
  if (deletes > 1 || change.actions.size() - deletes > 1) {
    return Refused(change, "WHEN MATCHED takes one UPDATE and one DELETE at most");
  }
  return OkStatus();
}

Query FoundQuery(const ChangeRows& change) {
  Query query;
  std::string alias = AliasOf(change);
  query.items.push_back({ColumnOf(alias, kFoundFile), kFoundFile});
  query.items.push_back({ColumnOf(alias, kFoundPlace), kFoundPlace});
  query.items.push_back({ActionNumber(change), kFoundAction});
  for (const RowAction& action : change.actions) {
    for (const Assignment& one : action.set) {
      query.items.push_back({one.value, "mms_v" + std::to_string(query.items.size())});
    }
  }
  query.sources.push_back(Target(change));
  query.sources.back().row_ids = true;
  query.sources.insert(query.sources.end(), change.others.begin(), change.others.end());
  if (!change.others.empty()) query.sources[1].join = "CROSS JOIN";
  query.where = change.found;
  return query;
}

Result<std::string> RewriteText(const Table& table, const ChangeRows& change,
                                const std::string& relation,
                                const std::vector<ResultColumn>& columns) {
  std::string items;
  NewValue value(change, columns);
  for (const Column& column : table.columns) {
    TRY(std::string text, value.Text(column));
    items += (items.empty() ? "" : ", ") + text;
  }
  std::string stays = "f." + std::string(kFoundAction) + " IS NULL";
  for (size_t i = 0; i < change.actions.size(); ++i) {
    if (change.actions[i].set.empty()) continue;
    stays += " OR f." + std::string(kFoundAction) + " = " + std::to_string(i);
  }
  return "SELECT " + items + " FROM " + relation + " AS t LEFT JOIN " + kFoundTable +
         " AS f ON t.mms_file = f.mms_file AND t.file_row_number = f.file_row_number WHERE " +
         stays;
}

Insert NewRows(const Table& table, const ChangeRows& change) {
  Insert insert;
  insert.name = change.name;
  insert.columns = change.insert->columns;
  for (const Column& column : table.partition_columns) {
    insert.partition.emplace_back(column.name, std::nullopt);
  }
  Query& query = insert.query;
  for (const Expr& value : change.insert->values) query.items.push_back({value, ""});
  query.sources = change.others;
  Query match;
  match.items.push_back({Number(1), ""});
  match.sources.push_back(Target(change));
  match.where = change.found;
  Expr exists;
  exists.kind = ExprKind::kExists;
  exists.query = std::make_shared<Query>(std::move(match));
  Expr missing;
  missing.kind = ExprKind::kUnary;
  missing.text = "NOT";
  missing.args.push_back(std::move(exists));
  query.where = change.insert->condition ? And(*change.insert->condition, std::move(missing))
                                         : std::move(missing);
  return insert;
}

Query ReadBy(const ChangeRows& change) {
  Query query = FoundQuery(change);
  query.sources = change.others;
  if (!change.insert) return query;
  for (const Expr& value : change.insert->values) query.items.push_back({value, ""});
  if (change.insert->condition) query.items.push_back({*change.insert->condition, ""});
  return query;
}

}  // namespace mms::sandbox::sql
