// Turns a column's values into the Arrow form that a block takes: microseconds to nanoseconds, a
// decimal beyond MaxCompute's scale to text, and nested types around them; all else passes without
// a copy. A value that does not fit is dealt with by the policy, and counted; without one it is an
// error naming the column and the value.
#pragma once

#include <arrow/type_fwd.h>

#include <memory>
#include <string>

#include "base/result.h"
#include "migration/transfer/text_rules.h"
#include "migration/transfer/value_changes.h"

namespace mms::migration {

struct ColumnRules {
  std::string name;  ///< for errors
  ValuePolicy policy;
  int chars_max = 0;  ///< of VARCHAR(n); 0 = none
};

/// One thread at a time.
class ColumnConverter {
 public:
  using ArrayPtr = std::shared_ptr<arrow::Array>;
  using TypePtr = std::shared_ptr<arrow::DataType>;

  explicit ColumnConverter(ColumnRules rules) : rules_(std::move(rules)) {}

  /// `array` (of the table's type) as `target`: of maxcompute::ToArrow, or that with timestamp[us]
  /// (RecordForm). Errors: kInvalidInput VALUE_TIMESTAMP_RANGE, VALUE_DATE_RANGE,
  /// VALUE_TOO_LONG, VALUE_UTF8; kUnsupported CONVERSION.
  Result<ArrayPtr> Convert(const ArrayPtr& array, const TypePtr& target) {
    return Any(array, target, rules_.name);
  }

  /// What was changed so far.
  const ChangeCounts& changes() const { return changes_; }

 private:
  Result<ArrayPtr> Any(const ArrayPtr& array, const TypePtr& target, const std::string& path);
  Result<ArrayPtr> Timestamps(const ArrayPtr& array, const TypePtr& target,
                              const std::string& path);
  Result<ArrayPtr> Dates(const ArrayPtr& array, const std::string& path);
  Result<ArrayPtr> Text(const ArrayPtr& array, const std::string& path);
  Result<ArrayPtr> Struct(const ArrayPtr& array, const TypePtr& target, const std::string& path);
  Result<ArrayPtr> List(const ArrayPtr& array, const TypePtr& target, const std::string& path);
  Result<ArrayPtr> Map(const ArrayPtr& array, const TypePtr& target, const std::string& path);

  ColumnRules rules_;
  ChangeCounts changes_ = {};
  bool in_key_ = false;  ///< a map's keys are never changed: two could become one
};

/// The type of a block that is sent record by record: timestamps in microseconds.
std::shared_ptr<arrow::DataType> RecordForm(const std::shared_ptr<arrow::DataType>& target);

/// True when values change their type class on the way (decimal to text), so that only the
/// converted values can be compared with the target's.
bool ChangesClass(const arrow::DataType& source, const arrow::DataType& target);

}  // namespace mms::migration
