// Dates and instants in text, as Spark reads them from CSV and JSON files: by a pattern that the
// table's options give, or, without one, as CAST does. Narrower than Spark where Spark guesses:
// what is not read here is not a value, and the caller says so by name. Pure.
//
// Source: Spark 4.0, "Datetime Patterns for Formatting and Parsing" and SparkDateTimeUtils
// (stringToDate, stringToTimestamp).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mms::migration {

/// Whether a text may or must name the zone it is in.
enum class ZoneRule {
  kUtcUnlessNamed,  ///< TIMESTAMP
  kNone,            ///< TIMESTAMP_NTZ
};

/// Days since 1970-01-01 of "2024-02-29"; month and day may have one digit. nullopt = no such date.
std::optional<int32_t> ParseDate(std::string_view text);

/// Microseconds since 1970-01-01 of a date, or of a date, 'T' or a blank, a time to the second,
/// up to nine digits of its fraction (those beyond six do not count) and a zone: Z, UTC, +01:00,
/// +0100, +01. nullopt = none of these.
std::optional<int64_t> ParseInstant(std::string_view text, ZoneRule rule);

class TimePattern {
 public:
  /// yyyy, M, MM, d, dd, H, HH, m, mm, s, ss, S to SSSSSSSSS, three X, 'text', [optional]. Errors:
  /// kUnsupported TABLE_OPTION_UNSUPPORTED for any other.
  static Result<TimePattern> Parse(std::string_view pattern);

  /// Microseconds since 1970-01-01; nullopt = the text is not of the pattern.
  std::optional<int64_t> Read(std::string_view text, ZoneRule rule) const;

 private:
  struct Part {
    char letter = 0;      ///< 0 = literal
    int length = 0;       ///< of a letter: how often it stands
    std::string literal;  ///< of a literal
    int skip_to = 0;      ///< of '[': index of the part behind its ']'
  };
  struct Fields;
  bool Match(size_t part, std::string_view text, Fields* fields) const;
  static bool Take(const Part& part, std::string_view* text, Fields* fields);

  std::vector<Part> parts_;
};

}  // namespace mms::migration
