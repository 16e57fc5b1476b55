// SELECT, VALUES, WITH, set operations, and the items of FROM.
#include "sandbox/sql/token_reader.h"

namespace mms::sandbox::sql {
namespace {

Expr MakeStar(const Token& token) {
  Expr star;
  star.kind = ExprKind::kStar;
  star.line = token.line;
  star.column = token.column;
  return star;
}

Result<std::string> OptionalAlias(TokenReader* reader) {
  const Token& next = reader->Peek();
  bool implicit =
      next.kind == TokenKind::kQuoted || (next.kind == TokenKind::kWord && !IsReserved(next));
  if (reader->Accept({"AS"}) || implicit) return reader->Name();
  return std::string();
}

Status ParseItems(TokenReader* reader, Query* query) {
  do {
    SelectItem item;
    if (reader->IsNext({"*"})) {
      item.expr = MakeStar(reader->Take());
    } else {
      TRY(item.expr, ParseExpr(reader));
      TRY(item.alias, OptionalAlias(reader));
    }
    query->items.push_back(std::move(item));
  } while (reader->Accept({","}));
  return OkStatus();
}

Result<Source> ParseSource(TokenReader* reader) {
  Source source;
  if (reader->Accept({"("})) {
    TRY(Query inner, ParseQuery(reader));
    source.query = std::make_shared<Query>(std::move(inner));
    TRY_VOID(reader->Expect(")"));
  } else if (reader->IsNext({"VALUES"})) {
    TRY(Query inner, ParseQuery(reader));
    source.query = std::make_shared<Query>(std::move(inner));
  } else {
    TRY(source.table, reader->Qualified());
  }
  TRY(source.alias, OptionalAlias(reader));
  if (source.query && !source.alias.empty() && reader->IsNext({"("})) {
    TRY(source.column_aliases, ParseNames(reader));
  }
  return source;
}

std::string AcceptJoin(TokenReader* reader) {
  if (reader->Accept({"JOIN"}) || reader->Accept({"INNER", "JOIN"})) return "INNER JOIN";
  if (reader->Accept({"CROSS", "JOIN"}) || reader->Accept({","})) return "CROSS JOIN";
  if (reader->Accept({"LEFT", "SEMI", "JOIN"})) return "SEMI JOIN";
  if (reader->Accept({"LEFT", "ANTI", "JOIN"})) return "ANTI JOIN";
  for (std::string_view side : {"LEFT", "RIGHT", "FULL"}) {
    if (reader->Accept({side, "JOIN"}) || reader->Accept({side, "OUTER", "JOIN"})) {
      return std::string(side) + " JOIN";
    }
  }
  return "";
}

/// LATERAL VIEW [OUTER] EXPLODE(x) t AS a[, b]: the two words are read already.
Result<Source> ParseLateralView(TokenReader* reader) {
  Source source;
  source.join = reader->Accept({"OUTER"}) ? "LEFT JOIN" : "CROSS JOIN";
  const Token token = reader->Peek();
  TRY(Expr call, ParseExpr(reader));
  bool known = call.kind == ExprKind::kCall && call.args.size() == 1 &&
               (call.text == "EXPLODE" || call.text == "POSEXPLODE");
  if (!known) return ParseErrorAt(token, "EXPLODE(...) or POSEXPLODE(...)");
  source.explode = std::move(call);
  TRY(source.alias, reader->Name());
  TRY_VOID(reader->Expect("AS"));
  do {
    TRY(std::string name, reader->Name());
    source.column_aliases.push_back(std::move(name));
  } while (reader->Accept({","}));
  return source;
}

/// How rows are spread over workers: read, and without a meaning here.
Status SkipDistribution(TokenReader* reader) {
  while (reader->Accept({"DISTRIBUTE", "BY"}) || reader->Accept({"SORT", "BY"}) ||
         reader->Accept({"CLUSTER", "BY"})) {
    TRY(auto ignored, ParseOrderItems(reader));
    (void)ignored;
  }
  return OkStatus();
}

Status ParseLimit(TokenReader* reader, Query* query) {
  if (reader->Accept({"LIMIT"})) {
    TRY(int first, reader->Integer());
    query->limit = std::to_string(first);
    if (reader->Accept({","})) {  // LIMIT offset, count
      TRY(int second, reader->Integer());
      query->offset = query->limit;
      query->limit = std::to_string(second);
    }
  }
  if (reader->Accept({"OFFSET"})) {
    TRY(int offset, reader->Integer());
    query->offset = std::to_string(offset);
  }
  return OkStatus();
}

/// The clauses after FROM.
Status ParseTail(TokenReader* reader, Query* query) {
  if (reader->Accept({"WHERE"})) {
    TRY(query->where, ParseExpr(reader));
  }
  if (reader->Accept({"GROUP", "BY"})) {
    do {
      TRY(Expr key, ParseExpr(reader));
      query->group_by.push_back(std::move(key));
    } while (reader->Accept({","}));
  }
  if (reader->Accept({"HAVING"})) {
    TRY(query->having, ParseExpr(reader));
  }
  if (reader->Accept({"ORDER", "BY"})) {
    TRY(query->order_by, ParseOrderItems(reader));
  }
  TRY_VOID(SkipDistribution(reader));
  return ParseLimit(reader, query);
}

Result<Query> ParseValues(TokenReader* reader) {
  Query query;
  do {
    TRY_VOID(reader->Expect("("));
    std::vector<Expr> row;
    do {
      TRY(Expr value, ParseExpr(reader));
      row.push_back(std::move(value));
    } while (reader->Accept({","}));
    TRY_VOID(reader->Expect(")"));
    if (!query.values.empty() && query.values.front().size() != row.size()) {
      return reader->Unexpected("rows of VALUES with equally many columns");
    }
    query.values.push_back(std::move(row));
  } while (reader->Accept({","}));
  return query;
}

/// One operand of UNION: SELECT, VALUES, or a query in parentheses.
Result<Query> ParseBranch(TokenReader* reader) {
  Query query;
  if (reader->Accept({"VALUES"})) return ParseValues(reader);
  if (reader->IsNext({"("})) {
    query.items.push_back({MakeStar(reader->Peek()), ""});
    reader->Take();
    Source inner;
    TRY(Query nested, ParseQuery(reader));
    inner.query = std::make_shared<Query>(std::move(nested));
    TRY_VOID(reader->Expect(")"));
    query.sources.push_back(std::move(inner));
  } else {
    TRY_VOID(reader->Expect("SELECT"));
    query.distinct = reader->Accept({"DISTINCT"});
    if (!query.distinct) reader->Accept({"ALL"});
    TRY_VOID(ParseItems(reader, &query));
    if (reader->Accept({"FROM"})) {
      TRY(query.sources, ParseSources(reader));
    }
  }
  TRY_VOID(ParseTail(reader, &query));
  return query;
}

std::string AcceptSetOperation(TokenReader* reader) {
  for (std::string_view word : {"UNION", "EXCEPT", "MINUS", "INTERSECT"}) {
    if (!reader->Accept({word})) continue;
    std::string text = word == "MINUS" ? "EXCEPT" : std::string(word);
    if (reader->Accept({"ALL"})) return text + " ALL";
    reader->Accept({"DISTINCT"});
    return text;
  }
  return "";
}

}  // namespace

bool IsReserved(const Token& token) {
  static constexpr std::string_view kWords[] = {
      "FROM",    "WHERE",      "GROUP",    "HAVING",  "ORDER",  "LIMIT",     "OFFSET", "UNION",
      "JOIN",    "INNER",      "LEFT",     "RIGHT",   "FULL",   "CROSS",     "ON",     "AS",
      "AND",     "OR",         "NOT",      "IN",      "IS",     "LIKE",      "RLIKE",  "BETWEEN",
      "WHEN",    "THEN",       "ELSE",     "END",     "CASE",   "DIV",       "SELECT", "ASC",
      "DESC",    "NULLS",      "DISTINCT", "EXCEPT",  "MINUS",  "INTERSECT", "SEMI",   "ANTI",
      "LATERAL", "DISTRIBUTE", "SORT",     "CLUSTER", "VALUES", "WITH",      "WINDOW"};
  if (token.kind != TokenKind::kWord) return false;
  for (std::string_view word : kWords) {
    if (token.upper == word) return true;
  }
  return false;
}

Result<std::vector<Source>> ParseSources(TokenReader* reader) {
  std::vector<Source> sources;
  TRY(Source first, ParseSource(reader));
  sources.push_back(std::move(first));
  while (true) {
    if (reader->Accept({"LATERAL", "VIEW"})) {
      TRY(Source view, ParseLateralView(reader));
      sources.push_back(std::move(view));
      continue;
    }
    std::string join = AcceptJoin(reader);
    if (join.empty()) return sources;
    TRY(Source next, ParseSource(reader));
    next.join = join;
    if (join != "CROSS JOIN") {
      TRY_VOID(reader->Expect("ON"));
      TRY(next.on, ParseExpr(reader));
    }
    sources.push_back(std::move(next));
  }
}

Result<std::vector<OrderItem>> ParseOrderItems(TokenReader* reader) {
  std::vector<OrderItem> items;
  do {
    OrderItem item;
    TRY(item.expr, ParseExpr(reader));
    item.descending = reader->Accept({"DESC"});
    if (!item.descending) reader->Accept({"ASC"});
    if (reader->Accept({"NULLS"})) {
      if (!reader->IsNext({"FIRST"}) && !reader->IsNext({"LAST"})) {
        return reader->Unexpected("FIRST or LAST");
      }
      item.nulls = reader->Take().upper;
    }
    items.push_back(std::move(item));
  } while (reader->Accept({","}));
  return items;
}

Status ParseWith(TokenReader* reader, Query* query) {
  TRY_VOID(reader->Expect("WITH"));
  do {
    TRY(std::string name, reader->Name());
    TRY_VOID(reader->Expect("AS"));
    TRY_VOID(reader->Expect("("));
    TRY(Query inner, ParseQuery(reader));
    TRY_VOID(reader->Expect(")"));
    query->with.emplace_back(name, std::make_shared<Query>(std::move(inner)));
  } while (reader->Accept({","}));
  return OkStatus();
}

Result<Query> ParseQuery(TokenReader* reader) {
  TRY_VOID(reader->Enter());
  DepthGuard guard(reader);
  Query prefix;
  if (reader->IsNext({"WITH"})) TRY_VOID(ParseWith(reader, &prefix));
  TRY(Query query, ParseBranch(reader));
  query.with = std::move(prefix.with);
  Query* last = &query;
  for (int links = 0;;) {
    const Token token = reader->Peek();
    std::string operation = AcceptSetOperation(reader);
    if (operation.empty()) return query;
    TRY_VOID(reader->Extend(&links));
    if (!last->order_by.empty() || last->limit) {
      return ParseErrorAt(token, "parentheses around a branch with ORDER BY or LIMIT");
    }
    TRY(Query next, ParseBranch(reader));
    last->set_operation = std::move(operation);
    last->set_right = std::make_shared<Query>(std::move(next));
    last = last->set_right.get();
  }
}

}  // namespace mms::sandbox::sql
