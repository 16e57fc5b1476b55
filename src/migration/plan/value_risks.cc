#include "migration/plan/value_risks.h"

#include <arrow/type.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "migration/plan/type_map.h"

namespace mms::migration {
namespace {

using nlohmann::json;

/// Days as numbers that compare: 2262-04-11 is 22620411.
struct DayRange {
  int64_t first;
  int64_t last;
};
// Nanoseconds since 1970 begin within 1677-09-21 and end within 2262-04-11. A bound that is less
// than two days from there is judged by neither: it may have any zone, and lacks the microseconds.
constexpr DayRange kNanosSurely = {16770923, 22620409};
constexpr DayRange kNanosPerhaps = {16770920, 22620412};
constexpr DayRange kYears = {10101, 99991231};

/// Of "2024-01-31..." with years of any length and sign; nullopt when it is none.
std::optional<int64_t> DayOf(const json& bound) {
  if (!bound.is_string()) return std::nullopt;
  const std::string& text = bound.get_ref<const std::string&>();
  long year = 0;
  int month = 0;
  int day = 0;
  if (std::sscanf(text.c_str(), "%ld-%2d-%2d", &year, &month, &day) != 3) return std::nullopt;
  if (month < 1 || month > 12 || day < 1 || day > 31 || std::abs(year) > 1'000'000) {
    return std::nullopt;
  }
  return year * 10'000 + month * 100 + day;
}

/// The member at the path; null when there is none.
json At(const json& statistics, const char* kind, const std::vector<std::string>& path) {
  auto found = statistics.find(kind);
  if (found == statistics.end()) return nullptr;
  for (const std::string& name : path) {
    if (!found->is_object()) return nullptr;
    const auto next = found->find(name);
    if (next == found->end()) return nullptr;
    found = next;
  }
  return *found;
}

std::string TimestampOutcome(FarTimestamp policy) {
  switch (policy) {
    case FarTimestamp::kRecord:
      return "sent record by record; one outside the years 1 to 9999 fails its partition";
    case FarTimestamp::kFail: return "fails its partition (on_timestamp_range: fail)";
    case FarTimestamp::kNull: return "NULL instead (on_timestamp_range: null)";
  }
  return "";
}

std::string DateOutcome(FarTimestamp policy) {
  const bool null = policy == FarTimestamp::kNull;
  return null ? "NULL instead (on_timestamp_range: null)"
              : "fails its partition (on_timestamp_range: null would make it NULL)";
}

std::string LengthOutcome(LongValue policy) {
  switch (policy) {
    case LongValue::kFail: return "fails its partition (on_long_value: fail)";
    case LongValue::kNull: return "NULL instead (on_long_value: null)";
    case LongValue::kTruncate: return "cut to it (on_long_value: truncate)";
  }
  return "";
}

std::string PhysicalName(const json& field) {
  const json& metadata = field.value("metadata", json::object());
  const std::string name = field.at("name").get<std::string>();
  return metadata.is_object() ? metadata.value("delta.columnMapping.physicalName", name) : name;
}

/// Some type at any depth.
template <class Is>
bool Holds(const arrow::DataType& type, const Is& is) {
  if (is(type.id())) return true;
  return std::any_of(type.fields().begin(), type.fields().end(),
                     [&](const auto& field) { return Holds(*field->type(), is); });
}

}  // namespace

bool HasTimes(const TablePlan& plan) {
  return plan.physical && Holds(*arrow::struct_(plan.physical->fields()), [](arrow::Type::type id) {
           return id == arrow::Type::TIMESTAMP || id == arrow::Type::DATE32;
         });
}

std::vector<ValueRisk> LengthRisks(const TablePlan& plan, int64_t files) {
  std::vector<ValueRisk> risks;
  for (const ColumnPlan& column : plan.columns) {
    if (column.origin != Origin::kFile) continue;
    const bool long_ones =
        Holds(*plan.physical->field(column.index)->type(), [](arrow::Type::type id) {
          return id == arrow::Type::STRING || id == arrow::Type::BINARY;
        });
    if (!long_ones) continue;
    ValueRisk risk;
    risk.column = column.source_name;
    risk.source_type = column.source_type;
    risk.limit = "8 MiB";
    risk.outcome = LengthOutcome(plan.values.on_long_value);
    risk.files = risk.files_unknown = files;
    risks.push_back(std::move(risk));
  }
  return risks;
}

Result<ValueRisks> ValueRisks::Make(std::string_view schema_json, const TablePlan& plan) {
  TRY(const std::vector<DeltaField> fields, ParseDeltaSchema(schema_json));
  ValueRisks risks;
  risks.values_ = plan.values;
  for (const DeltaField& field : fields) {
    const auto copied =
        std::find_if(plan.columns.begin(), plan.columns.end(), [&](const ColumnPlan& column) {
          return column.origin == Origin::kFile && column.source_name == field.name;
        });
    if (copied == plan.columns.end()) continue;
    try {
      risks.AddType({{"name", field.name}, {"type", field.type}, {"metadata", field.metadata}},
                    Column());
    } catch (const json::exception& exception) {
      return Error(ErrorKind::kCorrupt, "DELTA_SCHEMA_INVALID",
                   "column \"" + field.name + "\": " + exception.what() +
                       "; repair the table at the source");
    }
  }
  return risks;
}

/// `column` is that of what holds the field.
void ValueRisks::AddType(const json& field, Column column) {
  const std::string name = field.at("name").get<std::string>();
  column.risk.column += (column.risk.column.empty() ? "" : ".") + name;
  column.path.push_back(PhysicalName(field));
  const json& type = field.at("type");
  if (type.is_string()) return AddLeaf(type.get<std::string>(), std::move(column));
  const std::string kind = type.at("type").get<std::string>();
  if (kind == "struct") {
    for (const json& inner : type.at("fields")) AddType(inner, column);
    return;
  }
  column.in_statistics = false;
  for (const auto& [member, inner] :
       {std::pair("elementType", "element"), std::pair("keyType", "key"),
        std::pair("valueType", "value")}) {
    if (type.contains(member)) AddType({{"name", inner}, {"type", type.at(member)}}, column);
  }
}

void ValueRisks::AddLeaf(const std::string& type, Column column) {
  ValueRisk& risk = column.risk;
  if (type.starts_with("timestamp")) {
    risk.limit = "1677-09-21 to 2262-04-11";
    risk.outcome = TimestampOutcome(values_.on_timestamp_range);
  } else if (type == "date") {
    column.date = true;
    risk.limit = "0001-01-01 to 9999-12-31";
    risk.outcome = DateOutcome(values_.on_timestamp_range);
  } else {
    return;
  }
  for (const char c : type) {
    risk.source_type += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  columns_.push_back(std::move(column));
}

ValueRisks::Place ValueRisks::Judge(const json& statistics, Column& column) {
  if (!statistics.is_object() || !column.in_statistics) return Place::kUnknown;
  const json rows = statistics.value("numRecords", json());
  const json nulls = At(statistics, "nullCount", column.path);
  const bool tight = statistics.value("tightBounds", json(true)) == true;
  if (rows == 0) return Place::kWithin;
  // Where rows may be deleted by a vector, the count may be one of before.
  if (tight && rows.is_number_integer() && nulls == rows) return Place::kWithin;
  const json low_bound = At(statistics, "minValues", column.path);
  const json high_bound = At(statistics, "maxValues", column.path);
  const std::optional<int64_t> low = DayOf(low_bound);
  const std::optional<int64_t> high = DayOf(high_bound);
  if (!low || !high) return Place::kUnknown;
  const DayRange& surely = column.date ? kYears : kNanosSurely;
  const DayRange& perhaps = column.date ? kYears : kNanosPerhaps;
  if (*low >= surely.first && *high <= surely.last) return Place::kWithin;
  const auto take = [](std::string& kept, const json& bound, int64_t day, bool lower) {
    const std::optional<int64_t> before = DayOf(kept);
    if (!before || (lower ? day < *before : day > *before)) kept = bound.get<std::string>();
  };
  const bool below = *low < perhaps.first;
  const bool above = *high > perhaps.last;
  if (below) take(column.risk.lowest, low_bound, *low, true);
  if (above) take(column.risk.highest, high_bound, *high, false);
  return below || above ? Place::kBeyond : Place::kUnknown;
}

void ValueRisks::Add(const delta::File& file) {
  if (columns_.empty()) return;
  const json statistics = json::parse(file.statistics, nullptr, false);
  for (Column& column : columns_) {
    ++column.risk.files;
    switch (Judge(statistics, column)) {
      case Place::kWithin: ++column.risk.files_within; break;
      case Place::kBeyond: ++column.risk.files_beyond; break;
      case Place::kUnknown: ++column.risk.files_unknown; break;
    }
  }
}

std::vector<ValueRisk> ValueRisks::Finish() && {
  std::vector<ValueRisk> risks;
  for (Column& column : columns_) risks.push_back(std::move(column.risk));
  return risks;
}

}  // namespace mms::migration
