#include "sandbox/sql/duckdb_text.h"

#include <map>

namespace mms::sandbox::sql {
namespace {

/// How a function is said: a template with $1..$9 and $* (all arguments), or a plain name.
struct FunctionForm {
  std::string_view text;
  int arguments_min;
  int arguments_max;
};

constexpr int kMany = 1'000;

const std::map<std::string_view, FunctionForm> kFunctions{
    {"COUNT", {"count", 1, kMany}},
    {"MIN", {"min", 1, 1}},
    {"MAX", {"max", 1, 1}},
    {"SUM", {"sum", 1, 1}},
    {"AVG", {"avg", 1, 1}},
    {"STDDEV", {"stddev_pop", 1, 1}},
    {"STDDEV_SAMP", {"stddev_samp", 1, 1}},
    {"VARIANCE", {"var_pop", 1, 1}},
    {"VAR_POP", {"var_pop", 1, 1}},
    {"MEDIAN", {"median", 1, 1}},
    {"APPROX_DISTINCT", {"approx_count_distinct", 1, 1}},
    {"ANY_VALUE", {"any_value", 1, 1}},
    {"COLLECT_LIST", {"list($1) FILTER (WHERE $1 IS NOT NULL)", 1, 1}},
    {"CRC32", {"mms_crc32", 1, 1}},
    {"MD5", {"md5", 1, 1}},
    {"SHA", {"sha1", 1, 1}},
    {"SHA1", {"sha1", 1, 1}},
    {"SHA2", {"mms_sha2", 2, 2}},
    {"CONV", {"mms_conv(CAST($1 AS VARCHAR), $2, $3)", 3, 3}},
    {"HEX", {"hex", 1, 1}},
    {"UNHEX", {"unhex", 1, 1}},
    {"COALESCE", {"coalesce", 1, kMany}},
    {"NVL", {"coalesce", 2, 2}},
    {"NULLIF", {"nullif", 2, 2}},
    {"IF", {"CASE WHEN $1 THEN $2 ELSE $3 END", 3, 3}},
    {"CONCAT_WS", {"concat_ws", 2, kMany}},
    {"SUBSTR", {"substr", 2, 3}},
    {"SUBSTRING", {"substr", 2, 3}},
    {"LENGTH", {"mms_length", 1, 1}},
    {"LENGTHB", {"mms_lengthb", 1, 1}},
    {"INSTR", {"instr", 2, 2}},
    {"UPPER", {"upper", 1, 1}},
    {"TOUPPER", {"upper", 1, 1}},
    {"LOWER", {"lower", 1, 1}},
    {"TOLOWER", {"lower", 1, 1}},
    {"TRIM", {"trim", 1, 2}},
    {"LTRIM", {"ltrim", 1, 2}},
    {"RTRIM", {"rtrim", 1, 2}},
    {"REPLACE", {"replace", 3, 3}},
    {"REVERSE", {"reverse", 1, 1}},
    {"REPEAT", {"repeat", 2, 2}},
    {"LPAD", {"lpad", 3, 3}},
    {"RPAD", {"rpad", 3, 3}},
    {"CHR", {"chr(CAST($1 AS INTEGER))", 1, 1}},
    {"ASCII", {"ascii", 1, 1}},
    {"ABS", {"abs", 1, 1}},
    {"CEIL", {"CAST(ceil($1) AS BIGINT)", 1, 1}},
    {"FLOOR", {"CAST(floor($1) AS BIGINT)", 1, 1}},
    {"ROUND", {"round", 1, 2}},
    {"SQRT", {"sqrt", 1, 1}},
    {"POW", {"pow", 2, 2}},
    {"POWER", {"pow", 2, 2}},
    {"SIGN", {"sign", 1, 1}},
    {"GREATEST", {"greatest", 1, kMany}},
    {"LEAST", {"least", 1, kMany}},
    {"ISNAN", {"isnan", 1, 1}},
    {"SIZE", {"len", 1, 1}},
    {"CARDINALITY", {"len", 1, 1}},
    {"MAP_KEYS", {"map_keys", 1, 1}},
    {"MAP_VALUES", {"map_values", 1, 1}},
    {"TO_JSON", {"CAST(to_json($1) AS VARCHAR)", 1, 1}},
    {"YEAR", {"year", 1, 1}},
    {"MONTH", {"month", 1, 1}},
    {"DAY", {"day", 1, 1}},
    {"HOUR", {"hour", 1, 1}},
    {"MINUTE", {"minute", 1, 1}},
    {"SECOND", {"second", 1, 1}},
    {"UNIX_TIMESTAMP", {"CAST(floor(epoch($1)) AS BIGINT)", 1, 1}},
    {"TO_DATE", {"CAST($1 AS DATE)", 1, 1}},
    {"GETDATE", {"now()", 0, 0}},
    {"CURRENT_TIMESTAMP", {"now()", 0, 0}},
};

Error Semantic(const Expr& expr, const std::string& what) {
  return Error(ErrorKind::kInvalidInput, "ODPS-0130071",
               "[" + std::to_string(expr.line) + "," + std::to_string(expr.column) +
                   "] Semantic analysis exception - " + what);
}

Result<std::vector<std::string>> Arguments(const Expr& expr) {
  std::vector<std::string> texts;
  for (const Expr& argument : expr.args) {
    TRY(std::string text, ToDuckDb(argument));
    texts.push_back(std::move(text));
  }
  return texts;
}

std::string Join(const std::vector<std::string>& texts, std::string_view separator) {
  std::string joined;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) joined += separator;
    joined += texts[i];
  }
  return joined;
}

std::string Fill(std::string_view form, const std::vector<std::string>& arguments) {
  std::string text;
  for (size_t i = 0; i < form.size(); ++i) {
    if (form[i] != '$') {
      text += form[i];
    } else {
      text += arguments[static_cast<size_t>(form[++i] - '1')];
    }
  }
  return text;
}

Result<std::string> CallText(const Expr& expr) {
  TRY(auto arguments, Arguments(expr));
  if (expr.text == "CONCAT") {  // NULL if any argument is, unlike DuckDB's concat
    for (std::string& argument : arguments) argument = "CAST(" + argument + " AS VARCHAR)";
    return "(" + Join(arguments, " || ") + ")";
  }
  auto found = kFunctions.find(expr.text);
  if (found == kFunctions.end()) {
    return Semantic(expr, "function or view '" + LowerName(expr.text) +
                              "' cannot be resolved (the sandbox knows the functions that "
                              "verification needs)");
  }
  const FunctionForm& form = found->second;
  auto given = static_cast<int>(arguments.size());
  if (given < form.arguments_min || given > form.arguments_max) {
    return Semantic(expr, "function " + LowerName(expr.text) + " does not take " +
                              std::to_string(given) + " arguments");
  }
  bool is_template = form.text.find_first_of("($ ") != std::string_view::npos;
  if (is_template) return Fill(form.text, arguments);
  return std::string(form.text) + "(" + (expr.distinct ? "DISTINCT " : "") + Join(arguments, ", ") +
         ")";
}

Result<std::string> BinaryText(const Expr& expr) {
  TRY(std::string left, ToDuckDb(expr.args[0]));
  TRY(std::string right, ToDuckDb(expr.args[1]));
  if (expr.text == "RLIKE") return "regexp_matches(" + left + ", " + right + ")";
  if (expr.text == "^") return "xor(" + left + ", " + right + ")";
  std::string symbol = expr.text == "=="    ? "="
                       : expr.text == "<=>" ? "IS NOT DISTINCT FROM"
                                            : expr.text;
  std::string text = "(" + left + " " + symbol + " " + right;
  if (symbol == "LIKE") text += " ESCAPE '\\'";
  return text + ")";
}

Result<std::string> CaseText(const Expr& expr) {
  TRY(auto parts, Arguments(expr));
  size_t at = 0;
  std::string text = "CASE";
  if (expr.negated) text += " " + parts[at++];
  size_t pairs_end = parts.size() - (expr.text == "else" ? 1 : 0);
  for (; at + 1 < pairs_end + 1 && at < pairs_end; at += 2) {
    text += " WHEN " + parts[at] + " THEN " + parts[at + 1];
  }
  if (expr.text == "else") text += " ELSE " + parts.back();
  return text + " END";
}

std::string NamesText(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ".") + DuckDbName(name);
  return text;
}

Result<std::string> ItemsText(const Query& query) {
  std::string text;
  for (size_t i = 0; i < query.items.size(); ++i) {
    const SelectItem& item = query.items[i];
    TRY(std::string value, ToDuckDb(item.expr));
    if (i > 0) text += ", ";
    text += value;
    if (item.expr.kind == ExprKind::kStar) continue;
    std::string alias = item.alias;
    if (alias.empty()) {
      alias =
          item.expr.kind == ExprKind::kColumn ? item.expr.names.back() : "_c" + std::to_string(i);
    }
    text += " AS " + DuckDbName(alias);
  }
  return text;
}

Result<std::string> SourcesText(const Query& query, const SourceNamer& name_source) {
  std::string text;
  for (const Source& source : query.sources) {
    std::string relation;
    if (source.query) {
      TRY(std::string inner, ToDuckDb(*source.query, name_source));
      relation = "(" + inner + ")";
    } else {
      TRY(relation, name_source(source, query));
    }
    std::string alias = source.alias;
    if (alias.empty() && !source.query) alias = source.table.parts.back();
    if (!source.join.empty()) text += " " + source.join + " ";
    text += relation;
    if (!alias.empty()) text += " AS " + DuckDbName(alias);
    if (source.on) {
      TRY(std::string on, ToDuckDb(*source.on));
      text += " ON " + on;
    }
  }
  return text;
}

Result<std::string> OrderText(const Query& query) {
  std::string text;
  for (const OrderItem& item : query.order_by) {
    TRY(std::string key, ToDuckDb(item.expr));
    text += (text.empty() ? " ORDER BY " : ", ") + key;
    // MaxCompute takes NULL as the smallest value.
    std::string nulls = !item.nulls.empty() ? item.nulls : item.descending ? "LAST" : "FIRST";
    text += (item.descending ? " DESC" : " ASC") + std::string(" NULLS ") + nulls;
  }
  return text;
}

}  // namespace

std::string DuckDbString(std::string_view text) {
  std::string quoted = "'";
  bool joined = false;
  for (char c : text) {
    if (c == '\0') {  // the query travels as a C string
      quoted += "' || chr(0) || '";
      joined = true;
      continue;
    }
    if (c == '\'') quoted += '\'';
    quoted += c;
  }
  quoted += "'";
  return joined ? "(" + quoted + ")" : quoted;
}

std::string DuckDbName(std::string_view name) {
  std::string quoted = "\"";
  for (char c : name) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

std::string DuckDbType(const ColumnType& type) {
  switch (type.id) {
    case TypeId::kInt: return "INTEGER";
    case TypeId::kString:
    case TypeId::kJson:
    case TypeId::kChar:
    case TypeId::kVarchar: return "VARCHAR";
    case TypeId::kBinary: return "BLOB";
    case TypeId::kDatetime:
    case TypeId::kTimestamp: return "TIMESTAMP WITH TIME ZONE";
    case TypeId::kTimestampNtz: return "TIMESTAMP_NS";
    case TypeId::kArray: return DuckDbType(type.children[0]) + "[]";
    case TypeId::kMap:
      return "MAP(" + DuckDbType(type.children[0]) + ", " + DuckDbType(type.children[1]) + ")";
    case TypeId::kStruct: {
      std::string text = "STRUCT(";
      for (size_t i = 0; i < type.children.size(); ++i) {
        if (i > 0) text += ", ";
        text += DuckDbName(type.field_names[i]) + " " + DuckDbType(type.children[i]);
      }
      return text + ")";
    }
    default: return UpperName(type.ToText());
  }
}

Result<std::string> ToDuckDb(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kNull: return std::string("NULL");
    case ExprKind::kBoolean:
    case ExprKind::kNumber: return expr.text;
    case ExprKind::kString: return DuckDbString(expr.text);
    case ExprKind::kColumn: return NamesText(expr.names);
    case ExprKind::kStar:
      return expr.names.empty() ? std::string("*") : NamesText(expr.names) + ".*";
    case ExprKind::kCall: return CallText(expr);
    case ExprKind::kCast: {
      TRY(std::string value, ToDuckDb(expr.args[0]));
      return "CAST(" + value + " AS " + DuckDbType(expr.type) + ")";
    }
    case ExprKind::kUnary: {
      TRY(std::string value, ToDuckDb(expr.args[0]));
      return "(" + expr.text + " " + value + ")";
    }
    case ExprKind::kBinary: return BinaryText(expr);
    case ExprKind::kIsNull: {
      TRY(std::string value, ToDuckDb(expr.args[0]));
      return "(" + value + (expr.negated ? " IS NOT NULL)" : " IS NULL)");
    }
    case ExprKind::kIn: {
      TRY(auto items, Arguments(expr));
      std::string left = items.front();
      items.erase(items.begin());
      return "(" + left + (expr.negated ? " NOT IN (" : " IN (") + Join(items, ", ") + "))";
    }
    case ExprKind::kBetween: {
      TRY(auto items, Arguments(expr));
      return "(" + items[0] + (expr.negated ? " NOT" : "") + " BETWEEN " + items[1] + " AND " +
             items[2] + ")";
    }
    case ExprKind::kCase: return CaseText(expr);
    case ExprKind::kIndex: {
      TRY(auto items, Arguments(expr));
      // Arrays count from 0 in MaxCompute and from 1 in DuckDB; a map takes the key as it is.
      if (expr.args[1].kind == ExprKind::kString) return items[0] + "[" + items[1] + "]";
      return items[0] + "[(" + items[1] + ") + 1]";
    }
  }
  return Semantic(expr, "unknown expression");
}

Result<std::string> ToDuckDb(const Query& query, const SourceNamer& name_source) {
  TRY(std::string text, ItemsText(query));
  text = std::string("SELECT ") + (query.distinct ? "DISTINCT " : "") + text;
  if (!query.sources.empty()) {
    TRY(std::string sources, SourcesText(query, name_source));
    text += " FROM " + sources;
  }
  if (query.where) {
    TRY(std::string where, ToDuckDb(*query.where));
    text += " WHERE " + where;
  }
  for (size_t i = 0; i < query.group_by.size(); ++i) {
    TRY(std::string key, ToDuckDb(query.group_by[i]));
    text += (i == 0 ? " GROUP BY " : ", ") + key;
  }
  if (query.having) {
    TRY(std::string having, ToDuckDb(*query.having));
    text += " HAVING " + having;
  }
  if (query.union_all) {
    TRY(std::string next, ToDuckDb(*query.union_all, name_source));
    return text + " UNION ALL " + next;
  }
  TRY(std::string order, OrderText(query));
  text += order;
  if (query.limit) text += " LIMIT " + *query.limit;
  if (query.offset) text += " OFFSET " + *query.offset;
  return text;
}

}  // namespace mms::sandbox::sql
