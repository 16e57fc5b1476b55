// One record of a CSV file cut into its values, as the parser that Spark uses does it (univocity,
// with Spark's settings): an escape character counts before a quote or an escape alone, and only
// within quotes; an unquoted value stands as it is. Arrow's CSV reader drops the escape before any
// character, and cannot tell an empty text from none. Where the other parser guesses at a malformed
// record, this one refuses it. Pure.
//
// Source: Spark 4.0, CSVOptions and CSVExprUtils; univocity-parsers 2.9, CsvParser.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "migration/formats/options.h"

namespace mms::migration {

class CsvRecord {
 public:
  enum class Outcome {
    kValues,     ///< values() are the record's
    kBlank,      ///< an empty line or a comment: no record
    kNeedsMore,  ///< the text ends before the record does
    kMalformed,  ///< problem() says why
  };

  explicit CsvRecord(const CsvOptions& options) : options_(options) {}

  /// Cuts the first record of `text`. `at_end`: nothing follows it.
  Outcome Cut(std::string_view text, bool at_end);

  size_t consumed() const { return consumed_; }  ///< bytes of the record and its line's end
  const std::string& problem() const { return problem_; }

  size_t size() const { return values_.size(); }
  /// False = NULL.
  bool has_value(size_t index) const { return !values_[index].null; }
  /// Valid until the next Cut.
  std::string_view value(size_t index) const;

 private:
  struct Value {
    const char* data = nullptr;  ///< null = in scratch_
    size_t begin = 0;
    size_t length = 0;
    bool null = false;
  };
  enum class Step { kNext, kEnd, kNeedsMore, kMalformed };

  Step CutUnquoted(std::string_view text, bool at_end, size_t* at);
  Step CutQuoted(std::string_view text, bool at_end, size_t* at);
  Step AfterValue(std::string_view text, bool at_end, size_t* at);
  Step Malformed(const char* why);
  void Add(Value value);
  bool IsBlank(std::string_view line) const;
  size_t LineEnd(std::string_view text, size_t at) const;

  const CsvOptions& options_;
  std::vector<Value> values_;
  std::string scratch_;  ///< of values that do not stand in the text as they are
  std::string problem_;
  size_t consumed_ = 0;
};

/// Length of the line's end at `text[at]`: 1, or 2 of "\r\n".
size_t LineEndLength(std::string_view text, size_t at);

}  // namespace mms::migration
