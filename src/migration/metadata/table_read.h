// From a table's live files and the commits since the last reading to what the metadata keeps of
// it: partitions with rows, bytes and files, and which of them hold other data than before. Pure.
//
// When is a partition updated? A commit that changes data touched it, also where its live files
// (paths and deletion vectors) are those kept again: a job may have copied a state between. A
// difference that only OPTIMIZE and the like made (dataChange=false) is none. Where the log no
// longer tells (commits cleaned up, a removed file without its partition, a re-created table,
// another history put back under the same id), any difference counts, and what a job copied in a
// state that no scan saw differs from any: rather copied once too often. A commit after which a
// column reads other data of the files that are there (column_ids.h) updates every partition; a
// column that is new does not, since it is NULL in all rows before, at the target too.
//
// Source of the facts: Delta protocol, "Add File and Remove File" (dataChange, partitionValues),
// "Deletion Vectors" (unique id), "Per-file Statistics" (numRecords).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "clients/delta/table.h"
#include "migration/metadata/metadata.h"

namespace mms::migration {

/// Sums of the live files by partition. Memory grows with partitions, and with files whose rows the
/// log does not tell.
class PartitionSums {
 public:
  struct Sum {
    int64_t rows = 0;  ///< of the files whose rows are known
    int64_t files_uncounted = 0;
    int64_t bytes = 0;
    int64_t files = 0;
    int64_t fingerprint = 0;
    int64_t modified_ms = 0;  ///< newest file
  };
  struct Uncounted {
    std::string path;
    int64_t size_bytes = 0;
    int64_t rows_removed = 0;  ///< by a deletion vector
    Sum* sum = nullptr;
  };

  /// `columns`: physical names of the partition columns, in order.
  explicit PartitionSums(std::vector<std::string> columns) : columns_(std::move(columns)) {}
  PartitionSums(PartitionSums&&) = default;  // a copy's files would count into the original

  void Add(const delta::File& file);
  /// The rows of one of `uncounted()`, from its footer.
  void Count(const Uncounted& file, int64_t rows);

  /// Files without numRecords.
  const std::vector<Uncounted>& uncounted() const { return uncounted_; }
  /// By the text of the values: a JSON list.
  const std::unordered_map<std::string, Sum>& sums() const { return sums_; }
  bool deletion_vectors() const { return deletion_vectors_; }
  int64_t counted_by_footer() const { return counted_by_footer_; }

  using Values = std::map<std::string, std::optional<std::string>>;
  std::string TextOf(const Values& values) const;

 private:
  std::vector<std::string> columns_;
  std::unordered_map<std::string, Sum> sums_;  ///< nodes stay where they are
  std::vector<Uncounted> uncounted_;
  bool deletion_vectors_ = false;
  int64_t counted_by_footer_ = 0;
};

struct ReadFacts {
  const TableEntry& before;
  const delta::TableInfo& info;
  const PartitionSums& sums;
  /// Since before.version, of a history that has before.copied_version too; nullopt = not told.
  const std::optional<delta::Changes>& changes;
};

/// `stored`: the table's partitions as kept.
TableRead CompareWithStored(const ReadFacts& facts, const std::vector<PartitionEntry>& stored);

}  // namespace mms::migration
