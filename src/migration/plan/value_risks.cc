#include "migration/plan/value_risks.h"

#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <limits>
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

constexpr int64_t kNanosPerDay = 86'400'000'000'000;
/// Days since 1970 of the years 1 to 9999.
constexpr DayRange kDays = {-719'162, 2'932'896};
constexpr int64_t kLengthMax = 8LL << 20;

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

/// "2024-01-31", of any year ("-0044-03-15"). The Gregorian calendar repeats itself after 400
/// years, 146,097 days; a year begins with March here, so that the leap day is its last.
std::string DayText(int64_t day) {
  const int64_t since = day + 719'468;  // of 0000-03-01
  const int64_t era = (since >= 0 ? since : since - 146'096) / 146'097;
  const int64_t in_era = since - era * 146'097;
  const int64_t year_of_era = (in_era - in_era / 1'460 + in_era / 36'524 - in_era / 146'096) / 365;
  const int64_t in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t month = (5 * in_year + 2) / 153;
  const int64_t day_of_month = in_year - (153 * month + 2) / 5 + 1;
  const int64_t year = year_of_era + era * 400 + (month >= 10 ? 1 : 0);
  return fmt::format("{}{:04}-{:02}-{:02}", year < 0 ? "-" : (year > 9999 ? "+" : ""),
                     year < 0 ? -year : year, month < 10 ? month + 3 : month - 9, day_of_month);
}

/// "2024-01-31T00:00:00.000000Z".
std::string InstantText(const Instant& instant) {
  const int64_t micros = instant.nanos / 1000;
  return DayText(instant.day) + fmt::format("T{:02}:{:02}:{:02}.{:06}Z", micros / 3'600'000'000,
                                            micros / 60'000'000 % 60, micros / 1'000'000 % 60,
                                            micros % 1'000'000);
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

/// The child of an Arrow type that a step of LeafPath means; null when there is none.
const arrow::DataType* ChildOf(const arrow::DataType* type, int step) {
  if (type == nullptr) return nullptr;
  if (type->id() == arrow::Type::MAP) {
    const auto& map = static_cast<const arrow::MapType&>(*type);
    return (step == 0 ? map.key_type() : map.item_type()).get();
  }
  return step < type->num_fields() ? type->field(step)->type().get() : nullptr;
}

/// As a Delta schema would have it, of a table that has none. What has no limit is "other".
json DeltaTypeOf(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::STRUCT: {
      json fields = json::array();
      for (const auto& field : type.fields()) {
        fields.push_back({{"name", field->name()}, {"type", DeltaTypeOf(*field->type())}});
      }
      return {{"type", "struct"}, {"fields", std::move(fields)}};
    }
    case arrow::Type::LIST:
      return {{"type", "array"}, {"elementType", DeltaTypeOf(*type.field(0)->type())}};
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapType&>(type);
      return {{"type", "map"},
              {"keyType", DeltaTypeOf(*map.key_type())},
              {"valueType", DeltaTypeOf(*map.item_type())}};
    }
    case arrow::Type::TIMESTAMP: {
      const bool zoned = !static_cast<const arrow::TimestampType&>(type).timezone().empty();
      return zoned ? "timestamp" : "timestamp_ntz";
    }
    case arrow::Type::DATE32: return "date";
    default: return "other";
  }
}

void FindLengths(const arrow::DataType& type, LeafPath path, std::vector<LeafPath>* found) {
  if (type.id() == arrow::Type::STRING || type.id() == arrow::Type::BINARY) {
    found->push_back(std::move(path));
    return;
  }
  const int children = type.id() == arrow::Type::MAP ? 2 : type.num_fields();
  for (int i = 0; i < children; ++i) {
    path.push_back(i);
    FindLengths(*ChildOf(&type, i), path, found);
    path.pop_back();
  }
}

/// Some type at any depth.
template <class Is>
bool Holds(const arrow::DataType& type, const Is& is) {
  if (is(type.id())) return true;
  return std::any_of(type.fields().begin(), type.fields().end(),
                     [&](const auto& field) { return Holds(*field->type(), is); });
}

}  // namespace

Instant InstantOf(int64_t value, int64_t per_day) {
  int64_t left = value % per_day;
  const int64_t day = value / per_day - (left < 0 ? 1 : 0);
  if (left < 0) left += per_day;
  return {day, left * (kNanosPerDay / per_day)};
}

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

namespace {

const ColumnPlan* CopiedAs(const TablePlan& plan, const std::string& source_name) {
  const auto copied =
      std::find_if(plan.columns.begin(), plan.columns.end(), [&](const ColumnPlan& column) {
        return column.origin == Origin::kFile && column.source_name == source_name;
      });
  return copied == plan.columns.end() ? nullptr : &*copied;
}

const arrow::DataType* PhysicalType(const TablePlan& plan, int index) {
  const bool there = plan.physical && index < plan.physical->num_fields();
  return there ? plan.physical->field(index)->type().get() : nullptr;
}

}  // namespace

Result<ValueRisks> ValueRisks::Make(std::string_view schema_json, const TablePlan& plan,
                                    bool lengths) {
  TRY(const std::vector<DeltaField> fields, ParseDeltaSchema(schema_json));
  ValueRisks risks;
  risks.values_ = plan.values;
  for (const DeltaField& field : fields) {
    const ColumnPlan* copied = CopiedAs(plan, field.name);
    if (copied == nullptr) continue;
    Column column;
    column.leaf = {copied->index};
    try {
      risks.AddType({{"name", field.name}, {"type", field.type}, {"metadata", field.metadata}},
                    PhysicalType(plan, copied->index), std::move(column));
    } catch (const json::exception& exception) {
      return Error(ErrorKind::kCorrupt, "DELTA_SCHEMA_INVALID",
                   "column \"" + field.name + "\": " + exception.what() +
                       "; repair the table at the source");
    }
  }
  if (lengths) risks.AddLengths(plan);
  return risks;
}

ValueRisks ValueRisks::MakeWithoutLog(const TablePlan& plan) {
  ValueRisks risks;
  risks.values_ = plan.values;
  for (const ColumnPlan& planned : plan.columns) {
    if (planned.origin != Origin::kFile) continue;
    const arrow::DataType* type = PhysicalType(plan, planned.index);
    if (type == nullptr) continue;
    Column column;
    column.leaf = {planned.index};
    risks.AddType({{"name", planned.source_name}, {"type", DeltaTypeOf(*type)}}, type,
                  std::move(column));
  }
  risks.AddLengths(plan);
  return risks;
}

size_t ValueRisks::LeafNumber(LeafPath leaf) {
  leaves_.push_back(std::move(leaf));
  return leaves_.size() - 1;
}

void ValueRisks::AddLengths(const TablePlan& plan) {
  for (ValueRisk& risk : LengthRisks(plan, 0)) {
    const int index = CopiedAs(plan, risk.column)->index;
    Column column;
    column.kind = Kind::kLength;
    column.in_statistics = false;
    std::vector<LeafPath> found;
    FindLengths(*PhysicalType(plan, index), {index}, &found);
    for (LeafPath& leaf : found) column.leaves.push_back(LeafNumber(std::move(leaf)));
    column.risk = std::move(risk);
    columns_.push_back(std::move(column));
  }
}

/// `column` is that of what holds the field; its `leaf` is of the field itself. `physical`: null =
/// not known.
void ValueRisks::AddType(const json& field, const arrow::DataType* physical, Column column) {
  const std::string name = field.at("name").get<std::string>();
  column.risk.column += (column.risk.column.empty() ? "" : ".") + name;
  column.path.push_back(PhysicalName(field));
  const json& type = field.at("type");
  if (type.is_string()) {
    return AddLeaf(type.get<std::string>(), physical != nullptr, std::move(column));
  }
  const auto step = [&](const json& inner, int number) {
    Column below = column;
    below.leaf.push_back(number);
    AddType(inner, ChildOf(physical, number), std::move(below));
  };
  const std::string kind = type.at("type").get<std::string>();
  int number = 0;
  if (kind == "struct") {
    for (const json& inner : type.at("fields")) step(inner, number++);
    return;
  }
  column.in_statistics = false;
  for (const auto& [member, inner] :
       {std::pair("elementType", "element"), std::pair("keyType", "key"),
        std::pair("valueType", "value")}) {
    if (type.contains(member)) step({{"name", inner}, {"type", type.at(member)}}, number++);
  }
}

void ValueRisks::AddLeaf(const std::string& type, bool has_leaf, Column column) {
  ValueRisk& risk = column.risk;
  if (type.starts_with("timestamp")) {
    risk.limit = "1677-09-21 to 2262-04-11";
    risk.outcome = TimestampOutcome(values_.on_timestamp_range);
  } else if (type == "date") {
    column.kind = Kind::kDate;
    risk.limit = "0001-01-01 to 9999-12-31";
    risk.outcome = DateOutcome(values_.on_timestamp_range);
  } else {
    return;
  }
  for (const char c : type) {
    risk.source_type += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  if (has_leaf) column.leaves = {LeafNumber(std::move(column.leaf))};
  columns_.push_back(std::move(column));
}

ValueRisks::Judgement ValueRisks::JudgeText(const json& statistics, const Column& column) {
  if (!statistics.is_object() || !column.in_statistics) return {};
  const json rows = statistics.value("numRecords", json());
  const json nulls = At(statistics, "nullCount", column.path);
  const bool tight = statistics.value("tightBounds", json(true)) == true;
  if (rows == 0) return {Place::kWithin};
  // Where rows may be deleted by a vector, the count may be one of before.
  if (tight && rows.is_number_integer() && nulls == rows) return {Place::kWithin};
  const json low_bound = At(statistics, "minValues", column.path);
  const json high_bound = At(statistics, "maxValues", column.path);
  const std::optional<int64_t> low = DayOf(low_bound);
  const std::optional<int64_t> high = DayOf(high_bound);
  if (!low || !high) return {};
  const bool date = column.kind == Kind::kDate;
  const DayRange& surely = date ? kYears : kNanosSurely;
  const DayRange& perhaps = date ? kYears : kNanosPerhaps;
  if (*low >= surely.first && *high <= surely.last) return {Place::kWithin};
  Judgement judgement;
  if (*low < perhaps.first) judgement.lowest = low_bound.get<std::string>();
  if (*high > perhaps.last) judgement.highest = high_bound.get<std::string>();
  const bool beyond = !judgement.lowest.empty() || !judgement.highest.empty();
  judgement.place = beyond ? Place::kBeyond : Place::kUnknown;
  return judgement;
}

ValueRisks::Judgement ValueRisks::JudgeBounds(const LeafBounds& bounds, Kind kind) {
  if (kind == Kind::kLength) {
    const bool within = bounds.bytes_max && *bounds.bytes_max <= kLengthMax;
    return {within ? Place::kWithin : Place::kUnknown};
  }
  const bool date = kind == Kind::kDate;
  // Footers have instants whole, so the border itself can be judged.
  using Nanos = std::numeric_limits<int64_t>;
  const Instant first = date ? Instant{kDays.first, 0} : InstantOf(Nanos::min(), kNanosPerDay);
  const Instant last =
      date ? Instant{kDays.last, kNanosPerDay - 1} : InstantOf(Nanos::max(), kNanosPerDay);
  const auto text = [&](const Instant& instant) {
    return date ? DayText(instant.day) : InstantText(instant);
  };
  Judgement judgement;
  if (bounds.low && *bounds.low < first) judgement.lowest = text(*bounds.low);
  if (bounds.high && *bounds.high > last) judgement.highest = text(*bounds.high);
  if (!judgement.lowest.empty() || !judgement.highest.empty()) {
    judgement.place = Place::kBeyond;
  } else if (bounds.covers_all) {
    judgement.place = Place::kWithin;
  }
  return judgement;
}

ValueRisks::Judgements ValueRisks::JudgeStatistics(const delta::File& file) const {
  Judgements judgements;
  if (columns_.empty()) return judgements;
  const json statistics = json::parse(file.statistics, nullptr, false);
  for (const Column& column : columns_) judgements.push_back(JudgeText(statistics, column));
  return judgements;
}

bool ValueRisks::NeedsFooter(const Judgements& judgements) const {
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (judgements[i].place == Place::kUnknown && !columns_[i].leaves.empty()) return true;
  }
  return false;
}

void ValueRisks::JudgeFooter(const std::vector<LeafBounds>& bounds, Judgements* judgements) const {
  CHECK(bounds.size() == leaves_.size());
  for (size_t i = 0; i < columns_.size(); ++i) {
    Judgement& judgement = (*judgements)[i];
    const Column& column = columns_[i];
    if (judgement.place != Place::kUnknown || column.leaves.empty()) continue;
    // Of a length there may be several leaves: all must be within.
    Judgement told{Place::kWithin};
    for (const size_t leaf : column.leaves) {
      Judgement one = JudgeBounds(bounds[leaf], column.kind);
      if (one.place != Place::kWithin) told = std::move(one);
    }
    told.by_footer = told.place != Place::kUnknown;
    judgement = std::move(told);
  }
}

void ValueRisks::Count(const Judgements& judgements) {
  const auto take = [](std::string& kept, const std::string& bound, bool lower) {
    if (bound.empty()) return;
    const std::optional<int64_t> before = DayOf(kept);
    const std::optional<int64_t> day = DayOf(bound);
    if (!before || (day && (lower ? *day < *before : *day > *before))) kept = bound;
  };
  for (size_t i = 0; i < columns_.size(); ++i) {
    ValueRisk& risk = columns_[i].risk;
    const Judgement& judgement = judgements[i];
    ++risk.files;
    risk.files_by_footer += judgement.by_footer;
    take(risk.lowest, judgement.lowest, true);
    take(risk.highest, judgement.highest, false);
    switch (judgement.place) {
      case Place::kWithin: ++risk.files_within; break;
      case Place::kBeyond: ++risk.files_beyond; break;
      case Place::kUnknown: ++risk.files_unknown; break;
    }
  }
}

std::vector<ValueRisk> ValueRisks::Finish() && {
  std::vector<ValueRisk> risks;
  for (Column& column : columns_) risks.push_back(std::move(column.risk));
  return risks;
}

}  // namespace mms::migration
