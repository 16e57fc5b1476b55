// Expressions, by precedence: OR, AND, NOT, comparison, | ^ &, + - ||, * / % DIV, unary, postfix.
#include "sandbox/sql/token_reader.h"

namespace mms::sandbox::sql {
namespace {

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

bool IsQueryNext(const TokenReader& reader) {
  return reader.IsNext({"SELECT"}) || reader.IsNext({"WITH"}) || reader.IsNext({"VALUES"}) ||
         reader.IsNext({"(", "SELECT"});
}

/// A query and the parenthesis behind it.
Result<std::shared_ptr<Query>> ParseSubquery(TokenReader* reader) {
  TRY(Query query, ParseQuery(reader));
  TRY_VOID(reader->Expect(")"));
  return std::make_shared<Query>(std::move(query));
}

/// Left-associative levels from loose to tight.
Result<Expr> ParseArithmetic(TokenReader* reader, int level) {
  static const std::vector<std::vector<std::string_view>> kLevels{
      {"|"}, {"^"}, {"&"}, {"+", "-", "||"}, {"*", "/", "%", "DIV"}};
  if (level == static_cast<int>(kLevels.size())) return ParseUnary(reader);
  TRY(Expr left, ParseArithmetic(reader, level + 1));
  for (int links = 0;;) {
    std::string_view found;
    for (std::string_view symbol : kLevels[static_cast<size_t>(level)]) {
      if (reader->Accept({symbol})) {
        found = symbol;
        break;
      }
    }
    if (found.empty()) return left;
    TRY_VOID(reader->Extend(&links));
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
  if (IsQueryNext(*reader)) {
    TRY(expr.query, ParseSubquery(reader));
    return expr;
  }
  do {
    TRY(Expr item, ParseExpr(reader));
    expr.args.push_back(std::move(item));
  } while (reader->Accept({","}));
  TRY_VOID(reader->Expect(")"));
  return expr;
}

Result<Expr> ParseComparison(TokenReader* reader) {
  TRY(Expr left, ParseOperand(reader));
  for (int links = 0;;) {
    TRY_VOID(reader->Extend(&links));
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

/// AND and OR take any number of operands in one node: lists of thousands are no deep tree.
void AddOperand(const char* symbol, Expr right, Expr* left) {
  if (left->kind == ExprKind::kBinary && left->text == symbol) {
    left->args.push_back(std::move(right));
  } else {
    *left = MakeBinary(symbol, std::move(*left), std::move(right));
  }
}

Result<Expr> ParseAnd(TokenReader* reader) {
  TRY(Expr left, ParseNot(reader));
  while (reader->Accept({"AND"}) || reader->Accept({"&&"})) {
    TRY(Expr right, ParseNot(reader));
    AddOperand("AND", std::move(right), &left);
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

/// One end of a window frame: UNBOUNDED PRECEDING, CURRENT ROW, 3 FOLLOWING.
Result<std::string> ParseFrameEnd(TokenReader* reader) {
  if (reader->Accept({"CURRENT", "ROW"})) return std::string("CURRENT ROW");
  std::string text = "UNBOUNDED";
  if (!reader->Accept({"UNBOUNDED"})) {
    TRY(int rows, reader->Integer());
    text = std::to_string(rows);
  }
  if (reader->Accept({"PRECEDING"})) return text + " PRECEDING";
  TRY_VOID(reader->Expect("FOLLOWING"));
  return text + " FOLLOWING";
}

Result<std::string> ParseFrame(TokenReader* reader) {
  std::string text = reader->Take().upper;
  if (reader->Accept({"BETWEEN"})) {
    TRY(std::string low, ParseFrameEnd(reader));
    TRY_VOID(reader->Expect("AND"));
    TRY(std::string high, ParseFrameEnd(reader));
    return text + " BETWEEN " + low + " AND " + high;
  }
  TRY(std::string low, ParseFrameEnd(reader));
  return text + " " + low;
}

Result<std::shared_ptr<Window>> ParseWindow(TokenReader* reader) {
  auto window = std::make_shared<Window>();
  TRY_VOID(reader->Expect("("));
  if (reader->Accept({"PARTITION", "BY"})) {
    do {
      TRY(Expr key, ParseExpr(reader));
      window->partition_by.push_back(std::move(key));
    } while (reader->Accept({","}));
  }
  if (reader->Accept({"ORDER", "BY"})) {
    TRY(window->order_by, ParseOrderItems(reader));
  }
  if (reader->IsNext({"ROWS"}) || reader->IsNext({"RANGE"})) {
    TRY(window->frame, ParseFrame(reader));
  }
  TRY_VOID(reader->Expect(")"));
  return window;
}

Result<Expr> ParseCast(TokenReader* reader, Expr cast) {
  cast.kind = ExprKind::kCast;
  TRY(Expr value, ParseExpr(reader));
  TRY_VOID(reader->Expect("AS"));
  TRY(cast.type, reader->Type());
  cast.args.push_back(std::move(value));
  TRY_VOID(reader->Expect(")"));
  return cast;
}

Result<Expr> ParseCall(TokenReader* reader, Expr call) {
  call.kind = ExprKind::kCall;
  if (call.text == "CAST") return ParseCast(reader, std::move(call));
  if (!reader->Accept({")"})) {
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
  }
  if (reader->Accept({"OVER"})) {
    TRY(call.window, ParseWindow(reader));
  }
  return call;
}

/// DATE '2026-01-02', TIMESTAMP '...': a cast of the text.
std::optional<TypeId> TypedLiteral(const TokenReader& reader) {
  if (reader.Peek(1).kind != TokenKind::kString) return std::nullopt;
  if (reader.IsNext({"DATE"})) return TypeId::kDate;
  if (reader.IsNext({"DATETIME"})) return TypeId::kDatetime;
  if (reader.IsNext({"TIMESTAMP"})) return TypeId::kTimestamp;
  if (reader.IsNext({"TIMESTAMP_NTZ"})) return TypeId::kTimestampNtz;
  return std::nullopt;
}

Expr CastOf(Expr value, TypeId id) {
  Expr cast;
  cast.kind = ExprKind::kCast;
  cast.type.id = id;
  cast.line = value.line;
  cast.column = value.column;
  cast.args.push_back(std::move(value));
  return cast;
}

Result<Expr> ParseNameOrCall(TokenReader* reader) {
  Expr expr = MakeExpr(ExprKind::kColumn, reader->Peek());
  if (auto id = TypedLiteral(*reader)) {
    reader->Take();
    expr.kind = ExprKind::kString;
    expr.text = reader->Take().text;
    return CastOf(std::move(expr), *id);
  }
  bool word = reader->Peek().kind == TokenKind::kWord;
  bool call = word && reader->Peek(1).kind == TokenKind::kSymbol && reader->Peek(1).text == "(";
  bool function = call && (reader->IsNext({"LEFT"}) || reader->IsNext({"RIGHT"}));
  if (word && IsReserved(reader->Peek()) && !function) return reader->Unexpected("an expression");
  TRY(std::string name, reader->Name());
  if (call) {
    reader->Take();
    expr.text = UpperName(name);
    if (expr.text == "EXISTS") {
      expr.kind = ExprKind::kExists;
      TRY(expr.query, ParseSubquery(reader));
      return expr;
    }
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

/// 1 is INT (BIGINT when it does not fit), 1L BIGINT, 1.5 and 1e3 DOUBLE, 1.5BD DECIMAL.
Expr ParseNumber(TokenReader* reader) {
  const Token token = reader->Take();
  Expr number = MakeExpr(ExprKind::kNumber, token);
  number.text = token.text;
  const std::string& suffix = token.upper;
  if (suffix == "BD") return number;
  if (suffix == "L") return CastOf(std::move(number), TypeId::kBigint);
  if (suffix == "S") return CastOf(std::move(number), TypeId::kSmallint);
  if (suffix == "Y") return CastOf(std::move(number), TypeId::kTinyint);
  bool plain = suffix.empty() && number.text.find_first_of(".eE") == std::string::npos;
  return plain ? number : CastOf(std::move(number), TypeId::kDouble);
}

Result<Expr> ParsePrimary(TokenReader* reader) {
  const Token token = reader->Peek();
  if (token.kind == TokenKind::kNumber) return ParseNumber(reader);
  if (token.kind == TokenKind::kString) {
    Expr expr = MakeExpr(ExprKind::kString, token);
    expr.text = reader->Take().text;
    return expr;
  }
  if (reader->Accept({"("})) {
    if (IsQueryNext(*reader)) {
      Expr expr = MakeExpr(ExprKind::kScalar, token);
      TRY(expr.query, ParseSubquery(reader));
      return expr;
    }
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
  for (int links = 0;;) {
    TRY_VOID(reader->Extend(&links));
    if (reader->Accept({"["})) {
      Expr index = MakeExpr(ExprKind::kIndex, token);
      TRY(Expr at, ParseExpr(reader));
      TRY_VOID(reader->Expect("]"));
      index.args.push_back(std::move(value));
      index.args.push_back(std::move(at));
      value = std::move(index);
    } else if (reader->Accept({"."})) {
      Expr field = MakeExpr(ExprKind::kField, token);
      TRY(field.text, reader->Name());
      field.args.push_back(std::move(value));
      value = std::move(field);
    } else {
      return value;
    }
  }
}

}  // namespace

Result<Expr> ParseExpr(TokenReader* reader) {
  TRY_VOID(reader->Enter());
  DepthGuard guard(reader);
  TRY(Expr left, ParseAnd(reader));
  while (reader->Accept({"OR"})) {
    TRY(Expr right, ParseAnd(reader));
    AddOperand("OR", std::move(right), &left);
  }
  return left;
}

}  // namespace mms::sandbox::sql
