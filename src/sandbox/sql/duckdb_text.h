// A parsed MaxCompute query in DuckDB's words: functions under their MaxCompute names and
// semantics (function_forms.h), names quoted, columns without a name called _c0, _c1, ...
// One thread per Translator. Errors: kInvalidInput ODPS-0130071.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/sql/ast.h"

namespace mms::sandbox::sql {

/// The relation that stands for a table of a query, and the table's columns.
struct Relation {
  std::string name;
  std::vector<Column> columns;
};

/// A column that a query gives, with its MaxCompute type where columns and casts tell it.
/// DuckDB's own type of the column does not tell CHAR, VARCHAR and JSON from STRING.
struct OutputColumn {
  std::string name;
  std::optional<ColumnType> type;
};

/// Finds the relation of each table of the query.
using SourceNamer = std::function<Result<Relation>(const Source&, const Query&)>;

class Translator {
 public:
  explicit Translator(SourceNamer name_source) : name_source_(std::move(name_source)) {}

  Result<std::string> ToDuckDb(const Query& query);
  /// The columns of the query that was said last.
  const std::vector<OutputColumn>& outputs() const { return outputs_; }
  /// An expression over columns that no table is known for.
  Result<std::string> ToDuckDb(const Expr& expr);

 private:
  /// A table, sub-query or LATERAL VIEW in reach of the expressions being said.
  struct Scope {
    std::string alias;
    std::vector<OutputColumn> columns;
    bool shown = true;  ///< * names its columns; not those of LEFT SEMI and LEFT ANTI JOIN
  };
  struct CommonTable {
    std::string name;
    std::vector<OutputColumn> columns;
  };

  Result<std::string> BranchText(const Query& query);
  Result<std::string> WithText(const Query& query);
  Result<std::string> ValuesText(const Query& query);
  Result<std::string> ItemsText(const Query& query);
  Result<std::string> SourcesText(const Query& query);
  Result<std::string> SourceText(const Source& source, const Query& query);
  Result<std::string> RelationText(const Source& source, const Query& query, Scope* scope);
  const CommonTable* FindCommonTable(const Source& source) const;
  Result<std::string> ExplodeText(const Source& source);
  Result<std::string> OrderText(const std::vector<OrderItem>& items);
  Result<std::string> SubqueryText(const Query& query);

  Result<std::vector<std::string>> Arguments(const std::vector<Expr>& args);
  Result<std::string> CallText(const Expr& expr);
  Result<std::string> PlainCallText(const Expr& expr);
  Result<std::string> SpecialCallText(const Expr& expr, const std::vector<std::string>& arguments,
                                      bool* special);
  Result<std::string> TimeCallText(const Expr& expr, const std::vector<std::string>& arguments);
  Result<std::string> StructText(const Expr& expr, const std::vector<std::string>& arguments);
  Result<std::string> OverText(const Expr& expr);
  Result<std::string> CastText(const Expr& expr);
  Result<std::string> BinaryText(const Expr& expr);
  Result<std::string> InText(const Expr& expr);
  Result<std::string> CaseText(const Expr& expr);
  Result<std::string> IndexText(const Expr& expr);
  Result<std::string> CompoundText(const Expr& expr);

  /// The MaxCompute type of an expression, where columns and casts tell it; nullptr = not known.
  const ColumnType* TypeOf(const Expr& expr) const;
  const ColumnType* ColumnTypeOf(const Expr& expr) const;
  /// The columns of one SELECT or VALUES whose FROM brought the scopes from `first` on.
  std::vector<OutputColumn> BranchOutputs(const Query& query, size_t first) const;
  void AddStar(const Expr& star, size_t first, std::vector<OutputColumn>* outputs) const;

  SourceNamer name_source_;
  std::vector<Scope> scopes_;
  std::vector<CommonTable> common_tables_;
  std::vector<OutputColumn> outputs_;
};

/// 'text' with quotes doubled.
std::string DuckDbString(std::string_view text);
/// "name" with quotes doubled.
std::string DuckDbName(std::string_view name);

}  // namespace mms::sandbox::sql
