// Days and instants that Spark wrote in the old hybrid calendar (Julian before 1582-10-15) as what
// Spark reads of them: the same year, month, day and time of day in the proleptic Gregorian one.
// Pure but for allocations.
//
// Source of the facts: Spark 4.0, DataSourceUtils.datetimeRebaseSpec (which files: those of
// versions before 3.0, INT96 before 3.1, and those with the footer keys
// org.apache.spark.legacyDateTime and legacyINT96), RebaseDateTime (how; a zone's offset before
// 1900 is another one in the two calendars, so instants are exact here for UTC alone).
#pragma once

#include <arrow/type_fwd.h>
#include <arrow/util/key_value_metadata.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"

namespace mms::migration {

/// What the footer of a Parquet file tells of the calendars of its columns.
struct Calendars {
  bool old_dates = false;  ///< DATE, and TIMESTAMP but INT96
  bool old_int96 = false;
  std::string zone;  ///< of the writer's session; "" = not told

  bool any() const { return old_dates || old_int96; }
};

/// `footer` may be null.
Calendars CalendarsOf(const arrow::KeyValueMetadata* footer);

/// Days since 1970 of the date that is `days` in the hybrid calendar; nullopt before 4713 BC.
std::optional<int32_t> FromHybridDays(int32_t days);

/// A column of a file with its dates, and its instants with a zone, read so; those without a zone
/// too when the column is INT96. Errors: kUnsupported FILE_LEGACY_CALENDAR (an instant before 1900
/// of a writer in another zone than UTC, a day before 4713 BC).
Result<std::shared_ptr<arrow::Array>> FromHybrid(const std::shared_ptr<arrow::Array>& array,
                                                 const Calendars& calendars, bool int96);

}  // namespace mms::migration
