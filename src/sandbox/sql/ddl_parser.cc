// CREATE, DROP, ALTER, TRUNCATE and the partition lists inside them.
#include "sandbox/sql/token_reader.h"

namespace mms::sandbox::sql {
namespace {

Result<std::vector<std::string>> NameList(TokenReader* reader) {
  std::vector<std::string> names;
  TRY_VOID(reader->Expect("("));
  do {
    TRY(std::string name, reader->Name());
    names.push_back(std::move(name));
    if (!reader->Accept({"ASC"})) reader->Accept({"DESC"});
  } while (reader->Accept({","}));
  TRY_VOID(reader->Expect(")"));
  return names;
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
      TRY(table->primary_key, NameList(reader));
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

/// [RANGE] CLUSTERED BY (..) [SORTED BY (..)] [INTO n BUCKETS]: kept as text, rows are not
/// arranged.
Status ParseClustering(TokenReader* reader, Table* table) {
  bool range = reader->Accept({"RANGE"});
  TRY_VOID(reader->Expect("CLUSTERED"));
  TRY_VOID(reader->Expect("BY"));
  TRY(auto columns, NameList(reader));
  std::string text;
  for (const std::string& name : columns) text += (text.empty() ? "" : ",") + name;
  table->properties["mms.cluster.type"] = range ? "range" : "hash";
  table->properties["mms.cluster.columns"] = text;
  if (reader->Accept({"SORTED", "BY"})) {
    TRY(auto sorted, NameList(reader));
    text.clear();
    for (const std::string& name : sorted) text += (text.empty() ? "" : ",") + name;
    table->properties["mms.cluster.sort"] = text;
  }
  if (reader->Accept({"INTO"})) {
    TRY(int buckets, reader->Integer());
    TRY_VOID(reader->Expect("BUCKETS"));
    table->properties["mms.cluster.buckets"] = std::to_string(buckets);
  } else if (!range) {
    return reader->Unexpected("INTO n BUCKETS");
  }
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
    } else if (reader->IsNext({"AS"}) || reader->IsNext({"AUTO"}) || reader->IsNext({"STORED"})) {
      return Error(ErrorKind::kUnsupported, "ODPS-0130071",
                   "Semantic analysis exception - CREATE TABLE with " + reader->Peek().upper +
                       " is not supported by the sandbox");
    } else {
      return reader->Unexpected("a table clause");
    }
  }
  return OkStatus();
}

Result<Statement> ParseCreateTable(TokenReader* reader) {
  CreateTable create;
  create.if_not_exists = reader->Accept({"IF", "NOT", "EXISTS"});
  TRY(create.name, reader->Qualified());
  if (reader->Accept({"LIKE"})) {
    TRY(create.like, reader->Qualified());
    if (reader->Accept({"LIFECYCLE"})) {
      TRY_VOID(ParseLifecycle(reader, &create.table.lifecycle_days));
    }
    return Statement(std::move(create));
  }
  if (reader->Accept({"("})) TRY_VOID(ParseColumns(reader, &create.table));
  TRY_VOID(ParseTableClauses(reader, &create.table));
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
  if (reader->Accept({"TABLE"})) return ParseCreateTable(reader);
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

Result<Statement> ParseAlter(TokenReader* reader) {
  TRY_VOID(reader->Expect("TABLE"));
  AlterTable alter;
  TRY(alter.name, reader->Qualified());
  if (reader->Accept({"ADD"})) return ParseAlterAdd(reader, std::move(alter));
  if (reader->Accept({"DROP"})) {
    DropPartitions drop;
    drop.name = alter.name;
    drop.if_exists = reader->Accept({"IF", "EXISTS"});
    TRY(drop.specs, ParsePartitionList(reader));
    return Statement(std::move(drop));
  }
  if (reader->Accept({"SET"})) return ParseAlterSet(reader, std::move(alter));
  if (reader->Accept({"RENAME", "TO"})) {
    TRY(alter.rename_to, reader->Name());
    return Statement(std::move(alter));
  }
  if (reader->Accept({"PARTITION"})) {
    TRY(PartitionPairs ignored, ParsePartition(reader));
  }
  alter.touch = reader->Accept({"TOUCH"}) || reader->Accept({"MERGE", "SMALLFILES"});
  if (alter.touch) return Statement(std::move(alter));
  return reader->Unexpected("ADD, DROP, SET, RENAME TO or TOUCH");
}

}  // namespace

Result<PartitionPairs> ParsePartition(TokenReader* reader) {
  PartitionPairs pairs;
  TRY_VOID(reader->Expect("("));
  do {
    TRY(std::string key, reader->Name());
    TRY_VOID(reader->Expect("="));
    std::string value;
    if (reader->Accept({"-"})) value = "-";
    if (reader->AtEnd() || reader->Peek().kind == TokenKind::kSymbol) {
      return reader->Unexpected("a partition value");
    }
    value += reader->Take().text;
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
    TRY(truncate.specs, ParsePartitionList(reader));
  }
  return Statement(std::move(truncate));
}

}  // namespace mms::sandbox::sql
