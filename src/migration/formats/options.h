// The options of a table of CSV or JSON files: how its files are read, in Spark's words. An option
// that would make Spark give other rows or values than ours is refused by name. Pure.
//
// Source: Spark 4.0, CSVOptions, JSONOptions and the data sources' documentation.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "migration/formats/time_pattern.h"

namespace mms::migration {

/// By lower-case name, as the catalog has them.
using OptionMap = std::map<std::string, std::string>;

/// Not an option of Spark's: the names of a CSV file's columns in their order, as a JSON list.
inline constexpr char kColumnsOption[] = "@columns";

/// How texts become values.
struct TextFormats {
  std::optional<TimePattern> date;           ///< nullopt = as CAST reads it
  std::optional<TimePattern> timestamp;      ///< the same
  std::optional<TimePattern> timestamp_ntz;  ///< the same
  std::string nan = "NaN";
  std::string positive_infinity = "Inf";
  std::string negative_infinity = "-Inf";
};

struct CsvOptions {
  char separator = ',';
  char quote = '"';     ///< '\0' = none
  char escape = '\\';   ///< '\0' = none
  char comment = '\0';  ///< '\0' = none
  bool header = false;
  bool multi_line = false;
  std::string null_value;
  std::string empty_value;
  TextFormats formats;
};

/// Errors: kUnsupported TABLE_OPTION_UNSUPPORTED with the option and what to do.
Result<CsvOptions> ParseCsvOptions(const OptionMap& options);

/// Of JSON lines. Errors: the same.
Result<TextFormats> ParseJsonOptions(const OptionMap& options);

/// TABLE_OPTION_UNSUPPORTED.
Error UnknownOption(const std::string& format, const std::string& name, const std::string& value);

}  // namespace mms::migration
