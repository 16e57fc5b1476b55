#include "sandbox/sql/duckdb_text.h"

#include <algorithm>
#include <map>

namespace mms::sandbox::sql {
namespace {

std::string QueryKeyword(const Query& query) {
  return query.distinct ? "SELECT DISTINCT " : "SELECT ";
}

/// The name of a column that SELECT gives.
std::string ItemName(const Query& query, size_t index) {
  const SelectItem& item = query.items[index];
  if (!item.alias.empty()) return item.alias;
  bool column = item.expr.kind == ExprKind::kColumn;
  return column ? item.expr.names.back() : "_c" + std::to_string(index);
}

/// The branches of a UNION meet in STRING where their types differ.
void KeepCommonTypes(const std::vector<OutputColumn>& branch, std::vector<OutputColumn>* outputs) {
  for (size_t i = 0; i < outputs->size(); ++i) {
    auto& type = (*outputs)[i].type;
    bool same =
        i < branch.size() && type && branch[i].type && type->ToText() == branch[i].type->ToText();
    if (!same) type.reset();
  }
}

}  // namespace

std::string DuckDbString(std::string_view text) {
  std::string quoted = "'";
  bool joined = false;
  for (char c : text) {
    if (c == '\0') {  // the query travels as a C string
      quoted += "' || chr(0) || '";
      joined = true;
      continue;
    }
    if (c == '\'') quoted += '\'';
    quoted += c;
  }
  quoted += "'";
  return joined ? "(" + quoted + ")" : quoted;
}

std::string DuckDbName(std::string_view name) {
  std::string quoted = "\"";
  for (char c : name) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

Result<std::string> Translator::ItemsText(const Query& query) {
  std::string text;
  for (size_t i = 0; i < query.items.size(); ++i) {
    const SelectItem& item = query.items[i];
    TRY(std::string value, ToDuckDb(item.expr));
    if (i > 0) text += ", ";
    text += value;
    if (item.expr.kind != ExprKind::kStar) text += " AS " + DuckDbName(ItemName(query, i));
  }
  return text;
}

/// LATERAL VIEW: one row per element of an array, or per pair of a map.
Result<std::string> Translator::ExplodeText(const Source& source) {
  TRY(std::string value, ToDuckDb(source.explode->args[0]));
  std::vector<std::string> names = source.column_aliases;
  bool position = source.explode->text == "POSEXPLODE";
  size_t wanted = names.size() - (position && !names.empty() ? 1 : 0);
  if (wanted < 1 || wanted > 2) {
    return Error(ErrorKind::kInvalidInput, "ODPS-0130071",
                 "[" + std::to_string(source.explode->line) + "," +
                     std::to_string(source.explode->column) +
                     "] Semantic analysis exception - LATERAL VIEW names one column for the "
                     "elements of an array, two for a map");
  }
  std::string list = wanted == 2 ? "map_keys(" + value + ")" : value;
  std::string items;
  size_t at = 0;
  if (position) {
    items = "(generate_subscripts(" + list + ", 1) - 1) AS " + DuckDbName(names[at++]) + ", ";
  }
  items += "unnest(" + list + ") AS " + DuckDbName(names[at++]);
  if (wanted == 2) items += ", unnest(map_values(" + value + ")) AS " + DuckDbName(names[at]);
  Scope scope{source.alias, {}};
  const ColumnType* type = TypeOf(source.explode->args[0]);
  for (size_t i = 0; i < names.size(); ++i) {
    OutputColumn column{names[i], std::nullopt};
    size_t child = i + wanted - names.size();  // of a map its keys, then its values
    bool element = i + wanted >= names.size();
    if (element && type != nullptr && child < type->children.size()) {
      column.type = type->children[child];
    }
    scope.columns.push_back(std::move(column));
  }
  scopes_.push_back(std::move(scope));
  std::string text =
      " " + source.join + " LATERAL (SELECT " + items + ") AS " + DuckDbName(source.alias);
  return source.join == "LEFT JOIN" ? text + " ON true" : text;
}

const Translator::CommonTable* Translator::FindCommonTable(const Source& source) const {
  if (source.query || source.table.parts.size() != 1) return nullptr;
  auto found = std::find_if(
      common_tables_.rbegin(), common_tables_.rend(),
      [&](const CommonTable& common) { return common.name == source.table.parts.back(); });
  return found == common_tables_.rend() ? nullptr : &*found;
}

/// The relation of one item of FROM, and in `scope` its columns.
Result<std::string> Translator::RelationText(const Source& source, const Query& query,
                                             Scope* scope) {
  if (source.query) {
    TRY(std::string text, SubqueryText(*source.query));
    scope->columns = outputs_;
    return text;
  }
  if (const CommonTable* common = FindCommonTable(source)) {
    scope->columns = common->columns;
    return DuckDbName(common->name);
  }
  TRY(Relation found, name_source_(source, query));
  for (const Column& column : found.columns) scope->columns.push_back({column.name, column.type});
  return found.name;
}

Result<std::string> Translator::SourceText(const Source& source, const Query& query) {
  if (source.explode) return ExplodeText(source);
  Scope scope{source.alias, {}};
  if (scope.alias.empty() && !source.query) scope.alias = source.table.parts.back();
  scope.shown = source.join != "SEMI JOIN" && source.join != "ANTI JOIN";
  TRY(std::string relation, RelationText(source, query, &scope));
  std::string text = source.join.empty() ? "" : " " + source.join + " ";
  text += relation;
  if (!scope.alias.empty()) text += " AS " + DuckDbName(scope.alias);
  for (size_t i = 0; i < source.column_aliases.size(); ++i) {
    text += (i == 0 ? "(" : ", ") + DuckDbName(source.column_aliases[i]);
    if (i < scope.columns.size()) scope.columns[i].name = source.column_aliases[i];
  }
  if (!source.column_aliases.empty()) text += ")";
  scopes_.push_back(std::move(scope));
  if (source.on) {
    TRY(std::string on, ToDuckDb(*source.on));
    text += " ON " + on;
  }
  return text;
}

Result<std::string> Translator::SourcesText(const Query& query) {
  std::string text;
  for (const Source& source : query.sources) {
    TRY(std::string one, SourceText(source, query));
    text += one;
  }
  return text;
}

Result<std::string> Translator::OrderText(const std::vector<OrderItem>& items) {
  std::string text;
  for (const OrderItem& item : items) {
    TRY(std::string key, ToDuckDb(item.expr));
    text += (text.empty() ? " ORDER BY " : ", ") + key;
    // MaxCompute takes NULL as the smallest value.
    std::string nulls = !item.nulls.empty() ? item.nulls : item.descending ? "LAST" : "FIRST";
    text += (item.descending ? " DESC" : " ASC") + std::string(" NULLS ") + nulls;
  }
  return text;
}

Result<std::string> Translator::SubqueryText(const Query& query) {
  size_t scopes = scopes_.size();
  auto text = ToDuckDb(query);
  scopes_.resize(scopes);  // what the sub-query brought in is out of reach behind it
  if (!text) return text;
  return "(" + *text + ")";
}

Result<std::string> Translator::WithText(const Query& query) {
  std::string text;
  for (const auto& [name, inner] : query.with) {
    TRY(std::string body, SubqueryText(*inner));
    text += (text.empty() ? "WITH " : ", ") + DuckDbName(name) + " AS " + body;
    common_tables_.push_back({name, outputs_});
  }
  return text.empty() ? text : text + " ";
}

Result<std::string> Translator::ValuesText(const Query& query) {
  std::string text;
  for (const std::vector<Expr>& row : query.values) {
    TRY(auto cells, Arguments(row));
    text += text.empty() ? "VALUES (" : ", (";
    for (size_t i = 0; i < cells.size(); ++i) text += (i == 0 ? "" : ", ") + cells[i];
    text += ")";
  }
  return text;
}

/// One SELECT without what follows UNION.
Result<std::string> Translator::BranchText(const Query& query) {
  if (!query.values.empty()) return ValuesText(query);
  // The items name what FROM brings: FROM is said first.
  TRY(std::string sources, SourcesText(query));
  TRY(std::string items, ItemsText(query));
  std::string text = QueryKeyword(query) + items;
  if (!sources.empty()) text += " FROM " + sources;
  if (query.where) {
    TRY(std::string where, ToDuckDb(*query.where));
    text += " WHERE " + where;
  }
  for (size_t i = 0; i < query.group_by.size(); ++i) {
    TRY(std::string key, ToDuckDb(query.group_by[i]));
    text += (i == 0 ? " GROUP BY " : ", ") + key;
  }
  if (query.having) {
    TRY(std::string having, ToDuckDb(*query.having));
    text += " HAVING " + having;
  }
  return text;
}

/// What * or t.* stands for.
void Translator::AddStar(const Expr& star, size_t first, std::vector<OutputColumn>* outputs) const {
  for (size_t i = first; i < scopes_.size(); ++i) {
    const Scope& scope = scopes_[i];
    bool wanted = star.names.empty() ? scope.shown : scope.alias == star.names.back();
    if (wanted) outputs->insert(outputs->end(), scope.columns.begin(), scope.columns.end());
  }
}

std::vector<OutputColumn> Translator::BranchOutputs(const Query& query, size_t first) const {
  std::vector<OutputColumn> outputs;
  if (!query.values.empty()) {
    outputs.resize(query.values.front().size());
    return outputs;
  }
  for (size_t i = 0; i < query.items.size(); ++i) {
    const SelectItem& item = query.items[i];
    if (item.expr.kind == ExprKind::kStar) {
      AddStar(item.expr, first, &outputs);
      continue;
    }
    const ColumnType* type = TypeOf(item.expr);
    outputs.push_back({ItemName(query, i), type ? std::optional(*type) : std::nullopt});
  }
  return outputs;
}

Result<std::string> Translator::ToDuckDb(const Query& query) {
  size_t names = common_tables_.size();
  TRY(std::string text, WithText(query));
  size_t scopes = scopes_.size();
  TRY(std::string branch, BranchText(query));
  text += branch;
  std::vector<OutputColumn> outputs = BranchOutputs(query, scopes);
  if (query.set_right) {
    scopes_.resize(scopes);
    TRY(std::string next, ToDuckDb(*query.set_right));
    text += " " + query.set_operation + " " + next;
    KeepCommonTypes(outputs_, &outputs);
  } else {
    TRY(std::string order, OrderText(query.order_by));
    text += order;
    if (query.limit) text += " LIMIT " + *query.limit;
    if (query.offset) text += " OFFSET " + *query.offset;
  }
  scopes_.resize(scopes);
  common_tables_.resize(names);
  outputs_ = std::move(outputs);
  return text;
}

}  // namespace mms::sandbox::sql
