#include "clients/databricks/nested_text.h"

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_nested.h>
#include <arrow/type.h>
#include <arrow/util/base64.h>
#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <optional>
#include <vector>

#include "clients/databricks/arrow_error.h"
#include "clients/databricks/value_text.h"

namespace mms::databricks {
namespace {

bool IsText(const arrow::DataType& type) {
  return type.id() == arrow::Type::STRING || type.id() == arrow::Type::BINARY;
}

Error Ambiguous(const arrow::DataType& type, const char* why) {
  return Error(ErrorKind::kUnsupported, "SQL_NESTED_TEXT",
               fmt::format("{} inside a nested value cannot be read back from the server's text: "
                           "{}; let the server send Arrow, or select to_json(column)",
                           type.ToString(), why));
}

Status CheckKey(const arrow::DataType& type, NestedForm form) {
  TRY_VOID(CheckNestedText(type, form));
  const bool plain = arrow::is_integer(type.id()) || type.id() == arrow::Type::BOOL ||
                     type.id() == arrow::Type::DECIMAL128 || type.id() == arrow::Type::STRING;
  if (!plain) return Ambiguous(type, "as the key of a map it is not written out in full");
  return OkStatus();
}

/// UTF-8 of a code point.
void AppendUtf8(uint32_t code, std::string& out) {
  const auto put = [&out](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xc0 | code >> 6);
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
  }
  put(0x80 | (code & 0x3f));
}

class Reader {
 public:
  Reader(std::string_view text, NestedForm form) : text_(text), form_(form) {}

  Status Append(const arrow::DataType& type, arrow::ArrayBuilder& builder) {
    if (TakeWord("null")) return FromArrow(builder.AppendNull());
    switch (type.id()) {
      case arrow::Type::LIST: return AppendList(type, builder);
      case arrow::Type::MAP: return AppendMap(type, builder);
      case arrow::Type::STRUCT: return AppendStruct(type, builder);
      default: return AppendScalar(type, builder);
    }
  }

  bool at_end() {
    SkipBlanks();
    return at_ == text_.size();
  }

 private:
  void SkipBlanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool Take(char c) {
    SkipBlanks();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool TakeWord(std::string_view word) {
    SkipBlanks();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  Error Bad(const arrow::DataType& type) const { return BadValue(text_.substr(at_), type); }

  Status AppendList(const arrow::DataType& type, arrow::ArrayBuilder& builder) {
    auto& list = static_cast<arrow::ListBuilder&>(builder);
    const arrow::DataType& item = *static_cast<const arrow::ListType&>(type).value_type();
    if (!Take('[')) return Bad(type);
    TRY_VOID(FromArrow(list.Append()));
    if (Take(']')) return OkStatus();
    do {
      TRY_VOID(Append(item, *list.value_builder()));
    } while (Take(','));
    return Take(']') ? OkStatus() : Status(Bad(type));
  }

  Status AppendMap(const arrow::DataType& type, arrow::ArrayBuilder& builder) {
    auto& map = static_cast<arrow::MapBuilder&>(builder);
    const auto& map_type = static_cast<const arrow::MapType&>(type);
    if (!Take('{')) return Bad(type);
    TRY_VOID(FromArrow(map.Append()));
    if (Take('}')) return OkStatus();
    do {
      TRY_VOID(AppendKey(*map_type.key_type(), *map.key_builder()));
      if (!Take(':')) return Bad(type);
      TRY_VOID(Append(*map_type.item_type(), *map.item_builder()));
    } while (Take(','));
    return Take('}') ? OkStatus() : Status(Bad(type));
  }

  Status AppendKey(const arrow::DataType& type, arrow::ArrayBuilder& builder) {
    if (form_ == NestedForm::kHive) {
      return AppendText(TakeUntil(":"), type, builder);
    }
    TRY(const std::string key, TakeString(type));
    return AppendText(key, type, builder);
  }

  Status AppendStruct(const arrow::DataType& type, arrow::ArrayBuilder& builder) {
    auto& fields = static_cast<arrow::StructBuilder&>(builder);
    std::vector<bool> seen(static_cast<size_t>(type.num_fields()));
    if (!Take('{')) return Bad(type);
    TRY_VOID(FromArrow(fields.Append()));
    if (!Take('}')) {
      int next = 0;
      do {
        TRY(const int index, TakeFieldName(type, next));
        if (seen[static_cast<size_t>(index)]) return Bad(type);
        seen[static_cast<size_t>(index)] = true;
        next = index + 1;
        TRY_VOID(Append(*type.field(index)->type(), *fields.field_builder(index)));
      } while (Take(','));
      if (!Take('}')) return Bad(type);
    }
    for (int i = 0; i < type.num_fields(); ++i) {
      if (seen[static_cast<size_t>(i)]) continue;
      if (form_ == NestedForm::kHive) return Bad(type);
      TRY_VOID(FromArrow(fields.field_builder(i)->AppendNull()));
    }
    return OkStatus();
  }

  /// The index of the field whose name and colon stand here. Hive's form does not escape names, but
  /// keeps their order.
  Result<int> TakeFieldName(const arrow::DataType& type, int next) {
    if (form_ == NestedForm::kHive) {
      if (next >= type.num_fields()) return Bad(type);
      if (!TakeWord("\"" + type.field(next)->name() + "\":")) return Bad(type);
      return next;
    }
    TRY(const std::string name, TakeString(type));
    const int index = static_cast<const arrow::StructType&>(type).GetFieldIndex(name);
    if (index < 0 || !Take(':')) return Bad(type);
    return index;
  }

  Status AppendScalar(const arrow::DataType& type, arrow::ArrayBuilder& builder) {
    SkipBlanks();
    const bool quoted = at_ < text_.size() && text_[at_] == '"';
    if (form_ == NestedForm::kHive || !quoted) {
      if (IsText(type)) return Bad(type);
      return AppendText(TakeUntil(",]}"), type, builder);
    }
    TRY(const std::string value, TakeString(type));
    if (type.id() != arrow::Type::BINARY) return AppendText(value, type, builder);
    const auto bytes = arrow::util::base64_decode(value);
    if (!bytes.ok()) return BadValue(value, type);
    return FromArrow(static_cast<arrow::BinaryBuilder&>(builder).Append(*bytes));
  }

  std::string_view TakeUntil(std::string_view ends) {
    SkipBlanks();
    const std::string_view token = text_.substr(at_, text_.find_first_of(ends, at_) - at_);
    at_ += token.size();
    return token;
  }

  std::optional<uint32_t> TakeHex() {
    if (at_ + 4 > text_.size()) return std::nullopt;
    uint32_t code = 0;
    const char* const first = text_.data() + at_;
    const auto [end, failure] = std::from_chars(first, first + 4, code, 16);
    if (failure != std::errc() || end != first + 4) return std::nullopt;
    at_ += 4;
    return code;
  }

  /// What stands behind a backslash; false when nothing that JSON knows does.
  bool TakeEscape(std::string& out) {
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
    if (at_ == text_.size()) return false;
    const char name = text_[at_++];
    if (name != 'u') {
      const size_t known = kNames.find(name);
      if (known == kNames.npos) return false;
      out.push_back(kValues[known]);
      return true;
    }
    auto code = TakeHex();
    if (!code) return false;
    if (*code >= 0xd800 && *code < 0xdc00) {  // the first of a surrogate pair
      if (!text_.substr(at_).starts_with("\\u")) return false;
      at_ += 2;
      const auto low = TakeHex();
      if (!low || *low < 0xdc00 || *low >= 0xe000) return false;
      code = 0x10000 + ((*code - 0xd800) << 10) + (*low - 0xdc00);
    }
    AppendUtf8(*code, out);
    return true;
  }

  Result<std::string> TakeString(const arrow::DataType& type) {
    if (!Take('"')) return Bad(type);
    std::string out;
    while (true) {
      const size_t stop = text_.find_first_of("\"\\", at_);
      if (stop == text_.npos) return Bad(type);
      out.append(text_.substr(at_, stop - at_));
      at_ = stop + 1;
      if (text_[stop] == '"') return out;
      if (!TakeEscape(out)) return Bad(type);
    }
  }

  const std::string_view text_;
  const NestedForm form_;
  size_t at_ = 0;
};

}  // namespace

Status CheckNestedText(const arrow::DataType& type, NestedForm form) {
  switch (type.id()) {
    case arrow::Type::LIST:
      return CheckNestedText(*static_cast<const arrow::ListType&>(type).value_type(), form);
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapType&>(type);
      TRY_VOID(CheckKey(*map.key_type(), form));
      return CheckNestedText(*map.item_type(), form);
    }
    case arrow::Type::STRUCT:
      for (const auto& field : type.fields()) TRY_VOID(CheckNestedText(*field->type(), form));
      return OkStatus();
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      if (form == NestedForm::kJson) return OkStatus();
      return Ambiguous(type, "it stands there unescaped");
    case arrow::Type::BOOL:
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
    case arrow::Type::DECIMAL128:
    case arrow::Type::DATE32:
    case arrow::Type::TIMESTAMP: return OkStatus();
    default: return UnsupportedType(type);
  }
}

Status AppendNestedText(std::string_view text, NestedForm form, const arrow::DataType& type,
                        arrow::ArrayBuilder& builder) {
  Reader reader(text, form);
  TRY_VOID(reader.Append(type, builder));
  return reader.at_end() ? OkStatus() : Status(BadValue(text, type));
}

std::string NestedAsJson(std::string_view column) {
  return fmt::format(
      "to_json({}, map('ignoreNullFields', 'false', 'dateFormat', 'yyyy-MM-dd', "
      "'timestampFormat', 'yyyy-MM-dd HH:mm:ss.SSSSSSXXX', 'timestampNTZFormat', "
      "'yyyy-MM-dd HH:mm:ss.SSSSSS'))",
      column);
}

}  // namespace mms::databricks
