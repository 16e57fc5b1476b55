// What the tail of an ORC file tells and Arrow's reader of it does not. Pure.
//
// Source: the ORC specification 1 (orc.apache.org/specification/ORCv1), messages FileTail, Footer
// and ColumnStatistics in protocol buffers.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace mms::migration {

struct OrcTail {
  bool proleptic = false;     ///< days before 1582-10-15 are Gregorian, not Julian
  bool encrypted = false;     ///< some columns are
  int64_t rows = 0;           ///< of the file
  int64_t decoded_bytes = 0;  ///< a guess of what they take, by the statistics of the columns
};

/// `tail`: a serialized FileTail. Errors: kCorrupt FILE_INVALID.
Result<OrcTail> ParseOrcTail(std::string_view tail);

}  // namespace mms::migration
