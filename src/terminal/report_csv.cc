#include "terminal/report_csv.h"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/secret.h"
#include "migration/checksum/checksum.h"
#include "migration/inspect/snapshot.h"
#include "terminal/table_report.h"

namespace mms::terminal {
namespace {

using migration::TableRecord;
using migration::UnitRecord;
using migration::Verdict;

/// One line; cells in the order of kHeader.
class Line {
 public:
  Line& Add(std::string_view text) {
    if (!first_) line_ += ',';
    first_ = false;
    // Scrubbed before it is quoted: the quotes would end or hide a secret.
    const std::string cell = ScrubSecrets(text);
    if (cell.find_first_of(",\"\r\n") == std::string::npos) {
      line_ += cell;
      return *this;
    }
    line_ += '"';
    for (const char c : cell) line_.append(c == '"' ? 2 : 1, c);
    line_ += '"';
    return *this;
  }
  Line& Add(const std::optional<int64_t>& number) {
    return Add(number ? std::to_string(*number) : std::string());
  }
  std::string Take() && { return std::move(line_) + "\r\n"; }

 private:
  std::string line_;
  bool first_ = true;
};

constexpr std::string_view kHeader =
    "table,target_table,partition,version,state,verdict,rows_source,rows_copied,rows_target,bytes,"
    "files,source_checksum,target_checksum,difference,error,compared_by\r\n";

Result<std::string> ShortChecksum(const std::string& document) {
  if (document.empty()) return std::string();
  TRY(const migration::Checksum checksum,
      migration::ChecksumFromJson(nlohmann::json::parse(document, nullptr, false)));
  return checksum.ToText();
}

std::string ErrorText(const std::string& error_json) {
  const std::optional<Error> error = ErrorOfLedger(error_json);
  return error ? error->ToString() : "";
}

std::optional<int64_t> VersionOf(const TableRecord& table) {
  const bool pinned =
      (!table.plan_json.empty() || table.part) && table.version != migration::kNoVersion;
  return pinned ? std::optional(table.version) : std::nullopt;
}

std::optional<int64_t> VersionOf(const UnitRecord& unit) {
  return unit.version == migration::kNoVersion ? std::nullopt : unit.version;
}

Result<std::string> UnitLine(const TableRecord& table, const UnitRecord& unit) {
  TRY(const std::string source, ShortChecksum(unit.source_checksum));
  TRY(const std::string target, ShortChecksum(unit.target_checksum));
  std::string error = ErrorText(unit.error_json);
  // What stopped the table is why this partition has no verdict.
  if (error.empty() && unit.verdict == Verdict::kPending) error = ErrorText(table.error_json);
  Line line;
  line.Add(table.source_name).Add(table.target_table).Add(unit.partition).Add(VersionOf(unit));
  line.Add(StateName(unit.state)).Add(VerdictName(unit.verdict));
  const bool committed = unit.state >= migration::UnitState::kCommitted;
  line.Add(unit.rows_planned).Add(committed ? unit.rows_copied : std::nullopt);
  line.Add(unit.rows_target);
  line.Add(std::optional(unit.bytes)).Add(std::optional(unit.files));
  line.Add(source).Add(target).Add(unit.difference).Add(error);
  line.Add(MethodName(unit.compared_by));
  return std::move(line).Take();
}

/// Of a table that has no unit.
Result<std::string> TableLine(migration::Ledger& ledger, const TableRecord& table) {
  TRY(const TableReport report, ReadTableReport(ledger, table));
  Line line;
  line.Add(table.source_name).Add(table.target_table).Add("").Add(VersionOf(table));
  line.Add(StateName(table.state)).Add(OutcomeName(report.outcome));
  line.Add(report.rows_source).Add(report.rows_copied).Add(report.rows_target);
  line.Add(report.bytes).Add(report.files);
  line.Add("").Add("").Add("").Add(ErrorText(table.error_json)).Add("");
  return std::move(line).Take();
}

}  // namespace

Status WriteCsv(migration::Ledger& ledger, const std::function<Status(std::string_view)>& write) {
  TRY_VOID(write(kHeader));
  return ledger.ListTables([&](const TableRecord& table) -> Status {
    bool any = false;
    TRY_VOID(ledger.ListUnits(migration::UnitScope(table), std::nullopt,
                              [&](const UnitRecord& unit) -> Status {
                                any = true;
                                TRY(const std::string line, UnitLine(table, unit));
                                return write(line);
                              }));
    if (any) return OkStatus();
    TRY(const std::string line, TableLine(ledger, table));
    return write(line);
  });
}

}  // namespace mms::terminal
