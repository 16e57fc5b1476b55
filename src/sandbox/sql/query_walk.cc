#include "sandbox/sql/query_walk.h"

#include <set>

namespace mms::sandbox::sql {

void VisitExprs(const Expr& expr, const std::function<void(const Expr&)>& visit) {
  visit(expr);
  for (const Expr& argument : expr.args) VisitExprs(argument, visit);
  if (!expr.window) return;
  for (const Expr& key : expr.window->partition_by) VisitExprs(key, visit);
  for (const OrderItem& item : expr.window->order_by) VisitExprs(item.expr, visit);
}

void VisitOwnExprs(const Query& query, const std::function<void(const Expr&)>& visit) {
  for (const auto& row : query.values) {
    for (const Expr& cell : row) VisitExprs(cell, visit);
  }
  for (const SelectItem& item : query.items) VisitExprs(item.expr, visit);
  for (const Source& source : query.sources) {
    if (source.explode) VisitExprs(*source.explode, visit);
    if (source.on) VisitExprs(*source.on, visit);
  }
  if (query.where) VisitExprs(*query.where, visit);
  for (const Expr& key : query.group_by) VisitExprs(key, visit);
  if (query.having) VisitExprs(*query.having, visit);
  for (const OrderItem& item : query.order_by) VisitExprs(item.expr, visit);
}

void VisitQueries(const Query& query, const std::function<void(const Query&)>& visit) {
  visit(query);
  for (const auto& [name, inner] : query.with) VisitQueries(*inner, visit);
  for (const Source& source : query.sources) {
    if (source.query) VisitQueries(*source.query, visit);
  }
  VisitOwnExprs(query, [&](const Expr& expr) {
    if (expr.query) VisitQueries(*expr.query, visit);
  });
  if (query.set_right) VisitQueries(*query.set_right, visit);
}

std::vector<QualifiedName> TablesOf(const Query& query) {
  std::set<std::string> with_names;
  VisitQueries(query, [&](const Query& inner) {
    for (const auto& [name, body] : inner.with) with_names.insert(name);
  });
  std::vector<QualifiedName> tables;
  VisitQueries(query, [&](const Query& inner) {
    for (const Source& source : inner.sources) {
      bool table = !source.query && !source.explode;
      bool named =
          table && source.table.parts.size() == 1 && with_names.contains(source.table.parts[0]);
      if (table && !named) tables.push_back(source.table);
    }
  });
  return tables;
}

}  // namespace mms::sandbox::sql
