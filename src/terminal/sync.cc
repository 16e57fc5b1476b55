#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "migration/metadata/metadata.h"
#include "migration/workflow/scan.h"
#include "terminal/exit_code.h"
#include "terminal/interrupt.h"
#include "terminal/source_table.h"
#include "terminal/sync_progress.h"
#include "terminal/table_report.h"
#include "terminal/text.h"
#include "terminal/verbs.h"
#include "terminal/workflow_session.h"

namespace mms::terminal {
namespace {

using migration::Metadata;
using migration::ReadState;
using migration::TableChange;
using migration::TableEntry;
using migration::TableFilter;

constexpr size_t kNamesShown = 20;

/// What is printed of a scan, or of a look into the metadata.
class Listing {
 public:
  Listing(Output& output, int64_t scan) : output_(output), scan_(scan) {}

  Status Add(const TableEntry& table) {
    const std::optional<Error> error = ErrorOfLedger(table.error_json);
    if (output_.json()) {
      output_.Object("source_table", SourceTableFields(table, scan_));
    } else {
      AddRow(table, error);
    }
    const TableChange change = ChangeIn(table, scan_);
    if (change != TableChange::kNone) Name(names_[static_cast<size_t>(change)], table);
    if (table.deleted) return OkStatus();
    ++summary_.tables;
    if (table.state == ReadState::kRefused) {
      ++summary_.refused;
    } else if (table.state == ReadState::kFailed && error) {
      ++summary_.failed;
      failures_.push_back(error->kind());
      Name(failed_, table);
    } else {
      ++summary_.done;
    }
    return OkStatus();
  }

  /// Something else than a table could not be read.
  void Fail(const migration::ScanResult::Failed& failed) {
    ++summary_.failed;
    failures_.push_back(failed.error.kind());
    output_.Log(failed.name + ": " + failed.error.ToString());
  }

  void PrintTable() const {
    if (!output_.json()) output_.Result(text_.Render(ScreenOf(STDOUT_FILENO).utf8));
  }
  void LogCounts() const {
    output_.Log(Counted(summary_.tables, "table") + ": " + Thousands(summary_.done) +
                " readable, " + Thousands(summary_.refused) + " refused, " +
                Thousands(summary_.failed) + " failed");
  }
  void LogChanges() const {
    LogNames("new", names_[1]);
    LogNames("updated", names_[2]);
    LogNames("deleted", names_[3]);
    LogNames("failed", failed_);
  }
  Json Changes() const {
    return {{"new", names_[1].count},
            {"updated", names_[2].count},
            {"deleted", names_[3].count},
            {"refused", summary_.refused},
            {"failed", summary_.failed}};
  }
  ExitCode Code() const { return ExitCodeOf(summary_, failures_); }

 private:
  struct Names {
    int64_t count = 0;
    std::vector<std::string> first;
  };

  static void Name(Names& names, const TableEntry& table) {
    ++names.count;
    if (names.first.size() < kNamesShown) names.first.push_back(table.listed.name);
  }

  void LogNames(const std::string& word, const Names& names) const {
    if (names.count == 0) return;
    std::string line = word + ": ";
    for (size_t i = 0; i < names.first.size(); ++i) line += (i > 0 ? ", " : "") + names.first[i];
    const auto shown = static_cast<int64_t>(names.first.size());
    if (names.count > shown) line += " and " + Thousands(names.count - shown) + " more";
    output_.Log(line);
  }

  void AddRow(const TableEntry& table, const std::optional<Error>& error) {
    const std::string change(table.deleted ? "deleted"
                                           : migration::ChangeName(ChangeIn(table, scan_)));
    const std::string notes = error ? error->ToString() : NotesOf(table);
    if (!table.version) {
      text_.AddRow({table.listed.name, "-", "-", "-", "-", "-", change, notes});
      return;
    }
    text_.AddRow({table.listed.name, LogVersion(table) ? Thousands(LogVersion(table)) : "-",
                  table.partitions ? Thousands(table.partitions) : "-", Thousands(table.files),
                  Thousands(table.rows), HumanBytes(table.bytes), change, notes});
  }

  Output& output_;
  const int64_t scan_;
  migration::RunSummary summary_;
  std::vector<ErrorKind> failures_;
  Names names_[4];  ///< by TableChange
  Names failed_;
  TextTable text_{{{"SOURCE"},
                   {"VERSION", TextTable::Align::kRight},
                   {"PARTITIONS", TextTable::Align::kRight},
                   {"FILES", TextTable::Align::kRight},
                   {"ROWS", TextTable::Align::kRight},
                   {"BYTES", TextTable::Align::kRight},
                   {"CHANGE"},
                   {"NOTES"}}};
};

/// The tables that the scan chose, and those that it found gone.
Status ListScanned(Metadata& metadata, Listing& listing, int64_t scan) {
  const auto add = [&](const TableEntry& table) { return listing.Add(table); };
  TableFilter chosen;
  chosen.chosen_scan = scan;
  chosen.deleted = false;
  TRY_VOID(metadata.VisitTables(chosen, add));
  TableFilter gone;
  gone.changed_scan = scan;
  gone.deleted = true;
  return metadata.VisitTables(gone, add);
}

void LogWarnings(const migration::ScanResult& result, Output& output) {
  const auto told = std::min(result.warnings.size(), kNamesShown);
  for (size_t i = 0; i < told; ++i) {
    output.Log("warning: " + result.warnings[i].name + ": " + result.warnings[i].text);
  }
  const int64_t untold = result.warning_count - static_cast<int64_t>(told);
  if (untold > 0) output.Log("warning: " + Thousands(untold) + " more; see the notes");
}

ExitCode PrintScan(Metadata& metadata, const migration::ScanResult& result, Output& output) {
  Listing listing(output, result.scan);
  const Status listed = ListScanned(metadata, listing, result.scan);
  if (!listed) return output.Fail(listed.error());
  for (const auto& failed : result.failed) {
    if (failed.name.starts_with("schema ")) listing.Fail(failed);
  }
  listing.PrintTable();
  if (output.json()) {
    Json fields = {{"scan", result.scan},
                   {"databases", result.totals.databases},
                   {"tables", result.totals.tables},
                   {"partitions", result.totals.partitions},
                   {"read", result.tables_read},
                   {"warnings", result.warning_count},
                   {"note", result.note.empty() ? Json() : Json(result.note)}};
    fields.update(listing.Changes());
    fields["exit_code"] = static_cast<int>(listing.Code());
    output.Object("sync", fields);
  }
  if (!result.note.empty()) output.Log("note: " + result.note);
  LogWarnings(result, output);
  listing.LogChanges();
  listing.LogCounts();
  return listing.Code();
}

ExitCode ListKept(const std::string& file, const std::string& pattern, Output& output) {
  const Result<Config> config = LoadConfig(file, SecretUse::kIgnore);
  if (!config) return output.Fail(config.error());
  const auto metadata = Metadata::OpenToRead(config->options.state_folder);
  if (!metadata) return output.Fail(metadata.error());
  const auto scan = (*metadata)->LastScan();
  if (!scan) return output.Fail(scan.error());
  Listing listing(output, *scan ? (*scan)->id : 0);
  TableFilter filter;
  filter.pattern = pattern;
  const Status listed =
      (*metadata)->VisitTables(filter, [&](const TableEntry& table) { return listing.Add(table); });
  if (!listed) return output.Fail(listed.error());
  listing.PrintTable();
  listing.LogCounts();
  return ExitCode::kDone;
}

}  // namespace

ExitCode RunSync(const std::string& file, const SyncFlags& flags, Output& output) {
  if (flags.list) return ListKept(file, flags.pattern, output);
  const Result<Config> config = LoadForPeers(file);
  if (!config) return output.Fail(config.error());
  const migration::RunOptions& options = config->options;
  auto http = std::make_shared<HttpClient>(options.source.http);
  const auto metadata = Metadata::Open(options.state_folder);
  if (!metadata) return output.Fail(metadata.error());
  migration::Scan scan(**metadata, {options.source,
                                    http,
                                    options.tables,
                                    {flags.schemas, flags.tables},
                                    options.source.metastore_concurrency});
  Result<migration::ScanResult> result = [&] {
    SyncProgress progress(scan, output);
    const Interrupt interrupt([&] {
      progress.Note("stopping after the tables in hand; press Ctrl-C again to stop at once");
      scan.Cancel();
      http->Cancel();
    });
    return scan.Run();
  }();
  if (result) return PrintScan(**metadata, *result, output);
  if (result.error().kind() != ErrorKind::kCancelled) return output.Fail(result.error());
  return output.Fail(Error(ErrorKind::kCancelled, "INTERRUPTED",
                           "stopped by a signal; the tables read so far are kept, go on with: mms "
                           "sync -f " +
                               file));
}

}  // namespace mms::terminal
