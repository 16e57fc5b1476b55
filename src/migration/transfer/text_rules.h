// STRING, VARCHAR and BINARY values against what a MaxCompute cell takes: length and UTF-8. Values
// that fit pass without a copy; for the others a policy decides, and what it does is counted. Pure.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "migration/transfer/value_changes.h"

namespace mms::migration {

/// Longest STRING or BINARY value MaxCompute takes (MaxFieldSize of Tunnel sessions).
inline constexpr int64_t kCellMaxBytes = 8LL << 20;

struct TextRules {
  LongValue on_long_value = LongValue::kFail;
  BadUtf8 on_bad_utf8 = BadUtf8::kFail;
  int chars_max = 0;  ///< of VARCHAR(n); 0 = only the cell's bytes
};

/// `array` is a STRING or BINARY array; `column` is for errors. Errors: kInvalidInput
/// VALUE_TOO_LONG, VALUE_UTF8, both with the first such value.
Result<std::shared_ptr<arrow::Array>> ApplyTextRules(const std::shared_ptr<arrow::Array>& array,
                                                     const TextRules& rules,
                                                     const std::string& column,
                                                     ChangeCounts* changes);

/// Bytes of the first well-formed UTF-8 character; 0 when the text does not begin with one.
size_t Utf8Length(std::string_view text);

/// Each longest run of bytes that could begin a character but is none becomes U+FFFD, as Unicode
/// recommends and Java does.
std::string ReplaceBadUtf8(std::string_view text);

}  // namespace mms::migration
