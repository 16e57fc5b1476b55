// One line of a JSON file as a row, by the columns of its table: each value goes straight from the
// parser (nlohmann's, which gives numbers as they are written) into its column's builder. Values
// are taken as Spark takes them, or not at all: where it would put NULL, this names the column.
//
// Source: Spark 4.0, JacksonParser.makeConverter.
#pragma once

#include <arrow/type_fwd.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "migration/formats/options.h"

namespace mms::migration {

class JsonRow {
 public:
  enum class Outcome {
    kRow,
    kMalformed,  ///< no JSON object; problem() says why
    kNoValue,    ///< a value that is none of its column's type; problem() names the column
  };

  /// Both outlive it; the builder is of a struct of the table's columns.
  JsonRow(const TextFormats& formats, arrow::StructBuilder* rows);
  ~JsonRow();

  /// After another outcome than kRow the builder is of no more use.
  Outcome Append(std::string_view line);
  const std::string& problem() const;

 private:
  class Sink;
  std::unique_ptr<Sink> sink_;
};

/// Errors: kUnsupported TYPE_UNSUPPORTED for a column, or what lies in it, that JSON does not give.
Status CheckJsonType(const arrow::Field& field);

}  // namespace mms::migration
