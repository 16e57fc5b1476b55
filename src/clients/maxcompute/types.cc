#include "clients/maxcompute/types.h"

#include <arrow/type.h>

#include <array>
#include <cctype>
#include <optional>
#include <utility>

namespace mms::maxcompute {
namespace {

constexpr int kNestingMax = 32;  // a parser that recurses must not follow hostile text for ever
constexpr int kDecimalPrecisionMax = 38;
constexpr int kDecimalDefaultScale = 18;
constexpr int kVarcharLengthMax = 65535;
constexpr int kCharLengthMax = 255;

struct KindName {
  TypeKind kind;
  std::string_view name;
};

constexpr std::array kKindNames = {
    KindName{TypeKind::kTinyint, "TINYINT"},
    KindName{TypeKind::kSmallint, "SMALLINT"},
    KindName{TypeKind::kInt, "INT"},
    KindName{TypeKind::kBigint, "BIGINT"},
    KindName{TypeKind::kFloat, "FLOAT"},
    KindName{TypeKind::kDouble, "DOUBLE"},
    KindName{TypeKind::kBoolean, "BOOLEAN"},
    KindName{TypeKind::kString, "STRING"},
    KindName{TypeKind::kVarchar, "VARCHAR"},
    KindName{TypeKind::kChar, "CHAR"},
    KindName{TypeKind::kBinary, "BINARY"},
    KindName{TypeKind::kJson, "JSON"},
    KindName{TypeKind::kDate, "DATE"},
    KindName{TypeKind::kDatetime, "DATETIME"},
    KindName{TypeKind::kTimestamp, "TIMESTAMP"},
    KindName{TypeKind::kTimestampNtz, "TIMESTAMP_NTZ"},
    KindName{TypeKind::kDecimal, "DECIMAL"},
    KindName{TypeKind::kArray, "ARRAY"},
    KindName{TypeKind::kMap, "MAP"},
    KindName{TypeKind::kStruct, "STRUCT"},
};

std::string_view NameOf(TypeKind kind) {
  for (const KindName& entry : kKindNames) {
    if (entry.kind == kind) return entry.name;
  }
  return "";
}

std::string Upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

std::string InBackQuotes(std::string_view name) {
  std::string out = "`";
  for (const char c : name) {
    if (c == '`') out.push_back('`');
    out.push_back(c);
  }
  return out + "`";
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Type> ParseAll() {
    TRY(Type type, ParseOne(0));
    SkipBlanks();
    if (at_ != text_.size()) return Unknown("unexpected text after the type");
    return type;
  }

 private:
  Error Unknown(std::string_view why) const {
    return Error(ErrorKind::kUnsupported, "ODPS_TYPE_UNKNOWN",
                 "MaxCompute column type '" + std::string(text_) + "' is not known here: " +
                     std::string(why) + " at byte " + std::to_string(at_));
  }

  void SkipBlanks() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }

  bool Take(char wanted) {
    SkipBlanks();
    if (at_ >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  std::string TakeWord() {
    SkipBlanks();
    const size_t from = at_;
    // Bytes of UTF-8 too: struct fields may have Chinese names.
    while (at_ < text_.size()) {
      const auto c = static_cast<unsigned char>(text_[at_]);
      if (std::isalnum(c) == 0 && c != '_' && c < 0x80) break;
      ++at_;
    }
    return std::string(text_.substr(from, at_ - from));
  }

  Result<std::string> TakeName() {
    SkipBlanks();
    if (!Take('`')) {
      std::string word = TakeWord();
      if (word.empty()) return Unknown("a field name is missing");
      return word;
    }
    std::string name;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c != '`') {
        name.push_back(c);
      } else if (at_ < text_.size() && text_[at_] == '`') {
        name.push_back('`');
        ++at_;
      } else {
        return name;
      }
    }
    return Unknown("a back quote is not closed");
  }

  Result<int> TakeNumber(int least, int most) {
    const std::string word = TakeWord();
    const bool digits = !word.empty() && word.size() <= 6 &&
                        word.find_first_not_of("0123456789") == std::string::npos;
    const int number = digits ? std::stoi(word) : -1;
    if (number < least || number > most) {
      return Unknown("a number from " + std::to_string(least) + " to " + std::to_string(most) +
                     " is expected");
    }
    return number;
  }

  Result<Type> ParseOne(int depth) {
    if (depth > kNestingMax) return Unknown("nested too deep");
    const std::string word = Upper(TakeWord());
    for (const KindName& entry : kKindNames) {
      if (entry.name == word) return ParseRest(entry.kind, depth);
    }
    return Unknown("no such type");
  }

  Result<Type> ParseRest(TypeKind kind, int depth) {
    Type type;
    type.kind = kind;
    if (kind == TypeKind::kDecimal) return ParseDecimal(std::move(type));
    if (kind == TypeKind::kVarchar) return ParseLength(std::move(type), kVarcharLengthMax);
    if (kind == TypeKind::kChar) return ParseLength(std::move(type), kCharLengthMax);
    const bool nested =
        kind == TypeKind::kArray || kind == TypeKind::kMap || kind == TypeKind::kStruct;
    return nested ? ParseNested(std::move(type), depth) : Result<Type>(std::move(type));
  }

  Result<Type> ParseDecimal(Type type) {
    type.precision = kDecimalPrecisionMax;
    type.scale = kDecimalDefaultScale;
    if (!Take('(')) return type;
    TRY(type.precision, TakeNumber(1, kDecimalPrecisionMax));
    type.scale = 0;
    if (Take(',')) {
      TRY(type.scale, TakeNumber(0, type.precision));
    }
    if (!Take(')')) return Unknown("')' is missing");
    return type;
  }

  Result<Type> ParseLength(Type type, int most) {
    if (!Take('(')) return Unknown("'(length)' is missing");
    TRY(type.length, TakeNumber(1, most));
    if (!Take(')')) return Unknown("')' is missing");
    return type;
  }

  Result<Type> ParseNested(Type type, int depth) {
    if (!Take('<')) return Unknown("'<' is missing");
    do {
      if (type.kind == TypeKind::kStruct) {
        TRY(std::string name, TakeName());
        if (!Take(':')) return Unknown("':' is missing");
        type.names.push_back(std::move(name));
      }
      TRY(Type argument, ParseOne(depth + 1));
      type.arguments.push_back(std::move(argument));
    } while (Take(','));
    if (!Take('>')) return Unknown("'>' is missing");
    const size_t count = type.arguments.size();
    if (type.kind == TypeKind::kArray && count != 1) return Unknown("ARRAY takes one type");
    if (type.kind == TypeKind::kMap && count != 2) return Unknown("MAP takes two types");
    return type;
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

std::string ToText(const Type& type, bool quoted) {
  std::string text(NameOf(type.kind));
  switch (type.kind) {
    case TypeKind::kDecimal:
      return text + "(" + std::to_string(type.precision) + "," + std::to_string(type.scale) + ")";
    case TypeKind::kVarchar:
    case TypeKind::kChar: return text + "(" + std::to_string(type.length) + ")";
    case TypeKind::kArray:
    case TypeKind::kMap:
    case TypeKind::kStruct: break;
    default: return text;
  }
  text += "<";
  for (size_t i = 0; i < type.arguments.size(); ++i) {
    if (i > 0) text += ",";
    if (type.kind == TypeKind::kStruct) {
      text += (quoted ? InBackQuotes(type.names[i]) : type.names[i]) + ":";
    }
    text += ToText(type.arguments[i], quoted);
  }
  return text + ">";
}

Result<Type> ParseType(std::string_view text) { return Parser(text).ParseAll(); }

std::shared_ptr<arrow::DataType> ToArrow(const Type& type, BlockForm form) {
  switch (type.kind) {
    case TypeKind::kTinyint: return arrow::int8();
    case TypeKind::kSmallint: return arrow::int16();
    case TypeKind::kInt: return arrow::int32();
    case TypeKind::kBigint: return arrow::int64();
    case TypeKind::kFloat: return arrow::float32();
    case TypeKind::kDouble: return arrow::float64();
    case TypeKind::kBoolean: return arrow::boolean();
    case TypeKind::kString:
    case TypeKind::kVarchar:
    case TypeKind::kChar:
    case TypeKind::kJson: return arrow::utf8();
    case TypeKind::kBinary: return arrow::binary();
    case TypeKind::kDate: return arrow::date32();
    case TypeKind::kDatetime: return arrow::timestamp(arrow::TimeUnit::MILLI);
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampNtz:
      return arrow::timestamp(form == BlockForm::kArrow ? arrow::TimeUnit::NANO
                                                        : arrow::TimeUnit::MICRO);
    case TypeKind::kDecimal: return arrow::decimal128(type.precision, type.scale);
    case TypeKind::kArray: return arrow::list(ToArrow(type.arguments[0], form));
    case TypeKind::kMap:
      return arrow::map(ToArrow(type.arguments[0], form), ToArrow(type.arguments[1], form));
    case TypeKind::kStruct: break;
  }
  arrow::FieldVector fields;
  for (size_t i = 0; i < type.arguments.size(); ++i) {
    fields.push_back(arrow::field(type.names[i], ToArrow(type.arguments[i], form)));
  }
  return arrow::struct_(std::move(fields));
}

std::shared_ptr<arrow::Schema> ToArrow(const std::vector<Column>& columns, BlockForm form) {
  arrow::FieldVector fields;
  for (const Column& column : columns) {
    fields.push_back(arrow::field(column.name, ToArrow(column.type, form)));
  }
  return arrow::schema(std::move(fields));
}

}  // namespace mms::maxcompute
