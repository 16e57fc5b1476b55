#include "migration/formats/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/lower_ascii.h"
#include "base/secret.h"

namespace mms::migration {
namespace {

std::optional<bool> ReadBool(const std::string& text) {
  const std::string lower = LowerAscii(text);
  if (lower == "true") return true;
  if (lower == "false") return false;
  return std::nullopt;
}

/// One ASCII character; '\0' for an empty text, or for the one that stands for none.
std::optional<char> ReadChar(const std::string& text) {
  if (text.empty() || text == "\\u0000" || text == "\\0" || text == std::string(1, '\0')) {
    return '\0';
  }
  if (text == "\\t") return '\t';
  if (text == "\\\\") return '\\';
  const bool line_end = text == "\n" || text == "\r";
  if (text.size() == 1 && static_cast<unsigned char>(text[0]) < 0x80 && !line_end) return text[0];
  return std::nullopt;
}

/// Takes `value` when it was read; false = it means something that is not done here.
template <class T>
bool Set(std::optional<T> value, T* target) {
  if (value) *target = *std::move(value);
  return value.has_value();
}

bool SetPattern(const std::string& text, std::optional<TimePattern>* target) {
  auto pattern = TimePattern::Parse(text);
  if (pattern) *target = *std::move(pattern);
  return pattern.has_value();
}

bool IsIn(const std::string& text, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

/// Options of both formats. nullopt = of neither; false = one that is not done here.
std::optional<bool> TakeShared(const std::string& name, const std::string& value,
                               TextFormats* formats) {
  // A malformed row is refused in any mode; a codec is told by the file's name.
  if (IsIn(name, {"mode", "path", "serialization.format", "compression", "codec", "inferschema",
                  "samplingratio", "columnnameofcorruptrecord", "prefersdate"})) {
    return true;
  }
  if (name == "encoding" || name == "charset") return IsIn(LowerAscii(value), {"utf-8", "utf8"});
  if (name == "locale") return IsIn(LowerAscii(value), {"en-us", "en_us"});
  if (name == "timezone") return IsIn(LowerAscii(value), {"utc", "etc/utc", "gmt", "z", "+00:00"});
  if (name == "dateformat") return SetPattern(value, &formats->date);
  if (name == "timestampformat") return SetPattern(value, &formats->timestamp);
  if (name == "timestampntzformat") return SetPattern(value, &formats->timestamp_ntz);
  return std::nullopt;
}

/// nullopt = not known.
std::optional<bool> TakeCsv(const std::string& name, const std::string& value,
                            CsvOptions* options) {
  if (IsIn(name, {"quoteall", "escapequotes", "maxcolumns", "maxcharspercolumn",
                  "unescapedquotehandling"})) {
    return true;  // of writing, or of rows that are refused
  }
  if (name == "sep" || name == "delimiter") {
    return Set(ReadChar(value), &options->separator) && options->separator != '\0';
  }
  if (name == "quote") return Set(ReadChar(value), &options->quote);
  if (name == "escape") return Set(ReadChar(value), &options->escape);
  if (name == "comment") return Set(ReadChar(value), &options->comment);
  if (name == "header") return Set(ReadBool(value), &options->header);
  if (name == "multiline") return Set(ReadBool(value), &options->multi_line);
  if (name == "ignoreleadingwhitespace" || name == "ignoretrailingwhitespace") {
    return ReadBool(value) == false;
  }
  if (name == "enforceschema") return ReadBool(value) == true;
  if (name == "nullvalue") return Set(std::optional(value), &options->null_value);
  if (name == "emptyvalue") return Set(std::optional(value), &options->empty_value);
  if (name == "nanvalue") return Set(std::optional(value), &options->formats.nan);
  if (name == "positiveinf") {
    return Set(std::optional(value), &options->formats.positive_infinity);
  }
  if (name == "negativeinf") {
    return Set(std::optional(value), &options->formats.negative_infinity);
  }
  return std::nullopt;
}

/// nullopt = not known.
std::optional<bool> TakeJson(const std::string& name, const std::string& value) {
  // Of writing, of columns that nobody named, or of lines that are refused.
  if (IsIn(name, {"ignorenullfields", "primitivesasstring", "prefersdecimal", "dropfieldifallnull",
                  "infertimestamp", "allowcomments", "allowunquotedfieldnames", "allowsinglequotes",
                  "allownumericleadingzeros", "allowunquotedcontrolchars",
                  "allowbackslashescapinganycharacter"})) {
    return true;
  }
  if (name == "allownonnumericnumbers") return ReadBool(value) == true;
  if (name == "multiline") return ReadBool(value) == false;
  return std::nullopt;
}

}  // namespace

Error UnknownOption(const std::string& format, const std::string& name, const std::string& value) {
  return Error(ErrorKind::kUnsupported, "TABLE_OPTION_UNSUPPORTED",
               fmt::format("its option {} = \"{}\" changes how {} files are read, and is not "
                           "known here; read the table by SQL (`source.jdbc`), convert it (CREATE "
                           "TABLE ... AS SELECT), or leave it out (`exclude`, of a job --but)",
                           name, ScrubSecrets(value), format));
}

Result<CsvOptions> ParseCsvOptions(const OptionMap& options) {
  CsvOptions read;
  for (const auto& [name, value] : options) {
    if (name == kColumnsOption) continue;
    const auto shared = TakeShared(name, value, &read.formats);
    if (!shared.value_or(true)) return UnknownOption("csv", name, value);
    if (!shared && !TakeCsv(name, value, &read).value_or(false)) {
      return UnknownOption("csv", name, value);
    }
  }
  return read;
}

Result<TextFormats> ParseJsonOptions(const OptionMap& options) {
  TextFormats read;
  for (const auto& [name, value] : options) {
    const auto shared = TakeShared(name, value, &read);
    if (!shared.value_or(true)) return UnknownOption("json", name, value);
    if (!shared && !TakeJson(name, value).value_or(false)) {
      return UnknownOption("json", name, value);
    }
  }
  return read;
}

}  // namespace mms::migration
