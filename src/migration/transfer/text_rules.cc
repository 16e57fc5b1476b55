#include "migration/transfer/text_rules.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/util/utf8.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace mms::migration {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;

constexpr size_t kShownBytes = 40;  // of a value in an error
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

Error Internal(const arrow::Status& status) {
  return Error(ErrorKind::kInternal, "ARROW", status.ToString());
}

bool IsContinuation(unsigned char byte) { return (byte & 0xC0) == 0x80; }

/// Whether the values' bytes, taken together, are UTF-8 and no value begins inside a character:
/// then each value is UTF-8, found out several times faster than one by one. False says nothing,
/// since the bytes behind a NULL may be anything.
bool IsUtf8AsAWhole(const arrow::BinaryArray& array) {
  if (array.length() == 0) return true;
  const int32_t* offsets = array.raw_value_offsets();
  const uint8_t* data = array.raw_data();
  const int32_t end = offsets[array.length()];
  if (offsets[0] == end) return true;
  const uint8_t* first = data + offsets[0];
  const auto size = static_cast<size_t>(end - offsets[0]);
  uint64_t high_bits = 0;
  size_t at = 0;
  for (uint64_t words[4]; at + sizeof words <= size; at += sizeof words) {
    std::memcpy(words, first + at, sizeof words);
    high_bits |= words[0] | words[1] | words[2] | words[3];
  }
  for (; at < size; ++at) high_bits |= first[at];
  if ((high_bits & 0x8080808080808080ULL) == 0) return true;  // ASCII
  arrow::util::InitializeUTF8();
  if (!arrow::util::ValidateUTF8(first, static_cast<int64_t>(size))) return false;
  for (int64_t i = 1; i < array.length(); ++i) {
    if (offsets[i] < end && IsContinuation(data[offsets[i]])) return false;
  }
  return true;
}

/// The bytes a second byte may be after this first one (Unicode, table 3-7).
struct Range {
  unsigned char least = 0x80;
  unsigned char most = 0xBF;
};
Range SecondByte(unsigned char lead) {
  switch (lead) {
    case 0xE0: return {0xA0, 0xBF};
    case 0xED: return {0x80, 0x9F};
    case 0xF0: return {0x90, 0xBF};
    case 0xF4: return {0x80, 0x8F};
    default: return {};
  }
}

/// Bytes at the start that belong to one character, or to the beginning of one.
struct Prefix {
  size_t bytes = 1;
  bool whole = false;
};
Prefix ReadPrefix(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {1, true};
  if (lead < 0xC2 || lead > 0xF4) return {1, false};
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  const Range second = SecondByte(lead);
  size_t at = 1;
  for (; at < length && at < text.size(); ++at) {
    const bool fits =
        at == 1 ? byte(1) >= second.least && byte(1) <= second.most : IsContinuation(byte(at));
    if (!fits) break;
  }
  return {at, at == length};
}

bool IsUtf8(std::string_view text) {
  arrow::util::InitializeUTF8();
  return arrow::util::ValidateUTF8(reinterpret_cast<const uint8_t*>(text.data()),
                                   static_cast<int64_t>(text.size()));
}

/// The value's beginning, other bytes than printable ASCII and UTF-8 as \xNN.
std::string Shown(std::string_view value) {
  std::string out = "\"";
  std::string_view rest = value;
  while (!rest.empty() && value.size() - rest.size() < kShownBytes) {
    const size_t length = Utf8Length(rest);
    const auto first = static_cast<unsigned char>(rest[0]);
    if (length == 0 || first < 0x20 || first == 0x7F) {
      out += fmt::format("\\x{:02X}", first);
      rest.remove_prefix(1);
    } else {
      out += rest.substr(0, length);
      rest.remove_prefix(length);
    }
  }
  return out + (rest.empty() ? "\"" : "...\"");
}

/// Goes value by value where the fast checks of a whole array did not settle it.
class SlowPath {
 public:
  SlowPath(const TextRules& rules, const std::string& column, bool text)
      : rules_(rules), column_(column), text_(text) {}

  /// nullopt = NULL. `kept` owns the bytes when they are new ones.
  Result<std::optional<std::string_view>> Take(std::string_view value, std::string* kept) {
    if (text_ && !IsUtf8(value)) {
      if (rules_.on_bad_utf8 == BadUtf8::kFail) return BadUtf8Error(value);
      if (rules_.on_bad_utf8 == BadUtf8::kNull) return Null(Change::kNullUtf8);
      ++Count(Change::kReplacedUtf8);
      *kept = ReplaceBadUtf8(value);
      value = *kept;
    }
    const size_t fits = FittingBytes(value);
    if (fits == value.size()) return std::optional(value);
    if (rules_.on_long_value == LongValue::kFail) return LongError(value);
    if (rules_.on_long_value == LongValue::kNull) return Null(Change::kNullLong);
    ++Count(Change::kCut);
    return std::optional(value.substr(0, fits));
  }

  const ChangeCounts& counts() const { return counts_; }

 private:
  int64_t& Count(Change change) { return counts_[static_cast<size_t>(change)]; }

  std::optional<std::string_view> Null(Change change) {
    ++Count(change);
    return std::nullopt;
  }

  /// Bytes of the longest beginning that the target takes; ends between two characters.
  size_t FittingBytes(std::string_view value) const {
    size_t bytes = std::min(value.size(), static_cast<size_t>(kCellMaxBytes));
    while (text_ && bytes < value.size() && bytes > 0 &&
           IsContinuation(static_cast<unsigned char>(value[bytes]))) {
      --bytes;
    }
    if (rules_.chars_max == 0 || bytes <= static_cast<size_t>(rules_.chars_max)) return bytes;
    size_t at = 0;
    for (int chars = 0; at < bytes && chars < rules_.chars_max; ++chars) {
      at += ReadPrefix(value.substr(at)).bytes;
    }
    return std::min(at, bytes);
  }

  Error LongError(std::string_view value) const {
    const std::string most = rules_.chars_max > 0 ? fmt::format("VARCHAR({})", rules_.chars_max)
                                                  : "the 8 MiB of a MaxCompute cell";
    return Error(
        ErrorKind::kInvalidInput, "VALUE_TOO_LONG",
        fmt::format("column {}: a value of {} bytes is longer than {} takes; shorten it at the "
                    "source, move it by a migration file with policy.on_long_value: truncate or "
                    "null, or leave the table out. It begins {}",
                    column_, value.size(), most, Shown(value)));
  }

  Error BadUtf8Error(std::string_view value) const {
    return Error(
        ErrorKind::kInvalidInput, "VALUE_UTF8",
        fmt::format("column {}: a STRING value is not UTF-8; make the column BINARY, mend it at "
                    "the source, or move it by a migration file with policy.on_bad_utf8: replace "
                    "or null. It begins {}",
                    column_, Shown(value)));
  }

  const TextRules& rules_;
  const std::string& column_;
  const bool text_;
  ChangeCounts counts_ = {};
};

bool AllFit(const arrow::BinaryArray& array, const TextRules& rules) {
  const int64_t most = rules.chars_max > 0 ? rules.chars_max : kCellMaxBytes;
  if (array.total_values_length() <= most) return true;
  const int32_t* offsets = array.raw_value_offsets();
  for (int64_t i = 0; i < array.length(); ++i) {
    if (offsets[i + 1] - offsets[i] > most) return false;  // maybe not, counted in characters
  }
  return true;
}

template <class Builder>
Result<ArrayPtr> Rebuild(const arrow::BinaryArray& array, SlowPath* path) {
  Builder builder;
  std::string kept;
  for (int64_t i = 0; i < array.length(); ++i) {
    arrow::Status status;
    if (array.IsNull(i)) {
      status = builder.AppendNull();
    } else {
      TRY(const auto value, path->Take(array.GetView(i), &kept));
      status = value ? builder.Append(*value) : builder.AppendNull();
    }
    if (!status.ok()) return Internal(status);
  }
  auto made = builder.Finish();
  if (!made.ok()) return Internal(made.status());
  return *std::move(made);
}

}  // namespace

size_t Utf8Length(std::string_view text) {
  const Prefix prefix = ReadPrefix(text);
  return prefix.whole ? prefix.bytes : 0;
}

std::string ReplaceBadUtf8(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Prefix prefix = ReadPrefix(text);
    out += prefix.whole ? text.substr(0, prefix.bytes) : kReplacement;
    text.remove_prefix(prefix.bytes);
  }
  return out;
}

Result<ArrayPtr> ApplyTextRules(const ArrayPtr& array, const TextRules& rules,
                                const std::string& column, ChangeCounts* changes) {
  const auto& typed = static_cast<const arrow::BinaryArray&>(*array);
  const bool text = array->type_id() == arrow::Type::STRING;
  if (AllFit(typed, rules) && (!text || IsUtf8AsAWhole(typed))) return array;
  SlowPath path(rules, column, text);
  auto rebuilt = text ? Rebuild<arrow::StringBuilder>(typed, &path)
                      : Rebuild<arrow::BinaryBuilder>(typed, &path);
  if (!rebuilt) return rebuilt;
  bool changed = false;
  for (size_t i = 0; i < kChangeKinds; ++i) {
    (*changes)[i] += path.counts()[i];
    changed = changed || path.counts()[i] > 0;
  }
  return changed ? rebuilt : Result<ArrayPtr>(array);
}

}  // namespace mms::migration
