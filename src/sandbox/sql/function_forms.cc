#include "sandbox/sql/function_forms.h"

#include <array>
#include <map>

#include "sandbox/table.h"

namespace mms::sandbox::sql {
namespace {

constexpr size_t kMany = 1'000;
constexpr auto kAggregate = FunctionRole::kAggregate;
constexpr auto kWindow = FunctionRole::kWindow;

const std::multimap<std::string_view, FunctionForm>& AggregateForms() {
  static const std::multimap<std::string_view, FunctionForm> forms{
      {"COUNT", {"count", 1, kMany, kAggregate}},
      {"COUNT_IF", {"count_if", 1, 1, kAggregate}},
      {"MIN", {"min", 1, 1, kAggregate}},
      {"MAX", {"max", 1, 1, kAggregate}},
      {"SUM", {"sum", 1, 1, kAggregate}},
      {"AVG", {"avg", 1, 1, kAggregate}},
      {"STDDEV", {"stddev_pop", 1, 1, kAggregate}},
      {"STDDEV_SAMP", {"stddev_samp", 1, 1, kAggregate}},
      {"VARIANCE", {"var_pop", 1, 1, kAggregate}},
      {"VAR_POP", {"var_pop", 1, 1, kAggregate}},
      {"VAR_SAMP", {"var_samp", 1, 1, kAggregate}},
      {"CORR", {"corr", 2, 2, kAggregate}},
      {"COVAR_POP", {"covar_pop", 2, 2, kAggregate}},
      {"COVAR_SAMP", {"covar_samp", 2, 2, kAggregate}},
      {"MEDIAN", {"median", 1, 1, kAggregate}},
      {"PERCENTILE", {"quantile_cont($1, $2)", 2, 2, kAggregate}},
      {"APPROX_DISTINCT", {"approx_count_distinct", 1, 1, kAggregate}},
      {"ANY_VALUE", {"any_value", 1, 1, kAggregate}},
      {"ARG_MAX", {"arg_max($2, $1)", 2, 2, kAggregate}},
      {"ARG_MIN", {"arg_min($2, $1)", 2, 2, kAggregate}},
      {"MAX_BY", {"arg_max", 2, 2, kAggregate}},
      {"MIN_BY", {"arg_min", 2, 2, kAggregate}},
      {"COLLECT_LIST", {"list($1) FILTER (WHERE $1 IS NOT NULL)", 1, 1, kAggregate}},
      {"COLLECT_SET", {"list(DISTINCT $1) FILTER (WHERE $1 IS NOT NULL)", 1, 1, kAggregate}},
      {"WM_CONCAT", {"string_agg($2, $1)", 2, 2, kAggregate}},
      {"ROW_NUMBER", {"row_number", 0, 0, kWindow}},
      {"RANK", {"rank", 0, 0, kWindow}},
      {"DENSE_RANK", {"dense_rank", 0, 0, kWindow}},
      {"PERCENT_RANK", {"percent_rank", 0, 0, kWindow}},
      {"CUME_DIST", {"cume_dist", 0, 0, kWindow}},
      {"NTILE", {"ntile", 1, 1, kWindow}},
      {"LAG", {"lag", 1, 3, kWindow}},
      {"LEAD", {"lead", 1, 3, kWindow}},
      {"FIRST_VALUE", {"first_value", 1, 1, kWindow}},
      {"LAST_VALUE", {"last_value", 1, 1, kWindow}},
      {"NTH_VALUE", {"nth_value", 2, 2, kWindow}},
  };
  return forms;
}

const std::multimap<std::string_view, FunctionForm>& TextForms() {
  static const std::multimap<std::string_view, FunctionForm> forms{
      {"CRC32", {"mms_crc32", 1, 1}},
      {"MD5", {"md5", 1, 1}},
      {"SHA", {"sha1", 1, 1}},
      {"SHA1", {"sha1", 1, 1}},
      {"SHA2", {"mms_sha2", 2, 2}},
      {"HEX", {"hex", 1, 1}},
      {"UNHEX", {"unhex", 1, 1}},
      {"BASE64", {"base64", 1, 1}},
      {"UNBASE64", {"from_base64", 1, 1}},
      {"CONV", {"mms_conv(CAST($1 AS VARCHAR), $2, $3)", 3, 3}},
      {"CONCAT_WS", {"concat_ws", 2, kMany}},
      {"SUBSTR", {"substr($1, CASE WHEN $2 = 0 THEN 1 ELSE $2 END)", 2, 2}},
      {"SUBSTR", {"substr($1, CASE WHEN $2 = 0 THEN 1 ELSE $2 END, $3)", 3, 3}},
      {"SUBSTRING", {"substr($1, CASE WHEN $2 = 0 THEN 1 ELSE $2 END)", 2, 2}},
      {"SUBSTRING", {"substr($1, CASE WHEN $2 = 0 THEN 1 ELSE $2 END, $3)", 3, 3}},
      {"LENGTH", {"mms_length", 1, 1}},
      {"LENGTHB", {"mms_lengthb", 1, 1}},
      {"INSTR", {"instr", 2, 2}},
      {"LOCATE", {"instr($2, $1)", 2, 2}},
      {"UPPER", {"upper", 1, 1}},
      {"TOUPPER", {"upper", 1, 1}},
      {"LOWER", {"lower", 1, 1}},
      {"TOLOWER", {"lower", 1, 1}},
      {"TRIM", {"trim", 1, 2}},
      {"LTRIM", {"ltrim", 1, 2}},
      {"RTRIM", {"rtrim", 1, 2}},
      {"REPLACE", {"replace", 3, 3}},
      {"TRANSLATE", {"translate", 3, 3}},
      {"REVERSE", {"reverse", 1, 1}},
      {"REPEAT", {"repeat", 2, 2}},
      {"SPACE", {"repeat(' ', $1)", 1, 1}},
      {"LPAD", {"lpad($1, CAST($2 AS INTEGER), $3)", 3, 3}},
      {"RPAD", {"rpad($1, CAST($2 AS INTEGER), $3)", 3, 3}},
      {"LEFT", {"left", 2, 2}},
      {"RIGHT", {"right", 2, 2}},
      {"CHR", {"chr(CAST($1 AS INTEGER))", 1, 1}},
      {"ASCII", {"ascii", 1, 1}},
      {"SPLIT", {"string_split_regex", 2, 2}},
      {"SPLIT_PART", {"split_part", 3, 3}},
      {"REGEXP_EXTRACT", {"regexp_extract($1, $2, 1)", 2, 2}},
      {"REGEXP_EXTRACT", {"regexp_extract($1, $2, $3)", 3, 3}},
      {"REGEXP_REPLACE", {"regexp_replace($1, $2, $3, 'g')", 3, 3}},
      {"REGEXP_COUNT", {"len(regexp_extract_all($1, $2))", 2, 2}},
      {"GET_JSON_OBJECT", {"json_extract_string", 2, 2}},
      {"TO_JSON", {"CAST(to_json($1) AS VARCHAR)", 1, 1}},
      {"URL_ENCODE", {"url_encode", 1, 1}},
      {"URL_DECODE", {"url_decode", 1, 1}},
      {"TO_CHAR", {"mms_text($1)", 1, 1}},
  };
  return forms;
}

const std::multimap<std::string_view, FunctionForm>& ValueForms() {
  static const std::multimap<std::string_view, FunctionForm> forms{
      {"COALESCE", {"coalesce", 1, kMany}},
      {"NVL", {"coalesce", 2, 2}},
      {"NVL2", {"CASE WHEN $1 IS NOT NULL THEN $2 ELSE $3 END", 3, 3}},
      {"NULLIF", {"nullif", 2, 2}},
      {"IF", {"CASE WHEN $1 THEN $2 ELSE $3 END", 3, 3}},
      {"ISNULL", {"($1 IS NULL)", 1, 1}},
      {"ISNOTNULL", {"($1 IS NOT NULL)", 1, 1}},
      {"GREATEST", {"greatest", 1, kMany}},
      {"ABS", {"abs", 1, 1}},
      {"CEIL", {"CAST(ceil($1) AS BIGINT)", 1, 1}},
      {"CEILING", {"CAST(ceil($1) AS BIGINT)", 1, 1}},
      {"FLOOR", {"CAST(floor($1) AS BIGINT)", 1, 1}},
      {"ROUND", {"round", 1, 2}},
      {"TRUNC", {"trunc", 1, 1}},
      {"SQRT", {"sqrt", 1, 1}},
      {"CBRT", {"cbrt", 1, 1}},
      {"POW", {"pow", 2, 2}},
      {"POWER", {"pow", 2, 2}},
      {"EXP", {"exp", 1, 1}},
      {"LN", {"ln", 1, 1}},
      {"LOG", {"log", 2, 2}},
      {"LOG2", {"log2", 1, 1}},
      {"LOG10", {"log10", 1, 1}},
      {"SIN", {"sin", 1, 1}},
      {"COS", {"cos", 1, 1}},
      {"TAN", {"tan", 1, 1}},
      {"PI", {"pi", 0, 0}},
      {"RAND", {"random", 0, 0}},
      {"SIGN", {"sign", 1, 1}},
      {"NEGATIVE", {"(- $1)", 1, 1}},
      {"MOD", {"($1 % $2)", 2, 2}},
      {"PMOD", {"((($1 % $2) + $2) % $2)", 2, 2}},
      {"BIN", {"bin", 1, 1}},
      {"SHIFTLEFT", {"($1 << $2)", 2, 2}},
      {"SHIFTRIGHT", {"($1 >> $2)", 2, 2}},
      {"ISNAN", {"isnan", 1, 1}},
      {"CARDINALITY", {"len", 1, 1}},
      {"ARRAY", {"list_value", 0, kMany}},
      {"ARRAY_CONTAINS", {"list_contains", 2, 2}},
      {"ARRAY_DISTINCT", {"list_distinct", 1, 1}},
      {"ARRAY_MAX", {"list_max", 1, 1}},
      {"ARRAY_MIN", {"list_min", 1, 1}},
      {"ARRAY_JOIN", {"array_to_string", 2, 2}},
      {"SORT_ARRAY", {"list_sort($1, 'ASC', 'NULLS FIRST')", 1, 1}},
      {"MAP_KEYS", {"map_keys", 1, 1}},
      {"MAP_VALUES", {"map_values", 1, 1}},
  };
  return forms;
}

const std::multimap<std::string_view, FunctionForm>& TimeForms() {
  static const std::multimap<std::string_view, FunctionForm> forms{
      {"YEAR", {"year", 1, 1}},
      {"QUARTER", {"quarter", 1, 1}},
      {"MONTH", {"month", 1, 1}},
      {"DAY", {"day", 1, 1}},
      {"DAYOFMONTH", {"day", 1, 1}},
      {"DAYOFYEAR", {"dayofyear", 1, 1}},
      {"DAYOFWEEK", {"(dayofweek($1) + 1)", 1, 1}},
      {"WEEKDAY", {"(isodow($1) - 1)", 1, 1}},
      {"WEEKOFYEAR", {"weekofyear", 1, 1}},
      {"HOUR", {"hour", 1, 1}},
      {"MINUTE", {"minute", 1, 1}},
      {"SECOND", {"second", 1, 1}},
      {"UNIX_TIMESTAMP", {"CAST(floor(epoch($1)) AS BIGINT)", 1, 1}},
      {"UNIX_TIMESTAMP", {"CAST(floor(epoch(now())) AS BIGINT)", 0, 0}},
      {"FROM_UNIXTIME", {"CAST(CAST(to_timestamp($1) AS TIMESTAMP) AS TIMESTAMP_MS)", 1, 1}},
      {"TO_MILLIS", {"epoch_ms", 1, 1}},
      {"TO_DATE", {"CAST($1 AS DATE)", 1, 1}},
      {"DATE_ADD", {"CAST(CAST($1 AS DATE) + CAST($2 AS INTEGER) AS DATE)", 2, 2}},
      {"DATE_SUB", {"CAST(CAST($1 AS DATE) - CAST($2 AS INTEGER) AS DATE)", 2, 2}},
      {"GETDATE", {"CAST(CAST(now() AS TIMESTAMP) AS TIMESTAMP_MS)", 0, 0}},
      {"NOW", {"CAST(CAST(now() AS TIMESTAMP) AS TIMESTAMP_MS)", 0, 0}},
      {"CURRENT_TIMESTAMP", {"now()", 0, 0}},
      {"CURRENT_DATE", {"CAST(now() AS DATE)", 0, 0}},
  };
  return forms;
}

struct TimeWord {
  std::string_view word;
  std::string_view format;
};
/// Longest first.
constexpr std::array<TimeWord, 10> kTimeWords{{
    {"yyyy", "%Y"},
    {"hh24", "%H"},
    {"ff6", "%f"},
    {"ff3", "%g"},
    {"yy", "%y"},
    {"mm", "%m"},
    {"dd", "%d"},
    {"hh", "%H"},
    {"mi", "%M"},
    {"ss", "%S"},
}};
constexpr std::array<TimeWord, 8> kJavaTimeWords{{
    {"SSSSSS", "%f"},
    {"yyyy", "%Y"},
    {"SSS", "%g"},
    {"MM", "%m"},
    {"dd", "%d"},
    {"HH", "%H"},
    {"mm", "%M"},
    {"ss", "%S"},
}};

template <size_t n>
std::string Translate(std::string_view format, const std::array<TimeWord, n>& words, bool exact) {
  std::string text;
  while (!format.empty()) {
    bool found = false;
    for (const TimeWord& word : words) {
      std::string_view head = format.substr(0, word.word.size());
      if (exact ? head != word.word : LowerName(head) != word.word) continue;
      text += word.format;
      format.remove_prefix(word.word.size());
      found = true;
      break;
    }
    if (found) continue;
    if (format[0] == '%') text += '%';
    text += format[0];
    format.remove_prefix(1);
  }
  return text;
}

}  // namespace

const FunctionForm* FindFunction(std::string_view name, size_t arguments) {
  const FunctionForm* any = nullptr;
  for (const auto* forms : {&AggregateForms(), &TextForms(), &ValueForms(), &TimeForms()}) {
    auto [begin, end] = forms->equal_range(name);
    for (auto at = begin; at != end; ++at) {
      any = &at->second;
      if (arguments >= any->arguments_min && arguments <= any->arguments_max) return any;
    }
  }
  return any;
}

std::string FillForm(std::string_view text, const std::vector<std::string>& arguments) {
  std::string filled;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$') {
      filled += text[i];
    } else {
      filled += arguments[static_cast<size_t>(text[++i] - '1')];
    }
  }
  return filled;
}

std::string ToTimeFormat(std::string_view format, bool java) {
  return java ? Translate(format, kJavaTimeWords, true) : Translate(format, kTimeWords, false);
}

std::string_view FindDatePart(std::string_view part) {
  static const std::map<std::string_view, std::string_view> kParts{
      {"yyyy", "year"},    {"year", "year"},       {"mm", "month"},        {"month", "month"},
      {"mon", "month"},    {"dd", "day"},          {"day", "day"},         {"hh", "hour"},
      {"hour", "hour"},    {"mi", "minute"},       {"ss", "second"},       {"week", "week"},
      {"q", "quarter"},    {"quarter", "quarter"}, {"ff3", "millisecond"}, {"minute", "minute"},
      {"second", "second"}};
  auto found = kParts.find(part);
  return found == kParts.end() ? std::string_view() : found->second;
}

const std::vector<std::string>& SetupStatements() {
  // typeof() is known when a query is bound, so of each CASE one branch is left. TRY_CAST where a
  // branch for another type must still bind.
  static const std::vector<std::string> statements{
      // CAST(x AS STRING): DATETIME without its fraction, instants without a zone.
      "CREATE OR REPLACE MACRO mms_text(x) AS CASE WHEN typeof(x) = 'TIMESTAMP_MS' THEN "
      "split_part(CAST(x AS VARCHAR), '.', 1) WHEN typeof(x) = 'TIMESTAMP WITH TIME ZONE' THEN "
      "replace(CAST(x AS VARCHAR), '+00', '') ELSE CAST(x AS VARCHAR) END",
      // CAST(x AS BIGINT) drops the fraction where DuckDB rounds.
      "CREATE OR REPLACE MACRO mms_whole(x) AS CASE WHEN typeof(x) LIKE 'DECIMAL%' THEN "
      "CAST(split_part(CAST(x AS VARCHAR), '.', 1) AS BIGINT) WHEN typeof(x) IN ('DOUBLE', "
      "'FLOAT') THEN CAST(trunc(TRY_CAST(x AS DOUBLE)) AS BIGINT) WHEN typeof(x) = 'VARCHAR' AND "
      "regexp_matches(CAST(x AS VARCHAR), '[.eE]') THEN CAST(trunc(CAST(CAST(x AS VARCHAR) AS "
      "DOUBLE)) AS BIGINT) ELSE CAST(x AS BIGINT) END"};
  return statements;
}

}  // namespace mms::sandbox::sql
