// INSERT INTO|OVERWRITE, UPDATE, DELETE, MERGE INTO.
#include "sandbox/sql/token_reader.h"

namespace mms::sandbox::sql {
namespace {

/// (p='v', q): a key alone is a dynamic partition.
Status ParseTargetPartition(TokenReader* reader, Insert* insert) {
  TRY_VOID(reader->Expect("("));
  do {
    TRY(std::string key, reader->Name());
    std::optional<std::string> value;
    if (reader->Accept({"="})) {
      TRY(value, ParsePartitionValue(reader));
    }
    insert->partition.emplace_back(std::move(key), std::move(value));
  } while (reader->Accept({","}));
  return reader->Expect(")");
}

/// The table to change and its alias, which ends before `stop`.
Status ParseChangedTable(TokenReader* reader, std::string_view stop, ChangeRows* change) {
  TRY(change->name, reader->Qualified());
  const Token& next = reader->Peek();
  bool implicit = next.kind == TokenKind::kQuoted ||
                  (next.kind == TokenKind::kWord && !IsReserved(next) && !reader->IsNext({stop}));
  if (reader->Accept({"AS"}) || implicit) {
    TRY(change->alias, reader->Name());
  }
  return OkStatus();
}

/// A column of SET: bare, or behind the table's name or alias.
Result<std::string> ParseSetColumn(TokenReader* reader) {
  TRY(QualifiedName name, reader->Qualified());
  return name.parts.back();
}

Result<std::vector<Expr>> ParseValueList(TokenReader* reader) {
  std::vector<Expr> values;
  TRY_VOID(reader->Expect("("));
  do {
    TRY(Expr value, ParseExpr(reader));
    values.push_back(std::move(value));
  } while (reader->Accept({","}));
  TRY_VOID(reader->Expect(")"));
  return values;
}

/// a = x, b = y; or (a, b) = (x, y).
Result<std::vector<Assignment>> ParseAssignments(TokenReader* reader) {
  std::vector<Assignment> set;
  if (reader->IsNext({"("})) {
    TRY(auto columns, ParseNames(reader));
    TRY_VOID(reader->Expect("="));
    const Token token = reader->Peek();
    TRY(auto values, ParseValueList(reader));
    if (values.size() != columns.size()) return ParseErrorAt(token, "as many values as columns");
    for (size_t i = 0; i < columns.size(); ++i) {
      set.push_back({std::move(columns[i]), std::move(values[i])});
    }
    return set;
  }
  do {
    Assignment one;
    TRY(one.column, ParseSetColumn(reader));
    TRY_VOID(reader->Expect("="));
    TRY(one.value, ParseExpr(reader));
    set.push_back(std::move(one));
  } while (reader->Accept({","}));
  return set;
}

/// What follows WHEN NOT MATCHED.
Result<RowInsert> ParseRowInsert(TokenReader* reader) {
  RowInsert insert;
  if (reader->Accept({"AND"})) {
    TRY(insert.condition, ParseExpr(reader));
  }
  TRY_VOID(reader->Expect("THEN"));
  TRY_VOID(reader->Expect("INSERT"));
  if (reader->IsNext({"("})) {
    TRY(insert.columns, ParseNames(reader));
  }
  TRY_VOID(reader->Expect("VALUES"));
  TRY(insert.values, ParseValueList(reader));
  return insert;
}

/// What follows WHEN MATCHED.
Result<RowAction> ParseRowAction(TokenReader* reader) {
  RowAction action;
  if (reader->Accept({"AND"})) {
    TRY(action.condition, ParseExpr(reader));
  }
  TRY_VOID(reader->Expect("THEN"));
  if (reader->Accept({"DELETE"})) return action;
  TRY_VOID(reader->Expect("UPDATE"));
  TRY_VOID(reader->Expect("SET"));
  TRY(action.set, ParseAssignments(reader));
  return action;
}

}  // namespace

Result<ChangeRows> ParseUpdate(TokenReader* reader) {
  ChangeRows change;
  change.verb = "UPDATE";
  TRY_VOID(reader->Expect("UPDATE"));
  TRY_VOID(ParseChangedTable(reader, "SET", &change));
  TRY_VOID(reader->Expect("SET"));
  RowAction action;
  TRY(action.set, ParseAssignments(reader));
  change.actions.push_back(std::move(action));
  if (reader->Accept({"FROM"})) {
    TRY(change.others, ParseSources(reader));
  }
  if (reader->Accept({"WHERE"})) {
    TRY(change.found, ParseExpr(reader));
  }
  return change;
}

Result<ChangeRows> ParseDelete(TokenReader* reader) {
  ChangeRows change;
  change.verb = "DELETE";
  TRY_VOID(reader->Expect("DELETE"));
  TRY_VOID(reader->Expect("FROM"));
  TRY_VOID(ParseChangedTable(reader, "WHERE", &change));
  change.actions.emplace_back();
  if (reader->Accept({"WHERE"})) {
    TRY(change.found, ParseExpr(reader));
  }
  return change;
}

Result<ChangeRows> ParseMerge(TokenReader* reader) {
  ChangeRows change;
  change.verb = "MERGE INTO";
  TRY_VOID(reader->Expect("MERGE"));
  TRY_VOID(reader->Expect("INTO"));
  TRY_VOID(ParseChangedTable(reader, "USING", &change));
  TRY_VOID(reader->Expect("USING"));
  TRY(change.others, ParseSources(reader));
  TRY_VOID(reader->Expect("ON"));
  TRY(change.found, ParseExpr(reader));
  while (reader->Accept({"WHEN"})) {
    const Token token = reader->Peek();
    if (change.insert) return ParseErrorAt(token, "WHEN NOT MATCHED once, as the last");
    if (reader->Accept({"NOT", "MATCHED"})) {
      TRY(change.insert, ParseRowInsert(reader));
      continue;
    }
    TRY_VOID(reader->Expect("MATCHED"));
    TRY(RowAction action, ParseRowAction(reader));
    change.actions.push_back(std::move(action));
  }
  if (change.actions.empty() && !change.insert) return reader->Unexpected("WHEN");
  return change;
}

Result<Insert> ParseInsert(TokenReader* reader) {
  Insert insert;
  TRY_VOID(reader->Expect("INSERT"));
  insert.overwrite = reader->Accept({"OVERWRITE"});
  if (insert.overwrite) {
    TRY_VOID(reader->Expect("TABLE"));  // optional after INTO only
  } else {
    TRY_VOID(reader->Expect("INTO"));
    reader->Accept({"TABLE"});
  }
  TRY(insert.name, reader->Qualified());
  if (reader->Accept({"PARTITION"})) TRY_VOID(ParseTargetPartition(reader, &insert));
  bool query_in_parentheses = reader->IsNext({"(", "SELECT"}) || reader->IsNext({"(", "WITH"}) ||
                              reader->IsNext({"(", "("});
  if (reader->IsNext({"("}) && !query_in_parentheses) {
    const Token token = reader->Peek();
    TRY(insert.columns, ParseNames(reader));
    if (insert.overwrite) return ParseErrorAt(token, "no column list after INSERT OVERWRITE");
  }
  TRY(insert.query, ParseQuery(reader));
  return insert;
}

}  // namespace mms::sandbox::sql
