// What an evidence bundle says: a line for each table and partition, sums over them, and the
// manifest. Each is one JSON object in one form only (keys in order, no blanks, UTF-8), without
// secrets. Unknown numbers are null. docs/evidence.md describes the members for people; none is
// ever renamed or given another meaning.
//
// Pure. Errors: kCorrupt of the ledger's own documents.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/result.h"
#include "clients/maxcompute/client.h"
#include "migration/ledger/ledger.h"

namespace mms::migration {

/// Sums over the lines of a bundle.
class EvidenceTotals {
 public:
  /// Lines as TableLine and PartitionLine made them. Errors: kCorrupt EVIDENCE_TOTALS when a member
  /// is missing or of another type.
  Status AddTable(const nlohmann::json& line);
  Status AddPartition(const nlohmann::json& line);
  nlohmann::json ToJson() const;

  int64_t tables() const { return tables_; }
  int64_t partitions() const { return partitions_; }
  const std::map<std::string, int64_t>& verdicts() const { return verdicts_; }
  /// Of those that match, by the method that told so; empty = of a release that did not note it.
  const std::map<std::string, int64_t>& matches() const { return matches_; }

 private:
  int64_t tables_ = 0;
  std::map<std::string, int64_t> table_states_;
  int64_t partitions_ = 0;
  std::map<std::string, int64_t> verdicts_;  ///< of partitions
  std::map<std::string, int64_t> matches_;
  int64_t files_ = 0;
  int64_t bytes_ = 0;
  int64_t rows_copied_ = 0;
  // Unknown as soon as one partition's is.
  std::optional<int64_t> rows_source_ = 0;
  std::optional<int64_t> rows_target_ = 0;
};

/// `target` names project and schema in the statements.
Result<nlohmann::json> TableLine(const TableRecord& table, const maxcompute::Options& target);
Result<nlohmann::json> PartitionLine(const TableRecord& table, const UnitRecord& unit);

/// What a bundle is about.
struct EvidenceFacts {
  std::string product_version;
  int64_t made_ms = 0;    ///< Unix time
  std::string workspace;  ///< "" = every table is given by location
  std::string catalog;
  maxcompute::Options target;
  nlohmann::json job;  ///< which one it tells of; null = of all that the ledger knows
};
nlohmann::json ManifestOf(const EvidenceFacts& facts, const std::string& target_identity,
                          const EvidenceTotals& totals);

/// The one text of a line, with its line end; secrets in it are taken out.
std::string CanonicalLine(nlohmann::json document);

}  // namespace mms::migration
