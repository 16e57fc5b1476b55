// Which partitions of a table are meant: a condition on its partition columns, such as
// `region IN ('eu', 'us') AND day >= '2024-01-01'`. Pure.
//
//   or     := and (OR and)*
//   and    := term (AND term)*
//   term   := '(' or ')' | column op value | column IN '(' value (',' value)* ')'
//   op     := = <> < <= > >=
//   value  := '...' or "..." (the quote doubled stands for itself) | [-]digits
//   column := letters, digits, _ and what is not ASCII, not begun by a digit | `...`
//
// Keywords and columns are told without case. A number compares as a number, a string byte by byte,
// with the value as the source has it. A partition whose value is NULL meets no condition on that
// column.
//
// Source: MaxCompute Migration Service, "Description of partition filter expressions", which leaves
// open how AND and OR bind: here AND binds tighter, and what another reading would take otherwise
// comes with a warning. Threads: a parsed expression is immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mms::migration {

class PartitionExpression {
 public:
  /// A partition column of the table. TINYINT to BIGINT are integers.
  struct Column {
    std::string name;
    bool integer = false;
  };

  /// `columns` in the order in which Matches takes their values. Errors: kInvalidInput
  /// PARTITION_FILTER, with the position in the text: what cannot be read, a column that the table
  /// is not partitioned by, a string that is no number beside an integer column.
  static Result<PartitionExpression> Parse(std::string_view text,
                                           const std::vector<Column>& columns);

  /// Errors: kInvalidInput PARTITION_FILTER when a number meets a value that is none; it names
  /// column and value. `values` are parallel to the columns; nullopt = NULL.
  Result<bool> Matches(const std::vector<std::optional<std::string>>& values) const;

  const std::vector<std::string>& warnings() const { return warnings_; }

  struct Node;

 private:
  PartitionExpression() = default;

  std::shared_ptr<const Node> root_;
  std::vector<Column> columns_;
  std::vector<std::string> warnings_;
};

}  // namespace mms::migration
