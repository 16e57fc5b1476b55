// SELECT and expressions, by precedence: OR, AND, NOT, comparison, | ^ &, + - ||, * / %, unary,
// postfix.
#include "sandbox/sql/token_reader.h"

namespace mms::sandbox::sql {
namespace {

/// Words that end an expression or an alias: never an implicit alias.
bool IsReserved(const Token& token) {
  static constexpr std::string_view kWords[] = {
      "FROM",  "WHERE", "GROUP",  "HAVING", "ORDER", "LIMIT",   "OFFSET",  "UNION", "JOIN",
      "INNER", "LEFT",  "RIGHT",  "FULL",   "CROSS", "ON",      "AS",      "AND",   "OR",
      "NOT",   "IN",    "IS",     "LIKE",   "RLIKE", "BETWEEN", "WHEN",    "THEN",  "ELSE",
      "END",   "CASE",  "SELECT", "ASC",    "DESC",  "NULLS",   "DISTINCT"};
  if (token.kind != TokenKind::kWord) return false;
  for (std::string_view word : kWords) {
    if (token.upper == word) return true;
  }
  return false;
}

Expr MakeExpr(ExprKind kind, const Token& token) {
  Expr expr;
  expr.kind = kind;
  expr.line = token.line;
  expr.column = token.column;
  return expr;
}

Expr MakeBinary(std::string symbol, Expr left, Expr right) {
  Expr expr;
  expr.kind = ExprKind::kBinary;
  expr.text = std::move(symbol);
  expr.line = left.line;
  expr.column = left.column;
  expr.args.push_back(std::move(left));
  expr.args.push_back(std::move(right));
  return expr;
}

Result<Expr> ParseUnary(TokenReader* reader);

/// Left-associative levels from loose to tight.
Result<Expr> ParseArithmetic(TokenReader* reader, int level) {
  static const std::vector<std::vector<std::string_view>> kLevels{
      {"|"}, {"^"}, {"&"}, {"+", "-", "||"}, {"*", "/", "%"}};
  if (level == static_cast<int>(kLevels.size())) return ParseUnary(reader);
  TRY(Expr left, ParseArithmetic(reader, level + 1));
  while (true) {
    std::string_view found;
    for (std::string_view symbol : kLevels[static_cast<size_t>(level)]) {
      if (reader->Accept({symbol})) {
        found = symbol;
        break;
      }
    }
    if (found.empty()) return left;
    TRY(Expr right, ParseArithmetic(reader, level + 1));
    left = MakeBinary(std::string(found), std::move(left), std::move(right));
  }
}

Result<Expr> ParseOperand(TokenReader* reader) { return ParseArithmetic(reader, 0); }

Result<Expr> ParseInList(TokenReader* reader, Expr left, bool negated) {
  Expr expr = MakeExpr(ExprKind::kIn, reader->Peek());
  expr.negated = negated;
  expr.args.push_back(std::move(left));
  TRY_VOID(reader->Expect("("));
  do {
    TRY(Expr item, ParseExpr(reader));
    expr.args.push_back(std::move(item));
  } while (reader->Accept({","}));
  TRY_VOID(reader->Expect(")"));
  return expr;
}

Result<Expr> ParseComparison(TokenReader* reader) {
  TRY(Expr left, ParseOperand(reader));
  while (true) {
    const Token token = reader->Peek();
    if (reader->Accept({"IS"})) {
      Expr expr = MakeExpr(ExprKind::kIsNull, token);
      expr.negated = reader->Accept({"NOT"});
      TRY_VOID(reader->Expect("NULL"));
      expr.args.push_back(std::move(left));
      left = std::move(expr);
      continue;
    }
    bool negated = reader->Accept({"NOT"});
    if (reader->Accept({"IN"})) {
      TRY(left, ParseInList(reader, std::move(left), negated));
      continue;
    }
    if (reader->Accept({"BETWEEN"})) {
      Expr expr = MakeExpr(ExprKind::kBetween, token);
      expr.negated = negated;
      TRY(Expr low, ParseOperand(reader));
      TRY_VOID(reader->Expect("AND"));
      TRY(Expr high, ParseOperand(reader));
      expr.args = {std::move(left), std::move(low), std::move(high)};
      left = std::move(expr);
      continue;
    }
    std::string symbol;
    for (std::string_view word :
         {"=", "==", "<>", "!=", "<=>", "<", "<=", ">", ">=", "LIKE", "RLIKE"}) {
      if (reader->Accept({word})) {
        symbol = word;
        break;
      }
    }
    if (symbol.empty()) {
      if (negated) return reader->Unexpected("IN, BETWEEN, LIKE or RLIKE");
      return left;
    }
    TRY(Expr right, ParseOperand(reader));
    left = MakeBinary(symbol, std::move(left), std::move(right));
    if (!negated) continue;
    Expr no = MakeExpr(ExprKind::kUnary, token);
    no.text = "NOT";
    no.args.push_back(std::move(left));
    left = std::move(no);
  }
}

Result<Expr> ParseNot(TokenReader* reader) {
  const Token token = reader->Peek();
  if (!reader->Accept({"NOT"}) && !reader->Accept({"!"})) return ParseComparison(reader);
  TRY_VOID(reader->Enter());
  DepthGuard guard(reader);
  Expr expr = MakeExpr(ExprKind::kUnary, token);
  expr.text = "NOT";
  TRY(Expr inner, ParseNot(reader));
  expr.args.push_back(std::move(inner));
  return expr;
}

Result<Expr> ParseAnd(TokenReader* reader) {
  TRY(Expr left, ParseNot(reader));
  while (reader->Accept({"AND"}) || reader->Accept({"&&"})) {
    TRY(Expr right, ParseNot(reader));
    left = MakeBinary("AND", std::move(left), std::move(right));
  }
  return left;
}

Result<Expr> ParseCase(TokenReader* reader) {
  Expr expr = MakeExpr(ExprKind::kCase, reader->Peek());
  if (!reader->IsNext({"WHEN"})) {
    expr.negated = true;
    TRY(Expr operand, ParseExpr(reader));
    expr.args.push_back(std::move(operand));
  }
  while (reader->Accept({"WHEN"})) {
    TRY(Expr when, ParseExpr(reader));
    TRY_VOID(reader->Expect("THEN"));
    TRY(Expr then, ParseExpr(reader));
    expr.args.push_back(std::move(when));
    expr.args.push_back(std::move(then));
  }
  if (expr.args.size() < 2) return reader->Unexpected("WHEN");
  if (reader->Accept({"ELSE"})) {
    expr.text = "else";
    TRY(Expr otherwise, ParseExpr(reader));
    expr.args.push_back(std::move(otherwise));
  }
  TRY_VOID(reader->Expect("END"));
  return expr;
}

Result<Expr> ParseCall(TokenReader* reader, Expr call) {
  call.kind = ExprKind::kCall;
  if (call.text == "CAST") {
    call.kind = ExprKind::kCast;
    TRY(Expr value, ParseExpr(reader));
    TRY_VOID(reader->Expect("AS"));
    TRY(call.type, reader->Type());
    call.args.push_back(std::move(value));
    TRY_VOID(reader->Expect(")"));
    return call;
  }
  if (reader->Accept({")"})) return call;
  call.distinct = reader->Accept({"DISTINCT"});
  do {
    if (reader->IsNext({"*"})) {
      call.args.push_back(MakeExpr(ExprKind::kStar, reader->Take()));
      continue;
    }
    TRY(Expr argument, ParseExpr(reader));
    call.args.push_back(std::move(argument));
  } while (reader->Accept({","}));
  TRY_VOID(reader->Expect(")"));
  return call;
}

Result<Expr> ParseNameOrCall(TokenReader* reader) {
  Expr expr = MakeExpr(ExprKind::kColumn, reader->Peek());
  bool word = reader->Peek().kind == TokenKind::kWord;
  if (word && IsReserved(reader->Peek())) return reader->Unexpected("an expression");
  TRY(std::string name, reader->Name());
  if (word && reader->Accept({"("})) {
    expr.text = UpperName(name);
    return ParseCall(reader, std::move(expr));
  }
  expr.names.push_back(std::move(name));
  while (reader->Accept({"."})) {
    if (reader->Accept({"*"})) {
      expr.kind = ExprKind::kStar;
      return expr;
    }
    TRY(std::string part, reader->Name());
    expr.names.push_back(std::move(part));
  }
  return expr;
}

Result<Expr> ParsePrimary(TokenReader* reader) {
  const Token token = reader->Peek();
  if (token.kind == TokenKind::kString || token.kind == TokenKind::kNumber) {
    Expr expr =
        MakeExpr(token.kind == TokenKind::kString ? ExprKind::kString : ExprKind::kNumber, token);
    expr.text = reader->Take().text;
    return expr;
  }
  if (reader->Accept({"("})) {
    TRY(Expr inner, ParseExpr(reader));
    TRY_VOID(reader->Expect(")"));
    return inner;
  }
  if (reader->Accept({"NULL"})) return MakeExpr(ExprKind::kNull, token);
  if (reader->IsNext({"TRUE"}) || reader->IsNext({"FALSE"})) {
    Expr expr = MakeExpr(ExprKind::kBoolean, token);
    expr.text = LowerName(reader->Take().text);
    return expr;
  }
  if (reader->Accept({"CASE"})) return ParseCase(reader);
  return ParseNameOrCall(reader);
}

Result<Expr> ParseUnary(TokenReader* reader) {
  TRY_VOID(reader->Enter());
  DepthGuard guard(reader);
  const Token token = reader->Peek();
  for (std::string_view symbol : {"-", "+", "~"}) {
    if (!reader->Accept({symbol})) continue;
    Expr expr = MakeExpr(ExprKind::kUnary, token);
    expr.text = symbol;
    TRY(Expr inner, ParseUnary(reader));
    expr.args.push_back(std::move(inner));
    return expr;
  }
  TRY(Expr value, ParsePrimary(reader));
  while (reader->Accept({"["})) {
    Expr index = MakeExpr(ExprKind::kIndex, token);
    TRY(Expr at, ParseExpr(reader));
    TRY_VOID(reader->Expect("]"));
    index.args.push_back(std::move(value));
    index.args.push_back(std::move(at));
    value = std::move(index);
  }
  return value;
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
      item.expr = MakeExpr(ExprKind::kStar, reader->Take());
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
  } else {
    TRY(source.table, reader->Qualified());
  }
  TRY(source.alias, OptionalAlias(reader));
  return source;
}

std::string AcceptJoin(TokenReader* reader) {
  if (reader->Accept({"JOIN"}) || reader->Accept({"INNER", "JOIN"})) return "INNER JOIN";
  if (reader->Accept({"CROSS", "JOIN"})) return "CROSS JOIN";
  for (std::string_view side : {"LEFT", "RIGHT", "FULL"}) {
    if (reader->Accept({side, "JOIN"}) || reader->Accept({side, "OUTER", "JOIN"})) {
      return std::string(side) + " JOIN";
    }
  }
  return "";
}

Status ParseSources(TokenReader* reader, Query* query) {
  TRY(Source first, ParseSource(reader));
  query->sources.push_back(std::move(first));
  while (true) {
    std::string join = AcceptJoin(reader);
    if (join.empty()) return OkStatus();
    TRY(Source next, ParseSource(reader));
    next.join = join;
    if (join != "CROSS JOIN") {
      TRY_VOID(reader->Expect("ON"));
      TRY(next.on, ParseExpr(reader));
    }
    query->sources.push_back(std::move(next));
  }
}

Status ParseOrder(TokenReader* reader, Query* query) {
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
    query->order_by.push_back(std::move(item));
  } while (reader->Accept({","}));
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
  if (reader->Accept({"ORDER", "BY"})) TRY_VOID(ParseOrder(reader, query));
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

}  // namespace

Result<Expr> ParseExpr(TokenReader* reader) {
  TRY_VOID(reader->Enter());
  DepthGuard guard(reader);
  TRY(Expr left, ParseAnd(reader));
  while (reader->Accept({"OR"})) {
    TRY(Expr right, ParseAnd(reader));
    left = MakeBinary("OR", std::move(left), std::move(right));
  }
  return left;
}

Result<Query> ParseQuery(TokenReader* reader) {
  TRY_VOID(reader->Enter());
  DepthGuard guard(reader);
  Query query;
  TRY_VOID(reader->Expect("SELECT"));
  query.distinct = reader->Accept({"DISTINCT"});
  if (!query.distinct) reader->Accept({"ALL"});
  TRY_VOID(ParseItems(reader, &query));
  if (reader->Accept({"FROM"})) TRY_VOID(ParseSources(reader, &query));
  TRY_VOID(ParseTail(reader, &query));
  if (reader->Accept({"UNION"})) {
    TRY_VOID(reader->Expect("ALL"));
    TRY(Query next, ParseQuery(reader));
    query.union_all = std::make_shared<Query>(std::move(next));
  }
  return query;
}

}  // namespace mms::sandbox::sql
