#include "migration/plan/partitions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <unordered_map>
#include <unordered_set>

#include "migration/inspect/partition_selection.h"
#include "migration/inspect/partition_timestamp.h"
#include "migration/plan/names.h"

namespace mms::migration {
namespace {

// Blank and these, letters and digits: what MaxCompute's help lists, and '-', which its own
// examples use.
constexpr std::string_view kValuePunctuation = " :_$#.!@-";
constexpr size_t kShownMax = 5;  // values named in one error

Error Invalid(const PartitionColumn& column, const std::string& value, std::string_view why) {
  return Error(ErrorKind::kUnsupported, "PARTITION_VALUE_INVALID",
               fmt::format("{}=\"{}\" {}", column.source_name, value, why));
}

std::string ShownByte(unsigned char c) {
  if (c < 0x20 || c >= 0x7F) return fmt::format("byte 0x{:02X}", c);
  return fmt::format("'{}'", static_cast<char>(c));
}

std::optional<int64_t> ParseInteger(std::string_view text, int bits) {
  int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  const int64_t most = bits == 64 ? INT64_MAX : (int64_t{1} << (bits - 1)) - 1;
  if (number > most || number < -most - 1) return std::nullopt;
  return number;
}

int IntegerBits(std::string_view delta_type) {
  if (delta_type == "byte") return 8;
  if (delta_type == "short") return 16;
  if (delta_type == "integer") return 32;
  return delta_type == "long" ? 64 : 0;
}

std::string NullText(const Policy& policy) {
  return policy.null_partition.empty() ? std::string(kNullPartition) : policy.null_partition;
}

/// Alphabet and length of a value's text.
Status CheckText(const PartitionColumn& column, const std::string& text, const Policy& policy) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 &&
        (std::isalnum(byte) != 0 || kValuePunctuation.find(c) != std::string_view::npos)) {
      continue;
    }
    return Invalid(
        column, text,
        byte >= 0x80 ? "has letters outside ASCII" : fmt::format("has {}", ShownByte(byte)));
  }
  if (text.starts_with(' ') || text.ends_with(' ')) {
    return Invalid(column, text,
                   "begins or ends with a blank, which clients of MaxCompute cut off");
  }
  if (text == NullText(policy)) return Invalid(column, text, "is the text that stands for NULL");
  if (text.size() > kPartitionValueMaxBytes) {
    return Invalid(
        column, text,
        fmt::format("has {} bytes, MaxCompute takes {}", text.size(), kPartitionValueMaxBytes));
  }
  return OkStatus();
}

/// How the source calls a partition, for errors.
std::string SourceText(const delta::File& file, const std::vector<PartitionColumn>& columns) {
  std::string out;
  for (const PartitionColumn& column : columns) {
    const auto found = file.partition_values.find(column.physical_name);
    const bool null = found == file.partition_values.end() || !found->second;
    out += fmt::format("{}{}={}", out.empty() ? "" : "/", column.source_name,
                       null ? "NULL" : *found->second);
  }
  return out;
}

/// Values refused, each named once.
class Refusals {
 public:
  void Add(const Error& error) {
    if (!seen_.insert(error.message()).second) return;
    if (shown_.size() < kShownMax) shown_.push_back(error.message());
  }
  bool empty() const { return seen_.empty(); }
  Error ToError() const {
    const size_t more = seen_.size() - shown_.size();
    const std::string rest = more == 0 ? "" : fmt::format("; and {} more", more);
    return Error(
        ErrorKind::kUnsupported, "PARTITION_VALUE_INVALID",
        fmt::format("partition value {}{}. MaxCompute takes ASCII letters, digits, blank and "
                    ": _ $ # . ! @ - in at most {} bytes; say what the character becomes "
                    "(policy.partition_value_map, of a data source partition.value.mapping), "
                    "change the value at the source, or leave the table out "
                    "(`exclude`, of a job --but)",
                    fmt::join(shown_, "; "), rest, kPartitionValueMaxBytes));
  }

 private:
  std::unordered_set<std::string> seen_;
  std::vector<std::string> shown_;
};

class Grouper {
 public:
  Grouper(const std::vector<delta::File>& files, const std::vector<PartitionColumn>& columns,
          const PartitionRules& rules)
      : files_(files),
        columns_(columns),
        policy_(rules.policy),
        chosen_(rules.chosen),
        others_(rules.others),
        sources_(rules.sources),
        partitions_max_(static_cast<size_t>(rules.partitions_max)) {
    zoneless_.resize(columns.size());
    mapped_.resize(columns.size());
    long_.resize(columns.size());
  }

  Result<std::vector<PartitionGroup>> Run(std::vector<std::string>* warnings) {
    for (size_t i = 0; i < files_.size(); ++i) TRY_VOID(Add(i));
    if (!refusals_.empty()) return refusals_.ToError();
    if (others_ != nullptr) {
      for (const PartitionGroup& group : groups_) {
        if (group.files.empty()) others_->push_back(group.target);
      }
    }
    std::erase_if(groups_, [](const PartitionGroup& group) { return group.files.empty(); });
    if (groups_.size() > partitions_max_) {
      return Error(
          ErrorKind::kLimitReached, "PARTITIONS_LIMIT",
          fmt::format("the table has {} partitions, MaxCompute takes {}; partition it more "
                      "coarsely at the source, or leave it out (`exclude`, of a job --but)",
                      groups_.size(), partitions_max_));
    }
    std::sort(groups_.begin(), groups_.end(),
              [](const PartitionGroup& a, const PartitionGroup& b) { return a.target < b.target; });
    for (size_t level = 0; level < columns_.size(); ++level) Warn(level, warnings);
    return std::move(groups_);
  }

 private:
  Status Add(size_t index) {
    const delta::File& file = files_[index];
    const bool chosen = chosen_.empty() || chosen_[index];
    std::string source_partition = SourcePartition(file, columns_);
    if (sources_ != nullptr) sources_->insert(source_partition);
    maxcompute::PartitionSpec target;
    std::string key;
    std::string identity;
    uint32_t mapped_levels = 0;
    for (size_t level = 0; level < columns_.size(); ++level) {
      const PartitionColumn& column = columns_[level];
      const std::optional<std::string> source = ValueOf(file, column.physical_name);
      auto value = MapPartitionValue(column, source, policy_);
      if (!value) {
        if (chosen) refusals_.Add(value.error());
        return OkStatus();
      }
      if (chosen) Note(level, *value, source);
      if (value->mapped) {
        mapped_levels |= 1U << level;
        if (chosen && mapped_[level].empty()) {
          mapped_[level] = fmt::format("\"{}\" -> \"{}\"", source.value_or(""), value->text);
        }
      }
      // No value holds these control characters, so joined texts are equal only level by level.
      key += value->text + '\x1f';
      identity += value->identity + '\x1f';
      target.emplace_back(column.target_name, std::move(value->text));
    }
    const auto [place, added] = places_.emplace(std::move(key), Place{groups_.size(), identity});
    if (added) {
      place->second.file = index;
      groups_.push_back({std::move(target), {}, mapped_levels});
    } else if (place->second.identity != identity) {
      return Collision(index, place->second);
    }
    if (!chosen) return OkStatus();
    PartitionGroup& group = groups_[place->second.group];
    group.files.push_back(index);
    std::vector<std::string>& sources = group.sources;
    if (std::find(sources.begin(), sources.end(), source_partition) == sources.end()) {
      sources.push_back(std::move(source_partition));
    }
    return OkStatus();
  }

  struct Place {
    size_t group = 0;
    std::string identity;
    size_t file = 0;  ///< its first
  };

  Error Collision(size_t index, const Place& place) const {
    return Error(
        ErrorKind::kConflict, "PARTITION_COLLISION",
        fmt::format(
            "source partitions {} and {} would become one partition {} at the target; "
            "rewrite one of them at the source, or leave the table out (`exclude`, of a job --but)",
            SourceText(files_[place.file], columns_), SourceText(files_[index], columns_),
            maxcompute::ToSqlText(groups_[place.group].target)));
  }

  void Note(size_t level, const PartitionValue& value, const std::optional<std::string>& source) {
    if (value.zone_unknown && zoneless_[level].empty()) zoneless_[level] = source.value_or("");
    if (value.text.size() > kPartitionValueWarnBytes && long_[level].empty())
      long_[level] = value.text;
  }

  void Warn(size_t level, std::vector<std::string>* warnings) const {
    const std::string& name = columns_[level].source_name;
    if (!mapped_[level].empty()) {
      warnings->push_back(
          fmt::format("partition column {}: values are changed by partition_value_map, such as {}",
                      name, mapped_[level]));
    }
    if (!zoneless_[level].empty()) {
      warnings->push_back(ZonelessText(name, zoneless_[level]) +
                          ZoneTakenText(policy_.partition_zone));
    }
    if (!long_[level].empty()) {
      warnings->push_back(
          fmt::format("partition column {}: values such as \"{}\" are longer than the {} "
                      "bytes that MaxCompute recommends",
                      name, long_[level], kPartitionValueWarnBytes));
    }
  }

  const std::vector<delta::File>& files_;
  const std::vector<PartitionColumn>& columns_;
  const Policy& policy_;
  const std::vector<bool>& chosen_;
  std::vector<maxcompute::PartitionSpec>* const others_;
  std::unordered_set<std::string>* const sources_;
  const size_t partitions_max_;
  std::vector<PartitionGroup> groups_;
  std::unordered_map<std::string, Place> places_;
  std::vector<std::string> zoneless_;  // the first such value of each level
  std::vector<std::string> long_;
  std::vector<std::string> mapped_;  // of each level, as text
  Refusals refusals_;
};

}  // namespace

namespace {

Status TakeTimestamp(const PartitionColumn& column, const std::string& value, const Policy& policy,
                     PartitionValue* out) {
  constexpr std::string_view kNoTimestamp = "is no timestamp of the years 0 to 9999";
  const std::optional<PartitionTimestamp> timestamp = ParsePartitionTimestamp(value);
  if (!timestamp) return Invalid(column, value, kNoTimestamp);
  out->text = out->identity = timestamp->text;
  out->zone_unknown = column.delta_type == "timestamp" && !timestamp->zoned;
  if (!out->zone_unknown) return OkStatus();
  if (policy.partition_zone.empty()) {
    out->identity += " in an unknown zone";
    return OkStatus();
  }
  TRY(const auto in_utc, TextInUtc(timestamp->text, policy.partition_zone));
  if (!in_utc) return Invalid(column, value, kNoTimestamp);
  out->text = out->identity = *in_utc;
  return OkStatus();
}

}  // namespace

Result<PartitionValue> MapPartitionValue(const PartitionColumn& column,
                                         const std::optional<std::string>& value,
                                         const Policy& policy) {
  // An identity cannot begin with a NUL otherwise: no value may hold one.
  if (!value || value->empty()) return PartitionValue{NullText(policy), std::string(1, '\0')};
  PartitionValue out{*value, *value};
  if (const int bits = IntegerBits(column.delta_type); bits > 0) {
    const std::optional<int64_t> number = ParseInteger(*value, bits);
    if (!number) return Invalid(column, *value, "is no integer of its column's type");
    out.text = out.identity = std::to_string(*number);
  } else if (column.delta_type == "timestamp" || column.delta_type == "timestamp_ntz") {
    TRY_VOID(TakeTimestamp(column, *value, policy, &out));
  }
  if (!policy.partition_value_map.empty()) {
    std::string mapped = MapCharacters(out.text, policy.partition_value_map);
    out.mapped = mapped != out.text;
    out.text = std::move(mapped);
  }
  TRY_VOID(CheckText(column, out.text, policy));
  return out;
}

std::string SourcePartition(const delta::File& file, const std::vector<PartitionColumn>& columns) {
  static const Policy kPlain;
  std::vector<std::optional<std::string>> values;
  values.reserve(columns.size());
  for (const PartitionColumn& column : columns) {
    values.push_back(ValueOf(file, column.physical_name));
  }
  return PartitionIdentity(values, columns, kPlain);
}

std::string PartitionIdentity(const std::vector<std::optional<std::string>>& values,
                              const std::vector<PartitionColumn>& columns, const Policy& policy) {
  std::vector<std::optional<std::string>> identities;
  for (size_t level = 0; level < values.size() && level < columns.size(); ++level) {
    std::optional<std::string> value = values[level];
    if (value && value->empty()) value.reset();
    if (value) {
      // A value that cannot be at the target as it is has no other spelling.
      const auto mapped = MapPartitionValue(columns[level], value, policy);
      if (mapped) value = mapped->identity;
    }
    identities.push_back(std::move(value));
  }
  return PartitionText(identities);
}

Result<std::vector<PartitionGroup>> GroupByPartition(const std::vector<delta::File>& files,
                                                     const std::vector<PartitionColumn>& columns,
                                                     const PartitionRules& rules,
                                                     std::vector<std::string>* warnings) {
  if (!columns.empty()) return Grouper(files, columns, rules).Run(warnings);
  PartitionGroup all;
  all.files.resize(files.size());
  for (size_t i = 0; i < files.size(); ++i) all.files[i] = i;
  return std::vector<PartitionGroup>{std::move(all)};
}

bool IsIntegerType(std::string_view delta_type) { return IntegerBits(delta_type) > 0; }

std::optional<std::string> ValueOf(const delta::File& file, const std::string& physical_name) {
  const auto found = file.partition_values.find(physical_name);
  if (found == file.partition_values.end() || !found->second) return std::nullopt;
  return found->second->empty() ? std::nullopt : found->second;
}

bool HasNullPartition(const std::vector<delta::File>& files, const std::string& physical_name) {
  return std::any_of(files.begin(), files.end(),
                     [&](const delta::File& file) { return !ValueOf(file, physical_name); });
}

}  // namespace mms::migration
