#include "migration/verify/compare.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace mms::migration {
namespace {

constexpr size_t kColumnsShown = 10;
constexpr const char* kNoChecksum =
    "their values cannot be compared, since no checksum was taken while they were copied (verify "
    "was none or count then); compare them by count";

constexpr std::string_view kSince = "; no count lifts that: since then ";

std::string Where(const Claim& claim) {
  return claim.partition.empty() ? "table" : "partition " + claim.partition;
}

std::string ColumnName(const Claim& claim, size_t index) {
  return index < claim.columns.size() ? claim.columns[index]
                                      : "column " + std::to_string(index + 1);
}

/// "" when no column differs.
std::string ColumnDifferences(const Claim& claim, const Checksum& source, const Checksum& target) {
  if (source.columns.size() > target.columns.size()) {
    return fmt::format("{} columns were copied, the target gives {}", source.columns.size(),
                       target.columns.size());
  }
  for (size_t i = source.columns.size(); i < target.columns.size(); ++i) {
    if (target.columns[i].nulls == target.rows) continue;
    return fmt::format("column {} was added after the rows were copied and has values",
                       ColumnName(claim, i));
  }
  std::string text;
  size_t differing = 0;
  for (size_t i = 0; i < source.columns.size(); ++i) {
    const ColumnChecksum& ours = source.columns[i];
    const ColumnChecksum& theirs = target.columns[i];
    if (ours == theirs) continue;
    if (++differing > kColumnsShown) continue;
    text += differing > 1 ? ", " : "";
    text += ColumnName(claim, i);
    if (ours.nulls != theirs.nulls) {
      text += fmt::format(" ({} nulls at the source, {} at the target)", ours.nulls, theirs.nulls);
    }
  }
  if (differing == 0) return "";
  if (differing > kColumnsShown) text += fmt::format(" and {} more", differing - kColumnsShown);
  return fmt::format("values differ in column{} {}", differing > 1 ? "s" : "", text);
}

}  // namespace

Ledger::Comparison CompareRows(const Claim& claim, int64_t rows_target) {
  Ledger::Comparison comparison;
  comparison.rows_target = rows_target;
  comparison.by = ComparedBy::kCount;
  comparison.verdict = claim.rows == rows_target ? Verdict::kMatch : Verdict::kMismatch;
  if (comparison.verdict == Verdict::kMismatch) {
    comparison.difference = fmt::format("{}: {} rows at the source, {} at the target", Where(claim),
                                        claim.rows, rows_target);
  }
  return comparison;
}

Ledger::Comparison CompareCounts(const Claim& claim, int64_t rows_source, int64_t rows_target) {
  Ledger::Comparison comparison = CompareRows(claim, rows_target);
  comparison.by = ComparedBy::kCountBoth;
  if (rows_source == rows_target && rows_source == claim.rows) return comparison;
  comparison.verdict = Verdict::kMismatch;
  comparison.difference =
      fmt::format("{}: {} rows by COUNT(*) at the source, {} copied, {} by COUNT(*) at the target",
                  Where(claim), rows_source, claim.rows, rows_target);
  return comparison;
}

Ledger::Comparison CompareChecksums(const Claim& claim, const Checksum& target) {
  if (!claim.checksum && claim.rows > 0) return NotComparable(claim, target.rows, kNoChecksum);
  Ledger::Comparison comparison = CompareRows(claim, target.rows);
  comparison.by = ComparedBy::kChecksum;
  comparison.target_checksum = ToJson(target).dump();
  if (comparison.verdict == Verdict::kMismatch || !claim.checksum) return comparison;
  const Checksum& source = *claim.checksum;
  // Without rows there is nothing to differ, and a part that nobody read has no columns either.
  if (claim.rows == 0) return comparison;
  std::string columns = ColumnDifferences(claim, source, target);
  if (columns.empty() && source.row_sum != target.row_sum) {
    columns = "each column holds the right values, but they are joined into other rows";
  }
  if (columns.empty()) return comparison;
  Ledger::Comparison differs = ValuesDiffer(claim, columns);
  differs.target_checksum = std::move(comparison.target_checksum);
  return differs;
}

Ledger::Comparison ValuesDiffer(const Claim& claim, const std::string& what) {
  Ledger::Comparison comparison;
  comparison.verdict = Verdict::kMismatch;
  comparison.by = ComparedBy::kChecksum;
  comparison.rows_target = claim.rows;
  comparison.difference =
      fmt::format("{}: {} rows on both sides; {}", Where(claim), claim.rows, what);
  return comparison;
}

Ledger::Comparison NotComparable(const Claim& claim, std::optional<int64_t> rows_target,
                                 const std::string& why) {
  Ledger::Comparison comparison;
  if (rows_target) comparison = CompareRows(claim, *rows_target);
  if (comparison.verdict == Verdict::kMismatch) return comparison;
  comparison.verdict = Verdict::kNotComparable;
  comparison.by = ComparedBy::kNothing;
  comparison.difference =
      rows_target ? fmt::format("{}: {} rows on both sides; {}", Where(claim), claim.rows, why)
                  : fmt::format("{}: {} rows were copied; {}", Where(claim), claim.rows, why);
  return comparison;
}

Ledger::Comparison NotAtTarget(const Claim& claim, ComparedBy by) {
  Ledger::Comparison comparison;
  comparison.by = by;
  comparison.verdict = Verdict::kMissing;
  comparison.difference =
      fmt::format("{}: not at the target; {} rows were copied", Where(claim), claim.rows);
  return comparison;
}

Ledger::Comparison AfterEarlier(const UnitRecord& earlier, Ledger::Comparison now) {
  const bool on_values = UsesChecksum(earlier.compared_by) && !UsesChecksum(now.by);
  const bool differed = on_values && earlier.verdict == Verdict::kMismatch;
  const bool matched = on_values && earlier.verdict == Verdict::kMatch;
  const bool stays =
      differed ? now.verdict != Verdict::kMissing : matched && now.verdict == Verdict::kMatch;
  if (!stays) return now;
  Ledger::Comparison both = std::move(now);
  both.target_checksum = earlier.target_checksum;
  both.by = both.by == ComparedBy::kCountBoth ? ComparedBy::kChecksumThenCountBoth
            : both.by == ComparedBy::kCount   ? ComparedBy::kChecksumThenCount
                                              : earlier.compared_by;
  if (!differed) return both;
  both.verdict = Verdict::kMismatch;
  both.difference = earlier.difference.substr(0, earlier.difference.find(kSince));
  if (!both.rows_target) both.rows_target = earlier.rows_target;
  both.difference +=
      fmt::format("{}{} rows at the target; compare by checksum, or copy it again", kSince,
                  both.rows_target ? std::to_string(*both.rows_target) : "unknown");
  return both;
}

}  // namespace mms::migration
