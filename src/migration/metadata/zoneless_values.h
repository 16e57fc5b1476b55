// Whether partition values of type TIMESTAMP of a table say no zone
// (inspect/partition_timestamp.h), which a user should know long before a copy.
//
// Threads: one.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "clients/delta/table.h"

namespace mms::migration {

class ZonelessValues {
 public:
  /// `physical_names`: of info.partition_columns, the keys of delta::File::partition_values.
  ZonelessValues(const delta::TableInfo& info, const std::vector<std::string>& physical_names);

  void Look(const delta::File& file);
  /// Of the first that was seen; "" = none.
  const std::string& warning() const { return warning_; }

 private:
  std::vector<std::pair<std::string, std::string>> columns_;  ///< logical, physical; TIMESTAMP ones
  std::string warning_;
};

}  // namespace mms::migration
