// Walks over parsed queries: every query inside a query, every expression, every table. Pure, any
// thread.
#pragma once

#include <functional>

#include "sandbox/sql/ast.h"

namespace mms::sandbox::sql {

/// The expression and all below it, without those of queries inside it.
void VisitExprs(const Expr& expr, const std::function<void(const Expr&)>& visit);
/// The query, its other branches, and all queries inside (FROM, WITH, IN, EXISTS).
void VisitQueries(const Query& query, const std::function<void(const Query&)>& visit);
/// Every expression of the query alone: no other branch, no query inside.
void VisitOwnExprs(const Query& query, const std::function<void(const Expr&)>& visit);
/// The tables that the query reads: what FROM names, WITH names apart.
std::vector<QualifiedName> TablesOf(const Query& query);

}  // namespace mms::sandbox::sql
