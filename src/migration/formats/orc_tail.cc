#include "migration/formats/orc_tail.h"

#include <algorithm>

namespace mms::migration {
namespace {

// Numbers of fields in the messages.
constexpr uint64_t kTailFooter = 2;
constexpr uint64_t kFooterRows = 6;
constexpr uint64_t kFooterStatistics = 7;
constexpr uint64_t kFooterEncryption = 10;
constexpr uint64_t kFooterCalendar = 11;
constexpr uint64_t kStatisticsValues = 1;
constexpr uint64_t kStatisticsText = 4;
constexpr uint64_t kStatisticsBinary = 8;
constexpr uint64_t kTextSum = 3;
constexpr uint64_t kBinarySum = 1;

constexpr uint64_t kProlepticGregorian = 2;  // of CalendarKind
constexpr int64_t kValueBytes = 8;           // of a value that is no text

/// The fields of one message, in the order they are written.
class Message {
 public:
  explicit Message(std::string_view text) : rest_(text) {}

  /// False at the end, and when the bytes are no message.
  bool Next() {
    if (rest_.empty() || broken_) return false;
    uint64_t tag = 0;
    if (!Varint(&tag)) return false;
    number_ = tag >> 3;
    text_ = {};
    value_ = 0;
    switch (tag & 7) {
      case 0: return Varint(&value_);
      case 1: return Take(8);
      case 2: {
        uint64_t length = 0;
        return Varint(&length) && Take(length);
      }
      case 5: return Take(4);
      default: return Break();
    }
  }
  bool broken() const { return broken_; }

  uint64_t number() const { return number_; }
  uint64_t value() const { return value_; }
  std::string_view text() const { return text_; }

 private:
  bool Varint(uint64_t* value) {
    constexpr int kBytesMax = 10;
    *value = 0;
    for (int i = 0; i < kBytesMax && !rest_.empty(); ++i) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      *value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
      if (byte < 0x80) return true;
    }
    return Break();
  }
  bool Break() {
    broken_ = true;
    return false;
  }
  bool Take(uint64_t length) {
    if (length > rest_.size()) return Break();
    text_ = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return true;
  }

  std::string_view rest_;
  std::string_view text_;
  uint64_t number_ = 0;
  uint64_t value_ = 0;
  bool broken_ = false;
};

/// Calls `take` with the message at each field. False: no message.
template <class Take>
bool ForEachField(std::string_view text, const Take& take) {
  Message message(text);
  while (message.Next()) {
    if (!take(message)) return false;
  }
  return !message.broken();
}

/// Small enough that sums of it do not overflow, whatever a damaged file says.
int64_t Bounded(uint64_t value) { return static_cast<int64_t>(std::min(value, uint64_t{1} << 40)); }

/// Adds what the number of a text's or binary's statistics tells: the bytes of all of them.
bool AddBytes(std::string_view text, uint64_t number, OrcTail* tail) {
  return ForEachField(text, [&](const Message& field) {
    // A zigzag number.
    if (field.number() == number) tail->decoded_bytes += Bounded(field.value() >> 1);
    return true;
  });
}

bool ReadStatistics(std::string_view text, OrcTail* tail) {
  return ForEachField(text, [&](const Message& field) {
    switch (field.number()) {
      case kStatisticsValues:
        tail->decoded_bytes += Bounded(field.value()) * kValueBytes;
        return true;
      case kStatisticsText: return AddBytes(field.text(), kTextSum, tail);
      case kStatisticsBinary: return AddBytes(field.text(), kBinarySum, tail);
      default: return true;
    }
  });
}

bool ReadFooter(std::string_view text, OrcTail* tail) {
  return ForEachField(text, [&](const Message& field) {
    switch (field.number()) {
      case kFooterRows: tail->rows = static_cast<int64_t>(field.value()); return true;
      case kFooterStatistics: return ReadStatistics(field.text(), tail);
      case kFooterEncryption: tail->encrypted = true; return true;
      case kFooterCalendar: tail->proleptic = field.value() == kProlepticGregorian; return true;
      default: return true;
    }
  });
}

}  // namespace

Result<OrcTail> ParseOrcTail(std::string_view text) {
  OrcTail tail;
  bool found = false;
  const bool read = ForEachField(text, [&](const Message& field) {
    if (field.number() != kTailFooter) return true;
    found = true;
    return ReadFooter(field.text(), &tail);
  });
  if (read && found) return tail;
  return Error(ErrorKind::kCorrupt, "FILE_INVALID",
               "the tail of the ORC file cannot be read; write the file anew, or leave the table "
               "out (`exclude`, of a job --but)");
}

}  // namespace mms::migration
