// Expressions of a query in DuckDB's words.
#include <algorithm>
#include <map>

#include "sandbox/sql/duckdb_text.h"
#include "sandbox/sql/duckdb_type.h"
#include "sandbox/sql/function_forms.h"

namespace mms::sandbox::sql {
namespace {

Error Semantic(const Expr& expr, const std::string& what) {
  return Error(ErrorKind::kInvalidInput, "ODPS-0130071",
               "[" + std::to_string(expr.line) + "," + std::to_string(expr.column) +
                   "] Semantic analysis exception - " + what);
}

std::string Join(const std::vector<std::string>& texts, std::string_view separator) {
  std::string joined;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) joined += separator;
    joined += texts[i];
  }
  return joined;
}

std::string NamesText(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ".") + DuckDbName(name);
  return text;
}

/// A literal in the query's text; formats and units must be known before it runs.
Result<std::string> LiteralText(const Expr& call, size_t index) {
  if (index < call.args.size() && call.args[index].kind == ExprKind::kString) {
    return call.args[index].text;
  }
  return Semantic(call, "argument " + std::to_string(index + 1) + " of " + LowerName(call.text) +
                            " must be a string literal here");
}

/// The frame of these functions when ORDER BY is there and no frame is said: rows, where standard
/// SQL takes a range (MaxCompute, "Window functions", hive.compatible=false).
bool HasRowsFrame(const std::string& name) {
  static constexpr std::string_view kNames[] = {"AVG", "COUNT",  "MAX",         "MIN",
                                                "SUM", "STDDEV", "STDDEV_SAMP", "MEDIAN"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

const ColumnType* FieldType(const ColumnType& type, const std::string& field) {
  for (size_t i = 0; i < type.field_names.size(); ++i) {
    if (type.field_names[i] == field) return &type.children[i];
  }
  return nullptr;
}

/// Functions whose value is one of their first argument's.
bool GivesItsArgument(std::string_view name) {
  static constexpr std::string_view kNames[] = {"MAX",  "MIN",         "LAG",
                                                "LEAD", "FIRST_VALUE", "LAST_VALUE"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

bool IsInteger(TypeId id) {
  return id == TypeId::kTinyint || id == TypeId::kSmallint || id == TypeId::kInt ||
         id == TypeId::kBigint;
}

}  // namespace

const ColumnType* Translator::TypeOf(const Expr& expr) const {
  if (expr.kind == ExprKind::kColumn) return ColumnTypeOf(expr);
  if (expr.kind == ExprKind::kCast) return &expr.type;
  if (expr.kind == ExprKind::kCall && GivesItsArgument(expr.text) && !expr.args.empty()) {
    return TypeOf(expr.args[0]);
  }
  if (expr.kind != ExprKind::kField && expr.kind != ExprKind::kIndex) return nullptr;
  const ColumnType* base = TypeOf(expr.args[0]);
  if (base == nullptr) return nullptr;
  if (expr.kind == ExprKind::kField) return FieldType(*base, expr.text);
  return base->children.empty() ? nullptr : &base->children.back();
}

const ColumnType* Translator::ColumnTypeOf(const Expr& expr) const {
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    size_t at = expr.names.size() > 1 && expr.names[0] == scope->alias ? 1 : 0;
    auto column =
        std::find_if(scope->columns.begin(), scope->columns.end(),
                     [&](const OutputColumn& item) { return item.name == expr.names[at]; });
    if (column == scope->columns.end()) continue;
    const ColumnType* type = column->type ? &*column->type : nullptr;
    for (size_t i = at + 1; i < expr.names.size() && type != nullptr; ++i) {
      type = FieldType(*type, expr.names[i]);
    }
    return type;
  }
  return nullptr;
}

Result<std::vector<std::string>> Translator::Arguments(const std::vector<Expr>& args) {
  std::vector<std::string> texts;
  for (const Expr& argument : args) {
    TRY(std::string text, ToDuckDb(argument));
    texts.push_back(std::move(text));
  }
  return texts;
}

/// STRUCT(a, b) has fields col1, col2; NAMED_STRUCT('x', a, 'y', b) says their names.
Result<std::string> Translator::StructText(const Expr& expr,
                                           const std::vector<std::string>& arguments) {
  bool named = expr.text == "NAMED_STRUCT";
  if (arguments.empty() || (named && arguments.size() % 2 != 0)) {
    return Semantic(expr, LowerName(expr.text) + " needs " +
                              (named ? "pairs of names and values" : "at least one value"));
  }
  std::string text;
  for (size_t i = 0; i < arguments.size(); i += named ? 2 : 1) {
    std::string field = "col" + std::to_string(i + 1);
    if (named) {
      TRY(field, LiteralText(expr, i));
    }
    text += (text.empty() ? "struct_pack(" : ", ") + DuckDbName(LowerName(field)) +
            " := " + arguments[named ? i + 1 : i];
  }
  return text + ")";
}

/// Functions of dates whose unit or format is a literal.
Result<std::string> Translator::TimeCallText(const Expr& expr,
                                             const std::vector<std::string>& arguments) {
  if (expr.text == "TO_CHAR" || expr.text == "DATE_FORMAT" || expr.text == "TO_DATE") {
    TRY(std::string format, LiteralText(expr, 1));
    std::string quoted = DuckDbString(ToTimeFormat(format, expr.text == "DATE_FORMAT"));
    if (expr.text == "TO_DATE") {
      return "CAST(strptime(" + arguments[0] + ", " + quoted + ") AS TIMESTAMP_MS)";
    }
    return "strftime(CAST(" + arguments[0] + " AS TIMESTAMP), " + quoted + ")";
  }
  size_t unit_at = expr.text == "DATEADD" || expr.text == "DATEDIFF" ? 2 : 1;
  std::string unit = "day";  // DATEDIFF without one
  if (unit_at < arguments.size()) {
    TRY(std::string part, LiteralText(expr, unit_at));
    unit = FindDatePart(LowerName(part));
    if (unit.empty()) return Semantic(expr, "unknown date part '" + part + "'");
  }
  if (expr.text == "DATEPART") return "date_part('" + unit + "', " + arguments[0] + ")";
  if (expr.text == "DATEDIFF") {
    return "date_diff('" + unit + "', " + arguments[1] + ", " + arguments[0] + ")";
  }
  const ColumnType* known = TypeOf(expr.args[0]);
  ColumnType type;
  bool time = known != nullptr && (known->id == TypeId::kDate || known->id == TypeId::kTimestamp ||
                                   known->id == TypeId::kTimestampNtz);
  type.id = time ? known->id : TypeId::kDatetime;  // text is read as a DATETIME
  std::string value = "CAST(" + arguments[0] + " AS " + DuckDbType(type) + ")";
  if (expr.text == "DATETRUNC") {
    return "CAST(date_trunc('" + unit + "', " + value + ") AS " + DuckDbType(type) + ")";
  }
  return "CAST(" + value + " + CAST(" + arguments[1] + " AS INTEGER) * INTERVAL 1 " + unit +
         " AS " + DuckDbType(type) + ")";
}

/// The functions that no form can say; `special` stays false for the others.
Result<std::string> Translator::SpecialCallText(const Expr& expr,
                                                const std::vector<std::string>& arguments,
                                                bool* special) {
  *special = true;
  const std::string& name = expr.text;
  size_t count = arguments.size();
  if (name == "CONCAT" && count > 0) {  // NULL if any argument is, unlike DuckDB's concat
    std::string text;
    for (const std::string& argument : arguments) {
      text += (text.empty() ? "(mms_text(" : " || mms_text(") + argument + ")";
    }
    return text + ")";
  }
  if (name == "LEAST" && count > 0) {  // NULL is the smallest value
    return "CASE WHEN " + Join(arguments, " IS NULL OR ") + " IS NULL THEN NULL ELSE least(" +
           Join(arguments, ", ") + ") END";
  }
  if (name == "SIZE" && count == 1) {
    const ColumnType* type = TypeOf(expr.args[0]);
    bool map = (type != nullptr && type->id == TypeId::kMap) || expr.args[0].text == "MAP";
    return (map ? "CAST(cardinality(" + arguments[0] + ") AS BIGINT)"
                : "len(" + arguments[0] + ")");
  }
  if (name == "MAP" && count % 2 == 0) {
    std::vector<std::string> keys;
    std::vector<std::string> values;
    for (size_t i = 0; i < count; i += 2) {
      keys.push_back(arguments[i]);
      values.push_back(arguments[i + 1]);
    }
    return "map([" + Join(keys, ", ") + "], [" + Join(values, ", ") + "])";
  }
  if (name == "STRUCT" || name == "NAMED_STRUCT") return StructText(expr, arguments);
  if (name == "DECODE" && count >= 3) {
    std::string text = "CASE";
    size_t i = 1;
    for (; i + 1 < count; i += 2) {
      text += " WHEN " + arguments[0] + " IS NOT DISTINCT FROM " + arguments[i] + " THEN " +
              arguments[i + 1];
    }
    if (i < count) text += " ELSE " + arguments[i];
    return text + " END";
  }
  bool dates = (name == "DATEADD" && count == 3) || (name == "DATEDIFF" && count >= 2) ||
               (name == "DATEPART" && count == 2) || (name == "DATETRUNC" && count == 2) ||
               ((name == "TO_CHAR" || name == "DATE_FORMAT" || name == "TO_DATE") && count == 2);
  if (dates) return TimeCallText(expr, arguments);
  *special = false;
  return std::string();
}

Result<std::string> Translator::PlainCallText(const Expr& expr) {
  TRY(auto arguments, Arguments(expr.args));
  bool special = false;
  TRY(std::string said, SpecialCallText(expr, arguments, &special));
  if (special) {
    if (expr.distinct || expr.window)
      return Semantic(expr, LowerName(expr.text) + " is no aggregate");
    return said;
  }
  const FunctionForm* form = FindFunction(expr.text, arguments.size());
  if (form == nullptr) {
    return Semantic(expr, "function or view '" + LowerName(expr.text) +
                              "' cannot be resolved (the sandbox knows the functions of its "
                              "documentation)");
  }
  if (arguments.size() < form->arguments_min || arguments.size() > form->arguments_max) {
    return Semantic(expr, "function " + LowerName(expr.text) + " does not take " +
                              std::to_string(arguments.size()) + " arguments");
  }
  bool scalar = form->role == FunctionRole::kScalar;
  if ((scalar && expr.window) || (form->role == FunctionRole::kWindow && !expr.window)) {
    return Semantic(expr, "function " + LowerName(expr.text) +
                              (expr.window ? " takes no OVER" : " needs OVER (...)"));
  }
  if (expr.distinct && (form->role != FunctionRole::kAggregate || form->is_template())) {
    return Semantic(expr, "function " + LowerName(expr.text) + " takes no DISTINCT");
  }
  if (form->is_template()) return FillForm(form->text, arguments);
  return std::string(form->text) + "(" + (expr.distinct ? "DISTINCT " : "") +
         Join(arguments, ", ") + ")";
}

Result<std::string> Translator::OverText(const Expr& expr) {
  const Window& window = *expr.window;
  TRY(auto keys, Arguments(window.partition_by));
  TRY(std::string order, OrderText(window.order_by));
  std::string frame = window.frame;
  if (frame.empty() && !order.empty() && HasRowsFrame(expr.text)) {
    frame = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW";
  }
  std::string text = " OVER (";
  if (!keys.empty()) text += "PARTITION BY " + Join(keys, ", ");
  text += order;
  if (!frame.empty()) text += " " + frame;
  return text + ")";
}

Result<std::string> Translator::CallText(const Expr& expr) {
  TRY(std::string text, PlainCallText(expr));
  if (!expr.window) return text;
  TRY(std::string over, OverText(expr));
  return text + over;
}

Result<std::string> Translator::CastText(const Expr& expr) {
  TRY(std::string value, ToDuckDb(expr.args[0]));
  std::string type = DuckDbType(expr.type);
  const ColumnType* from = TypeOf(expr.args[0]);
  const Expr& inner = expr.args[0];
  bool literal = inner.kind == ExprKind::kNull ||
                 (inner.kind == ExprKind::kNumber && inner.text.find('.') == std::string::npos);
  if (IsInteger(expr.type.id) && !literal) return "CAST(mms_whole(" + value + ") AS " + type + ")";
  if (type != "VARCHAR") return "CAST(" + value + " AS " + type + ")";
  std::string text = from != nullptr && from->id == TypeId::kBinary ? "decode(" + value + ")"
                                                                    : "mms_text(" + value + ")";
  if (expr.type.length == 0) return text;
  return "left(" + text + ", " + std::to_string(expr.type.length) + ")";  // CHAR(n), VARCHAR(n)
}

Result<std::string> Translator::BinaryText(const Expr& expr) {
  if (expr.text == "AND" || expr.text == "OR") {
    TRY(auto operands, Arguments(expr.args));
    return "(" + Join(operands, " " + expr.text + " ") + ")";
  }
  TRY(std::string left, ToDuckDb(expr.args[0]));
  TRY(std::string right, ToDuckDb(expr.args[1]));
  if (expr.text == "RLIKE") return "regexp_matches(" + left + ", " + right + ")";
  if (expr.text == "^") return "xor(" + left + ", " + right + ")";
  if (expr.text == "/") return "(" + left + " / nullif(" + right + ", 0))";  // NULL, not infinity
  static const std::map<std::string_view, std::string_view> kSymbols{
      {"==", "="}, {"<=>", "IS NOT DISTINCT FROM"}, {"DIV", "//"}};
  auto found = kSymbols.find(expr.text);
  std::string symbol(found == kSymbols.end() ? std::string_view(expr.text) : found->second);
  std::string text = "(" + left + " " + symbol + " " + right;
  if (symbol == "LIKE") text += " ESCAPE '\\'";
  return text + ")";
}

Result<std::string> Translator::InText(const Expr& expr) {
  TRY(auto items, Arguments(expr.args));
  std::string text = "(" + items.front() + (expr.negated ? " NOT IN " : " IN ");
  if (expr.query) {
    TRY(std::string query, SubqueryText(*expr.query));
    return text + query + ")";
  }
  items.erase(items.begin());
  return text + "(" + Join(items, ", ") + "))";
}

Result<std::string> Translator::CaseText(const Expr& expr) {
  TRY(auto parts, Arguments(expr.args));
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

/// Arrays count from 0 in MaxCompute and from 1 in DuckDB; a map takes the key as it is.
/// list_extract refuses a map whose type is not known here, instead of taking the key for a place.
Result<std::string> Translator::IndexText(const Expr& expr) {
  TRY(auto items, Arguments(expr.args));
  const ColumnType* type = TypeOf(expr.args[0]);
  bool map = (type != nullptr && type->id == TypeId::kMap) || expr.args[0].text == "MAP" ||
             expr.args[1].kind == ExprKind::kString;
  if (map) return items[0] + "[" + items[1] + "]";
  return "list_extract(" + items[0] + ", (" + items[1] + ") + 1)";
}

/// Expressions made of others.
Result<std::string> Translator::CompoundText(const Expr& expr) {
  if (expr.kind == ExprKind::kExists || expr.kind == ExprKind::kScalar) {
    TRY(std::string query, SubqueryText(*expr.query));
    return (expr.kind == ExprKind::kExists ? "EXISTS " : "") + query;
  }
  TRY(auto items, Arguments(expr.args));
  if (expr.kind == ExprKind::kUnary) return "(" + expr.text + " " + items[0] + ")";
  if (expr.kind == ExprKind::kField) return "(" + items[0] + ")." + DuckDbName(expr.text);
  if (expr.kind == ExprKind::kIsNull) {
    return "(" + items[0] + (expr.negated ? " IS NOT NULL)" : " IS NULL)");
  }
  return "(" + items[0] + (expr.negated ? " NOT" : "") + " BETWEEN " + items[1] + " AND " +
         items[2] + ")";
}

Result<std::string> Translator::ToDuckDb(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kNull: return std::string("NULL");
    case ExprKind::kBoolean:
    case ExprKind::kNumber: return expr.text;
    case ExprKind::kString: return DuckDbString(expr.text);
    case ExprKind::kColumn: return NamesText(expr.names);
    case ExprKind::kStar:
      return expr.names.empty() ? std::string("*") : NamesText(expr.names) + ".*";
    case ExprKind::kCall: return CallText(expr);
    case ExprKind::kCast: return CastText(expr);
    case ExprKind::kBinary: return BinaryText(expr);
    case ExprKind::kIn: return InText(expr);
    case ExprKind::kCase: return CaseText(expr);
    case ExprKind::kIndex: return IndexText(expr);
    case ExprKind::kUnary:
    case ExprKind::kIsNull:
    case ExprKind::kBetween:
    case ExprKind::kField:
    case ExprKind::kExists:
    case ExprKind::kScalar: return CompoundText(expr);
  }
  return Semantic(expr, "unknown expression");
}

}  // namespace mms::sandbox::sql
