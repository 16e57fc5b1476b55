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
  kBinary,   ///< text: operator; args[0], args[1]; AND and OR: two or more
  kIsNull,   ///< args[0]; negated
  kIn,       ///< args[0] in args[1...], or in query's rows; negated
  kBetween,  ///< args[0] between args[1] and args[2]; negated
  kCase,     ///< text "else" when the last arg is ELSE; args: [operand] (when, then)*; negated: has
             ///< operand
  kIndex,    ///< args[0][args[1]]
  kField,    ///< (args[0]).text, a field of a struct
  kExists,   ///< EXISTS (query); negated
  kScalar,   ///< (query): one value
};

struct Query;
struct Window;

struct Expr {
  ExprKind kind = ExprKind::kNull;
  std::string text;
  std::vector<std::string> names;
  std::vector<Expr> args;
  ColumnType type;
  std::shared_ptr<Query> query;    ///< kIn, kExists, kScalar
  std::shared_ptr<Window> window;  ///< kCall
  bool negated = false;
  bool distinct = false;
  int line = 1;
  int column = 1;
};

/// One item of FROM: a table, or a sub-query, or LATERAL VIEW EXPLODE(...).
struct Source {
  QualifiedName table;
  std::shared_ptr<Query> query;
  std::optional<Expr> explode;
  std::string alias;
  std::vector<std::string> column_aliases;  ///< FROM (...) t(a, b)
  std::string join;  ///< "" for the first; else "INNER JOIN", "LEFT JOIN", "CROSS JOIN"...
  std::optional<Expr> on;
  bool row_ids = false;  ///< the relation also tells where each row lies (sources.h)
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

/// OVER (PARTITION BY ... ORDER BY ... frame).
struct Window {
  std::vector<Expr> partition_by;
  std::vector<OrderItem> order_by;
  std::string frame;  ///< "ROWS BETWEEN 1 PRECEDING AND CURRENT ROW", in upper case; "" = none
};

struct Query {
  /// WITH name AS (query), in order.
  std::vector<std::pair<std::string, std::shared_ptr<Query>>> with;
  std::vector<std::vector<Expr>> values;  ///< VALUES (..), (..): no other clause then
  bool distinct = false;
  std::vector<SelectItem> items;
  std::vector<Source> sources;
  std::optional<Expr> where;
  std::vector<Expr> group_by;
  std::optional<Expr> having;
  std::vector<OrderItem> order_by;
  std::optional<std::string> limit;
  std::optional<std::string> offset;
  std::string set_operation;         ///< "UNION ALL", "UNION", "EXCEPT", "INTERSECT"
  std::shared_ptr<Query> set_right;  ///< the next branch; its order and limit apply to all
};

struct CreateTable {
  QualifiedName name;
  bool if_not_exists = false;
  bool or_replace = false;
  Table table;  ///< without id, name and times
  std::optional<QualifiedName> like;
  std::shared_ptr<Query> as;  ///< AS SELECT: the columns are the query's
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
/// PARTITION (...) of DROP and TRUNCATE: values of partition columns, or a filter over them.
struct PartitionChoice {
  PartitionPairs pairs;  ///< fewer than the table's levels choose every partition below
  std::optional<Expr> filter;
};
struct DropPartitions {
  QualifiedName name;
  bool if_exists = false;
  std::vector<PartitionChoice> choices;
};
struct Truncate {
  QualifiedName name;
  std::vector<PartitionChoice> choices;  ///< empty = the whole table
};
/// CHANGE COLUMN: what is not set stays.
struct ChangeColumn {
  std::string name;
  std::string new_name;
  std::optional<ColumnType> type;
  std::optional<std::string> comment;
  bool drop_not_null = false;
};
/// INSERT INTO|OVERWRITE.
struct Insert {
  QualifiedName name;
  bool overwrite = false;
  /// PARTITION (p='v', q): a key without a value is dynamic.
  std::vector<std::pair<std::string, std::optional<std::string>>> partition;
  std::vector<std::string> columns;  ///< empty = all
  Query query;
};
/// SET column = value.
struct Assignment {
  std::string column;
  Expr value;
};
/// What becomes of a row that is found: new values, or, without any, it goes.
struct RowAction {
  std::optional<Expr> condition;  ///< WHEN MATCHED AND ...
  std::vector<Assignment> set;
};
/// WHEN NOT MATCHED [AND ...] THEN INSERT [(columns)] VALUES (...).
struct RowInsert {
  std::optional<Expr> condition;
  std::vector<std::string> columns;  ///< empty = all
  std::vector<Expr> values;
};
/// UPDATE, DELETE and MERGE INTO: of the rows of a table those that are found, also with the help
/// of other tables, take the first action that fits.
struct ChangeRows {
  QualifiedName name;
  std::string alias;           ///< "" = the table's name
  std::string verb;            ///< UPDATE, DELETE or MERGE INTO
  std::vector<Source> others;  ///< FROM of UPDATE, USING of MERGE
  std::optional<Expr> found;   ///< WHERE, or ON of MERGE
  std::vector<RowAction> actions;
  std::optional<RowInsert> insert;  ///< for rows of USING that find none
};
/// EXPLAIN of a query, or of an INSERT with it.
struct Explain {
  std::optional<QualifiedName> into;
  Query query;
};
/// ALTER TABLE forms that change the description only; exactly one member is set.
struct AlterTable {
  QualifiedName name;
  std::optional<int> lifecycle_days;
  std::optional<std::string> comment;
  std::optional<std::map<std::string, std::string>> properties;
  std::optional<std::string> rename_to;
  std::optional<std::string> owner;
  std::vector<Column> add_columns;
  bool if_not_exists = false;
  std::vector<std::string> drop_columns;
  std::optional<ChangeColumn> change_column;
  bool touch = false;
  bool merge_small_files = false;  ///< accepted: the sandbox has nothing to merge
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

using Statement =
    std::variant<CreateTable, DropTable, AddPartitions, DropPartitions, Truncate, AlterTable,
                 Insert, ChangeRows, Explain, ShowTables, ShowPartitions, ShowCreateTable,
                 ShowSchemas, Describe, SetFlag, CreateSchema, DropSchema, Query>;

}  // namespace mms::sandbox::sql
