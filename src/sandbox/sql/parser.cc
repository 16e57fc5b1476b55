#include "sandbox/sql/parser.h"

#include "sandbox/sql/token_reader.h"

namespace mms::sandbox::sql {
namespace {

constexpr size_t kTextBytesMax = 2 << 20;

/// SET key=value: keys have dots, values any token; taken as text up to the end.
Result<Statement> ParseSet(TokenReader* reader) {
  SetFlag flag;
  while (!reader->AtEnd() && !reader->IsNext({"="})) flag.key += reader->Take().text;
  TRY_VOID(reader->Expect("="));
  while (!reader->AtEnd()) flag.value += reader->Take().text;
  if (flag.key.empty()) return reader->Unexpected("a flag name");
  return Statement(flag);
}

Result<Statement> ParseShow(TokenReader* reader) {
  if (reader->Accept({"TABLES"})) {
    ShowTables show;
    if (reader->Accept({"IN"}) || reader->Accept({"FROM"})) {
      TRY(show.schema, reader->Qualified());
    }
    if (reader->Accept({"LIKE"})) {
      TRY(show.like, reader->String());
    }
    return Statement(show);
  }
  if (reader->Accept({"PARTITIONS"})) {
    ShowPartitions show;
    TRY(show.name, reader->Qualified());
    if (reader->Accept({"PARTITION"})) {
      TRY(show.prefix, ParsePartition(reader));
    }
    return Statement(show);
  }
  if (reader->Accept({"CREATE", "TABLE"})) {
    ShowCreateTable show;
    TRY(show.name, reader->Qualified());
    return Statement(show);
  }
  if (reader->Accept({"SCHEMAS"}) || reader->Accept({"DATABASES"})) return Statement(ShowSchemas{});
  return reader->Unexpected("TABLES, PARTITIONS, CREATE TABLE or SCHEMAS");
}

Result<Statement> ParseDescribe(TokenReader* reader) {
  Describe describe;
  describe.extended = reader->Accept({"EXTENDED"});
  reader->Accept({"TABLE"});
  TRY(describe.name, reader->Qualified());
  if (reader->Accept({"PARTITION"})) {
    TRY(describe.partition, ParsePartition(reader));
  }
  return Statement(describe);
}

/// A query or an INSERT, with WITH in front.
Result<Statement> ParseQueryOrInsert(TokenReader* reader) {
  Query prefix;
  if (reader->IsNext({"WITH"})) TRY_VOID(ParseWith(reader, &prefix));
  if (reader->IsNext({"INSERT"})) {
    TRY(Insert insert, ParseInsert(reader));
    insert.query.with.insert(insert.query.with.begin(), prefix.with.begin(), prefix.with.end());
    return Statement(std::move(insert));
  }
  TRY(Query query, ParseQuery(reader));
  query.with.insert(query.with.begin(), prefix.with.begin(), prefix.with.end());
  return Statement(std::move(query));
}

Result<Statement> ParseExplain(TokenReader* reader) {
  Explain explain;
  TRY(Statement statement, ParseQueryOrInsert(reader));
  if (auto* insert = std::get_if<Insert>(&statement)) {
    explain.into = insert->name;
    explain.query = std::move(insert->query);
  } else {
    explain.query = std::move(std::get<Query>(statement));
  }
  return Statement(std::move(explain));
}

Result<Statement> ParseOne(TokenReader* reader) {
  if (reader->Accept({"SET"})) return ParseSet(reader);
  if (reader->Accept({"SHOW"})) return ParseShow(reader);
  if (reader->Accept({"DESC"}) || reader->Accept({"DESCRIBE"})) return ParseDescribe(reader);
  if (reader->Accept({"EXPLAIN"})) return ParseExplain(reader);
  for (std::string_view word : {"WITH", "INSERT", "SELECT", "("}) {
    if (reader->IsNext({word})) return ParseQueryOrInsert(reader);
  }
  auto as_statement = [](Result<ChangeRows> change) -> Result<Statement> {
    if (!change) return std::move(change).error();
    return Statement(std::move(*change));
  };
  if (reader->IsNext({"UPDATE"})) return as_statement(ParseUpdate(reader));
  if (reader->IsNext({"DELETE"})) return as_statement(ParseDelete(reader));
  if (reader->IsNext({"MERGE"})) return as_statement(ParseMerge(reader));
  for (std::string_view word : {"CREATE", "DROP", "ALTER", "TRUNCATE"}) {
    if (reader->IsNext({word})) return ParseDdl(reader);
  }
  if (reader->IsNext({"FROM"})) {
    return Error(ErrorKind::kUnsupported, "ODPS-0130071",
                 "[" + std::to_string(reader->Peek().line) + "," +
                     std::to_string(reader->Peek().column) +
                     "] Semantic analysis exception - FROM is not supported by the sandbox");
  }
  return reader->Unexpected("a statement");
}

}  // namespace

Result<std::vector<Statement>> ParseStatements(std::string_view text) {
  if (text.size() > kTextBytesMax) {
    return Error(ErrorKind::kLimitReached, "ODPS-0130071",
                 "[1,1] Semantic analysis exception - the statement has " +
                     std::to_string(text.size()) + " bytes, more than 2097152");
  }
  TRY(std::vector<Token> tokens, Tokenize(text));
  Token last = tokens.back();
  std::vector<Statement> statements;
  for (auto& piece : SplitStatements(std::move(tokens))) {
    TokenReader reader(std::move(piece));
    TRY(Statement statement, ParseOne(&reader));
    TRY_VOID(reader.ExpectEnd());
    statements.push_back(std::move(statement));
  }
  if (statements.empty()) return ParseErrorAt(last, "a statement");
  return statements;
}

Result<ColumnType> ParseType(std::string_view text) {
  TRY(std::vector<Token> tokens, Tokenize(text));
  TokenReader reader(std::move(tokens));
  TRY(ColumnType type, reader.Type());
  TRY_VOID(reader.ExpectEnd());
  return type;
}

}  // namespace mms::sandbox::sql
