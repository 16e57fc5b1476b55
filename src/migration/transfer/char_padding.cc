#include "migration/transfer/char_padding.h"

#include <arrow/array.h>
#include <arrow/builder.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace mms::migration {
namespace {

/// Characters of UTF-8 text: all bytes but the continuation bytes.
int64_t CountCharacters(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
}

}  // namespace

std::optional<int> CharLength(std::string_view source_type) {
  constexpr std::string_view kPrefix = "CHAR(";
  if (source_type.size() <= kPrefix.size() + 1 || source_type.back() != ')') return std::nullopt;
  const bool is_char =
      std::equal(kPrefix.begin(), kPrefix.end(), source_type.begin(),
                 [](char a, char b) { return a == std::toupper(static_cast<unsigned char>(b)); });
  if (!is_char) return std::nullopt;
  int length = 0;
  const char* end = source_type.data() + source_type.size() - 1;
  const auto parsed = std::from_chars(source_type.data() + kPrefix.size(), end, length);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return length;
}

Result<std::shared_ptr<arrow::Array>> PadChars(const std::shared_ptr<arrow::Array>& array,
                                               int length) {
  const auto& typed = static_cast<const arrow::StringArray&>(*array);
  arrow::StringBuilder builder;
  std::string padded;
  arrow::Status status = builder.Reserve(typed.length());
  for (int64_t i = 0; i < typed.length() && status.ok(); ++i) {
    if (typed.IsNull(i)) {
      status = builder.AppendNull();
      continue;
    }
    padded = typed.GetView(i);
    const int64_t missing = length - CountCharacters(padded);
    if (missing > 0) padded.append(static_cast<size_t>(missing), ' ');
    status = builder.Append(padded);
  }
  auto made = builder.Finish();
  if (!status.ok() || !made.ok()) {
    return Error(ErrorKind::kInternal, "ARROW", (status.ok() ? made.status() : status).ToString());
  }
  return *std::move(made);
}

}  // namespace mms::migration
