// CREATE, DROP, ALTER, TRUNCATE and the partition lists inside them.
#include "sandbox/sql/token_reader.h"

namespace mms::sandbox::sql {
namespace {

/// A feature MaxCompute has and the sandbox does not.
Error NotSupported(const Token& token, const std::string& what) {
  return Error(ErrorKind::kUnsupported, "ODPS-0130071",
               "[" + std::to_string(token.line) + "," + std::to_string(token.column) +
                   "] Semantic analysis exception - " + what + " is not supported by the sandbox");
}

Result<Column> ParseColumn(TokenReader* reader) {
  Column column;
  TRY(column.name, reader->Name());
  TRY(column.type, reader->Type());
  while (true) {
    if (reader->Accept({"NOT", "NULL"})) {
      column.nullable = false;
    } else if (reader->Accept({"NULL"})) {
      column.nullable = true;
    } else if (reader->Accept({"COMMENT"})) {
      TRY(column.comment, reader->String());
    } else if (reader->Accept({"DEFAULT"})) {
      if (reader->AtEnd()) return reader->Unexpected("a literal");
      if (reader->Accept({"-"})) column.default_text = "-";
      column.default_text += reader->Take().text;
    } else if (reader->Accept({"PRIMARY", "KEY"})) {
      return reader->Unexpected("PRIMARY KEY (...) after the columns");
    } else {
      return column;
    }
  }
}

Status ParseColumns(TokenReader* reader, Table* table) {
  do {
    if (reader->Accept({"PRIMARY", "KEY"})) {
      TRY(table->primary_key, ParseNames(reader));
      continue;
    }
    TRY(Column column, ParseColumn(reader));
    table->columns.push_back(std::move(column));
  } while (reader->Accept({","}));
  return reader->Expect(")");
}

Result<std::map<std::string, std::string>> ParseProperties(TokenReader* reader) {
  std::map<std::string, std::string> properties;
  TRY_VOID(reader->Expect("("));
  do {
    TRY(std::string key, reader->String());
    TRY_VOID(reader->Expect("="));
    TRY(std::string value, reader->String());
    properties[key] = value;
  } while (reader->Accept({","}));
  TRY_VOID(reader->Expect(")"));
  return properties;
}

Status ParsePartitionColumns(TokenReader* reader, Table* table) {
  TRY_VOID(reader->Expect("("));
  do {
    TRY(Column column, ParseColumn(reader));
    table->partition_columns.push_back(std::move(column));
  } while (reader->Accept({","}));
  return reader->Expect(")");
}

/// (a ASC, b DESC)
Result<std::vector<std::pair<std::string, bool>>> ParseSortColumns(TokenReader* reader) {
  std::vector<std::pair<std::string, bool>> sort;
  TRY_VOID(reader->Expect("("));
  do {
    TRY(std::string name, reader->Name());
    bool descending = reader->Accept({"DESC"});
    if (!descending) reader->Accept({"ASC"});
    sort.emplace_back(std::move(name), descending);
  } while (reader->Accept({","}));
  TRY_VOID(reader->Expect(")"));
  return sort;
}

/// [RANGE] CLUSTERED BY (..) [SORTED BY (..)] [INTO n BUCKETS].
Status ParseClustering(TokenReader* reader, Table* table) {
  Clustering clustering;
  clustering.range = reader->Accept({"RANGE"});
  TRY_VOID(reader->Expect("CLUSTERED"));
  TRY_VOID(reader->Expect("BY"));
  TRY(clustering.columns, ParseNames(reader));
  if (reader->Accept({"SORTED", "BY"})) {
    TRY(clustering.sort, ParseSortColumns(reader));
  }
  if (reader->Accept({"INTO"})) {
    TRY(clustering.buckets, reader->Integer());
    TRY_VOID(reader->Expect("BUCKETS"));
  } else if (!clustering.range) {
    return reader->Unexpected("INTO n BUCKETS");
  }
  table->clustering = std::move(clustering);
  return OkStatus();
}

Status ParseLifecycle(TokenReader* reader, int* days) {
  TRY(*days, reader->Integer());
  if (*days > 0) return OkStatus();
  return Error(ErrorKind::kInvalidInput, "ODPS-0130071",
               "Semantic analysis exception - LIFECYCLE must be a positive number of days");
}

/// Clauses after the column list, in any order.
Status ParseTableClauses(TokenReader* reader, Table* table) {
  while (!reader->AtEnd()) {
    if (reader->Accept({"COMMENT"})) {
      TRY(table->comment, reader->String());
    } else if (reader->Accept({"PARTITIONED", "BY"})) {
      TRY_VOID(ParsePartitionColumns(reader, table));
    } else if (reader->IsNext({"CLUSTERED"}) || reader->IsNext({"RANGE"})) {
      TRY_VOID(ParseClustering(reader, table));
    } else if (reader->Accept({"TBLPROPERTIES"})) {
      TRY(auto properties, ParseProperties(reader));
      table->properties.merge(properties);
    } else if (reader->Accept({"LIFECYCLE"})) {
      TRY_VOID(ParseLifecycle(reader, &table->lifecycle_days));
    } else if (reader->IsNext({"AS"})) {
      return OkStatus();
    } else {
      for (std::string_view word : {"AUTO", "STORED", "ROW", "LOCATION", "USING"}) {
        if (!reader->IsNext({word})) continue;
        return NotSupported(reader->Peek(), "CREATE TABLE with " + std::string(word));
      }
      return reader->Unexpected("a table clause");
    }
  }
  return OkStatus();
}

/// AS SELECT: the query gives the columns, so the statement may not.
Status ParseCreateAs(TokenReader* reader, CreateTable* create) {
  const Token token = reader->Peek();
  const Table& table = create->table;
  if (!table.columns.empty() || table.partitioned() || table.clustering) {
    return ParseErrorAt(token, "no columns, partitions or clustering before AS");
  }
  TRY_VOID(reader->Expect("AS"));
  TRY(Query query, ParseQuery(reader));
  create->as = std::make_shared<Query>(std::move(query));
  return OkStatus();
}

Result<Statement> ParseCreateTable(TokenReader* reader, bool or_replace) {
  CreateTable create;
  create.or_replace = or_replace;
  create.if_not_exists = !or_replace && reader->Accept({"IF", "NOT", "EXISTS"});
  TRY(create.name, reader->Qualified());
  if (!or_replace && reader->Accept({"LIKE"})) {
    TRY(create.like, reader->Qualified());
    if (reader->Accept({"LIFECYCLE"})) {
      TRY_VOID(ParseLifecycle(reader, &create.table.lifecycle_days));
    }
    return Statement(std::move(create));
  }
  if (reader->Accept({"("})) TRY_VOID(ParseColumns(reader, &create.table));
  TRY_VOID(ParseTableClauses(reader, &create.table));
  if (!reader->AtEnd()) TRY_VOID(ParseCreateAs(reader, &create));
  return Statement(std::move(create));
}

Result<Statement> ParseCreate(TokenReader* reader) {
  if (reader->Accept({"SCHEMA"}) || reader->Accept({"DATABASE"})) {
    CreateSchema create;
    create.if_not_exists = reader->Accept({"IF", "NOT", "EXISTS"});
    TRY(create.name, reader->Qualified());
    if (reader->Accept({"COMMENT"})) {
      TRY(std::string ignored, reader->String());
    }
    return Statement(create);
  }
  const Token token = reader->Peek();
  if (reader->Accept({"OR", "REPLACE", "TABLE"})) return ParseCreateTable(reader, true);
  if (reader->Accept({"TABLE"})) return ParseCreateTable(reader, false);
  for (std::string_view word : {"EXTERNAL", "VIEW", "MATERIALIZED", "FUNCTION", "OR"}) {
    if (reader->IsNext({word})) return NotSupported(token, "CREATE " + std::string(word));
  }
  return reader->Unexpected("TABLE or SCHEMA");
}

Result<Statement> ParseDrop(TokenReader* reader) {
  if (reader->Accept({"SCHEMA"}) || reader->Accept({"DATABASE"})) {
    DropSchema drop;
    drop.if_exists = reader->Accept({"IF", "EXISTS"});
    TRY(drop.name, reader->Qualified());
    return Statement(drop);
  }
  TRY_VOID(reader->Expect("TABLE"));
  DropTable drop;
  drop.if_exists = reader->Accept({"IF", "EXISTS"});
  TRY(drop.name, reader->Qualified());
  reader->Accept({"PURGE"});
  return Statement(drop);
}

/// PARTITION (..) [[,] PARTITION (..)]*
Result<std::vector<PartitionPairs>> ParsePartitionList(TokenReader* reader) {
  std::vector<PartitionPairs> specs;
  do {
    TRY_VOID(reader->Expect("PARTITION"));
    TRY(PartitionPairs pairs, ParsePartition(reader));
    specs.push_back(std::move(pairs));
    reader->Accept({","});
  } while (!reader->AtEnd());
  return specs;
}

/// PARTITION (a='x', b='y') or PARTITION (a < 'x' AND ...).
Result<PartitionChoice> ParseChoice(TokenReader* reader) {
  PartitionChoice choice;
  TRY_VOID(reader->Expect("PARTITION"));
  TokenReader start = *reader;
  auto pairs = ParsePartition(reader);
  if (pairs) {
    choice.pairs = std::move(pairs).value();
    return choice;
  }
  *reader = std::move(start);
  TRY_VOID(reader->Expect("("));
  TRY(choice.filter, ParseExpr(reader));
  while (reader->Accept({","})) {
    TRY(Expr next, ParseExpr(reader));
    Expr both;
    both.kind = ExprKind::kBinary;
    both.text = "AND";
    both.args = {std::move(*choice.filter), std::move(next)};
    choice.filter = std::move(both);
  }
  TRY_VOID(reader->Expect(")"));
  return choice;
}

Result<std::vector<PartitionChoice>> ParseChoices(TokenReader* reader) {
  std::vector<PartitionChoice> choices;
  do {
    TRY(PartitionChoice choice, ParseChoice(reader));
    choices.push_back(std::move(choice));
    reader->Accept({","});
  } while (!reader->AtEnd());
  return choices;
}

Result<Statement> ParseAlterSet(TokenReader* reader, AlterTable alter) {
  if (reader->Accept({"LIFECYCLE"})) {
    int days = 0;
    TRY_VOID(ParseLifecycle(reader, &days));
    alter.lifecycle_days = days;
  } else if (reader->Accept({"COMMENT"})) {
    TRY(alter.comment, reader->String());
  } else if (reader->Accept({"TBLPROPERTIES"})) {
    TRY(alter.properties, ParseProperties(reader));
  } else {
    return reader->Unexpected("LIFECYCLE, COMMENT or TBLPROPERTIES");
  }
  return Statement(std::move(alter));
}

Result<Statement> ParseAlterAdd(TokenReader* reader, AlterTable alter) {
  if (reader->Accept({"COLUMNS"}) || reader->Accept({"COLUMN"})) {
    alter.if_not_exists = reader->Accept({"IF", "NOT", "EXISTS"});
    bool parenthesis = reader->Accept({"("});
    do {
      TRY(Column column, ParseColumn(reader));
      alter.add_columns.push_back(std::move(column));
    } while (reader->Accept({","}));
    if (parenthesis) TRY_VOID(reader->Expect(")"));
    return Statement(std::move(alter));
  }
  AddPartitions add;
  add.name = alter.name;
  add.if_not_exists = reader->Accept({"IF", "NOT", "EXISTS"});
  TRY(add.specs, ParsePartitionList(reader));
  return Statement(std::move(add));
}

/// CHANGE COLUMN a [b type] [COMMENT 'c'] [NULL], or a RENAME TO b.
Result<Statement> ParseAlterChange(TokenReader* reader, AlterTable alter) {
  reader->Accept({"COLUMN"});
  ChangeColumn change;
  TRY(change.name, reader->Name());
  change.new_name = change.name;
  if (reader->Accept({"RENAME", "TO"})) {
    TRY(change.new_name, reader->Name());
  } else if (!reader->IsNext({"COMMENT"}) && !reader->IsNext({"NULL"})) {
    TRY(change.new_name, reader->Name());
    TRY(change.type, reader->Type());
  }
  if (reader->Accept({"COMMENT"})) {
    TRY(change.comment, reader->String());
  }
  change.drop_not_null = reader->Accept({"NULL"});
  if (reader->IsNext({"FIRST"}) || reader->IsNext({"AFTER"})) {
    return NotSupported(reader->Peek(), "moving a column");
  }
  alter.change_column = std::move(change);
  return Statement(std::move(alter));
}

Result<Statement> ParseAlterDrop(TokenReader* reader, AlterTable alter) {
  if (reader->Accept({"COLUMNS"}) || reader->Accept({"COLUMN"})) {
    bool parenthesis = reader->Accept({"("});
    do {
      TRY(std::string name, reader->Name());
      alter.drop_columns.push_back(std::move(name));
    } while (reader->Accept({","}));
    if (parenthesis) TRY_VOID(reader->Expect(")"));
    return Statement(std::move(alter));
  }
  DropPartitions drop;
  drop.name = alter.name;
  drop.if_exists = reader->Accept({"IF", "EXISTS"});
  TRY(drop.choices, ParseChoices(reader));
  return Statement(std::move(drop));
}

Result<Statement> ParseAlter(TokenReader* reader) {
  TRY_VOID(reader->Expect("TABLE"));
  AlterTable alter;
  TRY(alter.name, reader->Qualified());
  if (reader->Accept({"ADD"})) return ParseAlterAdd(reader, std::move(alter));
  if (reader->Accept({"DROP"})) return ParseAlterDrop(reader, std::move(alter));
  if (reader->Accept({"SET"})) return ParseAlterSet(reader, std::move(alter));
  if (reader->Accept({"CHANGE"})) return ParseAlterChange(reader, std::move(alter));
  if (reader->Accept({"CHANGEOWNER", "TO"})) {
    TRY(alter.owner, reader->String());
    return Statement(std::move(alter));
  }
  if (reader->Accept({"RENAME", "TO"})) {
    TRY(alter.rename_to, reader->Name());
    return Statement(std::move(alter));
  }
  if (reader->Accept({"PARTITION"})) {
    TRY(PartitionPairs ignored, ParsePartition(reader));
  }
  alter.touch = reader->Accept({"TOUCH"});
  alter.merge_small_files = !alter.touch && reader->Accept({"MERGE", "SMALLFILES"});
  if (alter.touch || alter.merge_small_files) return Statement(std::move(alter));
  return reader->Unexpected("ADD, CHANGE COLUMN, CHANGEOWNER TO, DROP, RENAME TO, SET or TOUCH");
}

}  // namespace

Result<std::vector<std::string>> ParseNames(TokenReader* reader) {
  std::vector<std::string> names;
  TRY_VOID(reader->Expect("("));
  do {
    TRY(std::string name, reader->Name());
    names.push_back(std::move(name));
  } while (reader->Accept({","}));
  TRY_VOID(reader->Expect(")"));
  return names;
}

Result<std::string> ParsePartitionValue(TokenReader* reader) {
  std::string value;
  if (reader->Accept({"-"})) value = "-";
  if (reader->AtEnd() || reader->Peek().kind == TokenKind::kSymbol) {
    return reader->Unexpected("a partition value");
  }
  return value + reader->Take().text;
}

Result<PartitionPairs> ParsePartition(TokenReader* reader) {
  PartitionPairs pairs;
  TRY_VOID(reader->Expect("("));
  do {
    TRY(std::string key, reader->Name());
    TRY_VOID(reader->Expect("="));
    TRY(std::string value, ParsePartitionValue(reader));
    pairs.emplace_back(std::move(key), std::move(value));
  } while (reader->Accept({","}) || reader->Accept({"/"}));
  TRY_VOID(reader->Expect(")"));
  return pairs;
}

Result<Statement> ParseDdl(TokenReader* reader) {
  if (reader->Accept({"CREATE"})) return ParseCreate(reader);
  if (reader->Accept({"DROP"})) return ParseDrop(reader);
  if (reader->Accept({"ALTER"})) return ParseAlter(reader);
  TRY_VOID(reader->Expect("TRUNCATE"));
  TRY_VOID(reader->Expect("TABLE"));
  Truncate truncate;
  TRY(truncate.name, reader->Qualified());
  if (!reader->AtEnd()) {
    TRY(truncate.choices, ParseChoices(reader));
  }
  return Statement(std::move(truncate));
}

}  // namespace mms::sandbox::sql
