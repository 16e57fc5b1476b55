#include <unistd.h>

#include <mutex>
#include <set>

#include "terminal/exit_code.h"
#include "terminal/interrupt.h"
#include "terminal/text.h"
#include "terminal/verbs.h"
#include "terminal/workflow_session.h"

namespace mms::terminal {
namespace {

using migration::Snapshot;
using migration::SourceTable;

/// What a Delta log says of a table, small enough to keep for ten thousand of them.
struct Listed {
  std::string name;
  std::optional<Error> error;
  std::optional<int64_t> version;
  std::optional<int64_t> partitions;  ///< nullopt for a table without partition columns
  std::optional<int64_t> files, bytes, rows;
  std::string notes;
};

Listed ListedOf(const SourceTable& table, const Result<Snapshot>& snapshot) {
  Listed listed;
  listed.name = table.name;
  if (!snapshot) {
    listed.error = snapshot.error();
    return listed;
  }
  int64_t bytes = 0, rows = 0;
  bool rows_known = true, deletion_vectors = false;
  std::set<std::map<std::string, std::optional<std::string>>> partitions;
  for (const delta::File& file : snapshot->files) {
    bytes += file.size_bytes;
    rows_known = rows_known && file.rows.has_value();
    rows += file.rows.value_or(0);
    if (file.deletion_vector) {
      deletion_vectors = true;
      rows -= file.deletion_vector->cardinality;
    }
    if (!snapshot->partition_columns.empty()) partitions.insert(file.partition_values);
  }
  listed.version = snapshot->version;
  listed.files = static_cast<int64_t>(snapshot->files.size());
  listed.bytes = bytes;
  if (rows_known) listed.rows = rows;
  if (!snapshot->partition_columns.empty()) {
    listed.partitions = static_cast<int64_t>(partitions.size());
  }
  if (deletion_vectors) listed.notes = "deletion vectors";
  if (snapshot->column_mapping != "none") {
    listed.notes += (listed.notes.empty() ? "" : ", ") + std::string("column mapping by ") +
                    snapshot->column_mapping;
  }
  return listed;
}

Json Fields(const Listed& listed) {
  return {{"source", listed.name},
          {"version", OrNull(listed.version)},
          {"partitions", OrNull(listed.partitions)},
          {"files", OrNull(listed.files)},
          {"bytes", OrNull(listed.bytes)},
          {"rows", OrNull(listed.rows)},
          {"notes", listed.notes},
          {"error", listed.error ? ErrorFields(*listed.error) : Json(nullptr)}};
}

std::string Render(const std::vector<Listed>& tables, const Screen& screen) {
  using Align = TextTable::Align;
  TextTable text({{"SOURCE"},
                  {"VERSION", Align::kRight},
                  {"PARTITIONS", Align::kRight},
                  {"FILES", Align::kRight},
                  {"ROWS", Align::kRight},
                  {"BYTES", Align::kRight},
                  {"NOTES"}});
  for (const Listed& table : tables) {
    if (table.error) {
      text.AddRow({table.name, "-", "-", "-", "-", "-", table.error->ToString()});
      continue;
    }
    text.AddRow({table.name, Thousands(table.version),
                 table.partitions ? Thousands(table.partitions) : "-", Thousands(table.files),
                 Thousands(table.rows), HumanBytes(table.bytes), table.notes});
  }
  return text.Render(screen.utf8);
}

}  // namespace

ExitCode RunSync(const std::string& file, Output& output) {
  ExitOnInterrupt();
  const Result<Config> config = LoadForPeers(file);
  if (!config) return output.Fail(config.error());
  std::mutex mutex;
  std::vector<Listed> tables;
  migration::RunSummary summary;
  std::vector<ErrorKind> failures;
  const auto visit = [&](const SourceTable& table, const Result<Snapshot>& snapshot) {
    Listed listed = ListedOf(table, snapshot);
    std::lock_guard lock(mutex);
    ++summary.tables;
    if (!listed.error) {
      ++summary.done;
    } else if (table.refusal || listed.error->kind() == ErrorKind::kUnsupported) {
      ++summary.refused;
    } else {
      ++summary.failed;
      failures.push_back(listed.error->kind());
    }
    if (output.json()) {
      output.Object("source_table", Fields(listed));
    } else {
      tables.push_back(std::move(listed));
    }
  };
  const Status synced = migration::Workflow::Sync(config->options, visit);
  if (!synced) return output.Fail(synced.error());
  if (!output.json()) output.Result(Render(tables, ScreenOf(STDOUT_FILENO)));
  output.Log(Counted(summary.tables, "table") + ": " + Thousands(summary.done) + " readable, " +
             Thousands(summary.refused) + " refused, " + Thousands(summary.failed) + " failed");
  return ExitCodeOf(summary, failures);
}

}  // namespace mms::terminal
