#include "migration/transfer/value_changes.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace mms::migration {

using nlohmann::json;

void ValueChanges::Add(const std::string& column, const ChangeCounts& counts) {
  if (std::all_of(counts.begin(), counts.end(), [](int64_t count) { return count == 0; })) return;
  ChangeCounts& sums = columns[column];
  for (size_t i = 0; i < counts.size(); ++i) sums[i] += counts[i];
}

void ValueChanges::Merge(const ValueChanges& other) {
  record_blocks += other.record_blocks;
  for (const auto& [column, counts] : other.columns) Add(column, counts);
}

std::string ToText(const ValueChanges& changes) {
  if (changes.empty()) return "";
  json columns = json::object();
  for (const auto& [column, counts] : changes.columns) {
    for (size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] == 0) continue;
      columns[column][std::string(ChangeName(static_cast<Change>(i)))] = counts[i];
    }
  }
  return json{{"record_blocks", changes.record_blocks}, {"columns", std::move(columns)}}.dump();
}

Result<ValueChanges> ValueChangesFromText(const std::string& text) {
  ValueChanges changes;
  if (text.empty()) return changes;
  const Error invalid(ErrorKind::kCorrupt, "CHANGES_INVALID",
                      "the counts of changed values in the ledger cannot be read: " + text);
  try {
    const json document = json::parse(text);
    document.at("record_blocks").get_to(changes.record_blocks);
    for (const auto& [column, kinds] : document.at("columns").items()) {
      ChangeCounts counts = {};
      for (const auto& [name, count] : kinds.items()) {
        const auto change = ParseChange(name);
        if (!change) return invalid;
        counts[static_cast<size_t>(*change)] = count.get<int64_t>();
      }
      changes.Add(column, counts);
    }
  } catch (const json::exception&) {
    return invalid;
  }
  return changes;
}

}  // namespace mms::migration
