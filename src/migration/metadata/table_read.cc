#include "migration/metadata/table_read.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "migration/inspect/partition_selection.h"
#include "migration/metadata/column_ids.h"

namespace mms::migration {
namespace {

using Json = nlohmann::json;

/// Of one file in one state. The sum over a partition's files does not depend on their order, and a
/// path is in it once.
uint64_t FileHash(const delta::File& file) {
  std::string id = file.path;
  if (file.deletion_vector) {
    const delta::DeletionVector& vector = *file.deletion_vector;
    id += '\0' + vector.storage_type + vector.path_or_inline;
    if (vector.offset) id += "@" + std::to_string(*vector.offset);
  }
  if (!file.etag.empty()) id += '\0' + std::to_string(file.size_bytes) + '\0' + file.etag;
  return XXH3_64bits(id.data(), id.size());
}

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

class Comparison {
 public:
  Comparison(const ReadFacts& facts, const std::vector<PartitionEntry>& stored)
      : facts_(facts), first_(facts.before.delta_id.empty()) {
    const bool same_table = facts.before.delta_id == facts.info.id && facts.before.version &&
                            *facts.before.version <= facts.info.version;
    if (facts.changes && same_table) {
      changes_ = &*facts.changes;
      for (const delta::Changes::Partition& partition : changes_->partitions) {
        delta::CommitStamp& last = touched_[facts.sums.TextOf(partition.values)];
        if (last.version <= partition.last.version) last = partition.last;
      }
    }
    for (const PartitionEntry& partition : stored) stored_.emplace(partition.values, &partition);
    column_ids_ = ColumnIdsOf(facts.info.schema_json);
    other_meaning_ = !first_ && ColumnsMeanOther();
  }

  TableRead Run() {
    TableRead read;
    read.table_id = facts_.before.id;
    read.entry.copied_version = facts_.before.copied_version;
    for (const auto& [values, sum] : facts_.sums.sums()) ComparePartition(values, sum, read);
    // What is left has no live file any more.
    for (const auto& [values, partition] : stored_) {
      if (partition->deleted) continue;
      read.vanished.push_back(partition->id);
      data_differs_ = true;
    }
    Describe(read.entry);
    const bool replaced = !first_ && facts_.before.delta_id != facts_.info.id;
    const bool metadata_changed = changes_ != nullptr && changes_->metadata_changed;
    const bool changed = !first_ && (data_differs_ || replaced || metadata_changed);
    // What a job copied before the first reading may be of another state.
    if (changed || (first_ && facts_.before.copied_version)) {
      read.change = TableChange::kUpdated;
    }
    return read;
  }

 private:
  bool ColumnsMeanOther() const {
    const std::string& before = facts_.before.column_ids;
    if (!before.empty()) return MeanOther(before, column_ids_);
    // Read by an earlier release, which kept none: only where nothing happened is it sure.
    const bool touched = changes_ == nullptr || changes_->metadata_changed;
    return touched && facts_.info.column_mapping != "none";
  }

  void ComparePartition(const std::string& values, const PartitionSums::Sum& sum, TableRead& read) {
    PartitionEntry entry;
    entry.values = values;
    if (sum.files_uncounted == 0) entry.rows = sum.rows;
    entry.bytes = sum.bytes;
    entry.files = sum.files;
    entry.fingerprint = sum.fingerprint;
    const auto touched = touched_.find(values);
    entry.data_version = touched == touched_.end() ? facts_.info.version : touched->second.version;
    entry.changed_ms = touched == touched_.end() ? sum.modified_ms : touched->second.time_ms;
    const auto found = stored_.find(values);
    if (found == stored_.end()) {
      read.inserts.push_back(std::move(entry));
      data_differs_ = true;
      return;
    }
    const PartitionEntry& before = *found->second;
    stored_.erase(found);
    const bool same = before.fingerprint == entry.fingerprint;
    const bool told = changes_ != nullptr && !changes_->unattributed;
    entry.updated =
        before.deleted || touched != touched_.end() || other_meaning_ || (!same && !told);
    // The same files; only their count may have become known.
    if (same && !entry.updated && before.rows == entry.rows) return;
    if (!entry.updated) {
      entry.data_version = before.data_version;
      entry.changed_ms = before.changed_ms;
    }
    if (other_meaning_) {
      // What was planned before that commit is no copy of it.
      entry.data_version = facts_.info.version;
      if (touched == touched_.end()) entry.changed_ms = before.changed_ms;
    }
    data_differs_ = data_differs_ || entry.updated;
    entry.id = before.id;
    read.updates.push_back(std::move(entry));
  }

  void Describe(TableEntry& entry) const {
    const delta::TableInfo& info = facts_.info;
    entry.delta_id = info.id;
    entry.version = info.version;
    entry.commit_mark = info.commit_mark;
    entry.partition_columns = Dump(Json(info.partition_columns));
    entry.column_mapping = info.column_mapping;
    entry.column_ids =
        other_meaning_ ? column_ids_ : WithGone(column_ids_, facts_.before.column_ids);
    entry.deletion_vectors = facts_.sums.deletion_vectors();
    PartitionSums::Sum all;
    for (const auto& [values, sum] : facts_.sums.sums()) {
      all.rows += sum.rows;
      all.files_uncounted += sum.files_uncounted;
      all.bytes += sum.bytes;
      all.files += sum.files;
      all.modified_ms = std::max(all.modified_ms, sum.modified_ms);
    }
    entry.bytes = all.bytes;
    entry.files = all.files;
    if (all.files_uncounted == 0) {
      entry.rows = all.rows;
      entry.count_source =
          facts_.sums.counted_by_footer() > 0 ? CountSource::kFooter : CountSource::kLog;
    }
    if (!info.partition_columns.empty()) {
      entry.partitions = static_cast<int64_t>(facts_.sums.sums().size());
    }
    DescribeChange(entry, all.modified_ms);
  }

  void DescribeChange(TableEntry& entry, int64_t modified_ms) const {
    entry.data_version = facts_.before.data_version;
    entry.changed_ms = facts_.before.changed_ms;
    if (changes_ != nullptr && changes_->last) {
      entry.data_version = changes_->last->version;
      entry.changed_ms = changes_->last->time_ms;
    } else if (changes_ == nullptr && (first_ || data_differs_)) {
      entry.data_version = facts_.info.version;
      entry.changed_ms = std::nullopt;
      if (modified_ms > 0) entry.changed_ms = modified_ms;
    }
    const bool other_columns = changes_ != nullptr && changes_->metadata_changed;
    if (other_columns || other_meaning_) entry.data_version = facts_.info.version;
  }

  const ReadFacts& facts_;
  const bool first_;
  const delta::Changes* changes_ = nullptr;  ///< null when the log does not tell
  std::unordered_map<std::string, delta::CommitStamp> touched_;
  std::unordered_map<std::string_view, const PartitionEntry*> stored_;
  std::string column_ids_;
  bool other_meaning_ = false;  ///< of columns, in files that are there
  bool data_differs_ = false;
};

/// Columns of a table that no catalog lists, from its Delta schema.
std::string ColumnsOf(const delta::TableInfo& info) {
  const Json schema = Json::parse(info.schema_json, nullptr, false);
  if (!schema.is_object() || !schema.contains("fields")) return "";
  Json columns = Json::array();
  for (const Json& field : schema["fields"]) {
    const Json type = field.value("type", Json());
    const std::string name = field.value("name", "");
    const auto& partitions = info.partition_columns;
    const Json metadata = field.value("metadata", Json::object());
    columns.push_back(
        {{"name", name},
         {"type", type.is_string() ? type.get<std::string>() : type.dump()},
         {"nullable", field.value("nullable", true)},
         {"comment", metadata.value("comment", "")},
         {"partition", std::find(partitions.begin(), partitions.end(), name) != partitions.end()}});
  }
  return Dump(columns);
}

}  // namespace

std::string PartitionSums::TextOf(const Values& values) const {
  std::vector<std::optional<std::string>> list;
  for (const std::string& column : columns_) {
    const auto found = values.find(column);
    list.push_back(found == values.end() ? std::nullopt : found->second);
  }
  return PartitionText(list);
}

void PartitionSums::Add(const delta::File& file) {
  Sum& sum = sums_[TextOf(file.partition_values)];
  const int64_t removed = file.deletion_vector ? file.deletion_vector->cardinality : 0;
  deletion_vectors_ = deletion_vectors_ || file.deletion_vector.has_value();
  if (file.rows) {
    sum.rows += *file.rows - removed;
  } else {
    ++sum.files_uncounted;
    uncounted_.push_back({file.path, file.size_bytes, removed, &sum});
  }
  sum.bytes += file.size_bytes;
  ++sum.files;
  sum.fingerprint = static_cast<int64_t>(static_cast<uint64_t>(sum.fingerprint) + FileHash(file));
  sum.modified_ms = std::max(sum.modified_ms, file.modified_ms);
}

void PartitionSums::Count(const Uncounted& file, int64_t rows) {
  CHECK(file.sum->files_uncounted > 0);
  --file.sum->files_uncounted;
  file.sum->rows += rows - file.rows_removed;
  ++counted_by_footer_;
}

TableRead CompareWithStored(const ReadFacts& facts, const std::vector<PartitionEntry>& stored) {
  TableRead read = Comparison(facts, stored).Run();
  if (facts.before.listed.columns_json.empty())
    read.entry.listed.columns_json = ColumnsOf(facts.info);
  return read;
}

}  // namespace mms::migration
