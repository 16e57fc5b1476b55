// What the SQL parser makes: one struct per statement kind, one expression node for all
// expressions. Values only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "sandbox/column_type.h"
#include "sandbox/table.h"

namespace mms::sandbox::sql {

/// One to three name parts as written, lower case: table, a.table, project.schema.table. What `a`
/// is depends on odps.namespace.schema.
struct QualifiedName {
  std::vector<std::string> parts;
  int line = 1;
  int column = 1;
};

using PartitionPairs = std::vector<std::pair<std::string, std::string>>;

enum class ExprKind {
  kNull,
  kBoolean,  ///< text: true or false
  kNumber,   ///< text
  kString,   ///< text
  kColumn,   ///< names
  kStar,     ///< * or t.* (names)
  kCall,     ///< text: upper-case function; args; distinct
  kCast,     ///< args[0], type
  kUnary,    ///< text: operator; args[0]
  kBinary,   ///< text: operator; args[0], args[1]
  kIsNull,   ///< args[0]; negated
  kIn,       ///< args[0] in args[1...]; negated
  kBetween,  ///< args[0] between args[1] and args[2]; negated
  kCase,     ///< text "else" when the last arg is ELSE; args: [operand] (when, then)*; negated: has
             ///< operand
  kIndex,    ///< args[0][args[1]]
};

struct Expr {
  ExprKind kind = ExprKind::kNull;
  std::string text;
  std::vector<std::string> names;
  std::vector<Expr> args;
  ColumnType type;
  bool negated = false;
  bool distinct = false;
  int line = 1;
  int column = 1;
};

struct Query;

struct Source {
  QualifiedName table;           ///< a table, unless query is set
  std::shared_ptr<Query> query;  ///< a sub-query
  std::string alias;
  std::string join;  ///< "" for the first; else "INNER JOIN", "LEFT JOIN", "CROSS JOIN"...
  std::optional<Expr> on;
};

struct SelectItem {
  Expr expr;
  std::string alias;
};

struct OrderItem {
  Expr expr;
  bool descending = false;
  std::string nulls;  ///< "", "FIRST" or "LAST"
};

struct Query {
  bool distinct = false;
  std::vector<SelectItem> items;
  std::vector<Source> sources;
  std::optional<Expr> where;
  std::vector<Expr> group_by;
  std::optional<Expr> having;
  std::vector<OrderItem> order_by;
  std::optional<std::string> limit;
  std::optional<std::string> offset;
  std::shared_ptr<Query>
      union_all;  ///< the next branch; order and limit of the last one apply to all
};

struct CreateTable {
  QualifiedName name;
  bool if_not_exists = false;
  Table table;  ///< without id, name and times
  std::optional<QualifiedName> like;
};
struct DropTable {
  QualifiedName name;
  bool if_exists = false;
};
struct AddPartitions {
  QualifiedName name;
  bool if_not_exists = false;
  std::vector<PartitionPairs> specs;
};
struct DropPartitions {
  QualifiedName name;
  bool if_exists = false;
  std::vector<PartitionPairs> specs;
};
struct Truncate {
  QualifiedName name;
  std::vector<PartitionPairs> specs;
};
/// ALTER TABLE forms that change the description only; exactly one member is set.
struct AlterTable {
  QualifiedName name;
  std::optional<int> lifecycle_days;
  std::optional<std::string> comment;
  std::optional<std::map<std::string, std::string>> properties;
  std::optional<std::string> rename_to;
  std::vector<Column> add_columns;
  bool if_not_exists = false;
  bool touch = false;  ///< TOUCH, MERGE SMALLFILES: accepted, nothing to do
};
struct ShowTables {
  std::optional<QualifiedName> schema;
  std::string like;
};
struct ShowPartitions {
  QualifiedName name;
  PartitionPairs prefix;
};
struct ShowCreateTable {
  QualifiedName name;
};
struct ShowSchemas {};
struct Describe {
  QualifiedName name;
  bool extended = false;
  PartitionPairs partition;
};
struct SetFlag {
  std::string key;
  std::string value;
};
struct CreateSchema {
  QualifiedName name;
  bool if_not_exists = false;
};
struct DropSchema {
  QualifiedName name;
  bool if_exists = false;
};

using Statement = std::variant<CreateTable, DropTable, AddPartitions, DropPartitions, Truncate,
                               AlterTable, ShowTables, ShowPartitions, ShowCreateTable, ShowSchemas,
                               Describe, SetFlag, CreateSchema, DropSchema, Query>;

}  // namespace mms::sandbox::sql
