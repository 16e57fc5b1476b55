// INSERT INTO|OVERWRITE.
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

}  // namespace

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
