#include "migration/workflow/scan.h"

#include <arrow/adapters/orc/adapter.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <nlohmann/json.hpp>
#include <utility>

#include "clients/databricks/call_limit.h"
#include "migration/inspect/file_table.h"
#include "migration/inspect/partition_timestamp.h"
#include "migration/inspect/refusal.h"
#include "migration/metadata/zoneless_values.h"
#include "migration/transfer/job.h"
#include "migration/workflow/engine.h"
#include "migration/workflow/task_pool.h"

namespace mms::migration {
namespace {

constexpr size_t kSaveAtOnce = 200;
constexpr int64_t kReadPage = 256;
constexpr int64_t kSaveProgressMs = 500;
/// Files whose rows the log does not tell: beyond this the table's count stays unknown.
constexpr size_t kFootersMax = 2000;
constexpr int kFootersAtOnce = 8;
constexpr int kSchemasListed = 100;
constexpr int kTablesListed = 500;
constexpr int kLogsRead = 9900;

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

bool IsPattern(const std::string& text) {
  return text.find_first_of("*?") != std::string::npos || text.find('.') == std::string::npos;
}

std::string ColumnsOf(const databricks::Table& table) {
  if (table.columns.empty()) return "";
  nlohmann::json columns = nlohmann::json::array();
  for (const databricks::Column& column : table.columns) {
    columns.push_back({{"name", column.name},
                       {"type", column.type},
                       {"nullable", column.nullable},
                       {"comment", column.comment},
                       {"partition", column.partition_index.has_value()}});
  }
  return columns.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// Whether the log has this commit still; of "" nothing tells.
Result<bool> HasCommit(const delta::Table::Place& place, int64_t version, const std::string& mark) {
  if (mark.empty()) return false;
  TRY(const delta::LogEnd end, delta::FindLogEnd(place, version));
  return end.mark == mark;
}

ListedTable MakeListed(const SourceTable& source) {
  ListedTable listed;
  listed.name = source.name;
  listed.database = source.schema;
  listed.table = source.table;
  listed.comment = source.comment;
  if (source.refusal) {
    listed.error_json = ErrorText(*source.refusal);
  } else {
    listed.location = azure::ToText(source.location);
  }
  return listed;
}

ListedTable MakeListed(const databricks::Table& table) {
  ListedTable listed = MakeListed(MakeSourceTable(table));
  listed.kind = table.table_type;
  listed.format = table.data_source_format;
  listed.owner = table.owner;
  listed.columns_json = ColumnsOf(table);
  listed.catalog_id = table.id;
  listed.catalog_updated_ms = table.updated_at_ms;
  return listed;
}

/// nullopt when the footer cannot be read: that fails the copy, not the list.
std::optional<int64_t> RowsOfFooter(azure::Storage& storage, const azure::Location& root,
                                    const std::string& format,
                                    const PartitionSums::Uncounted& file) {
  const Result<azure::Location> location = azure::ResolveFile(root, file.path);
  if (!location) return std::nullopt;
  const auto input = storage.OpenFile(*location, file.size_bytes);
  if (!input) return std::nullopt;
  if (format == "orc") {
    const auto reader =
        arrow::adapters::orc::ORCFileReader::Open(*input, arrow::default_memory_pool());
    return reader.ok() ? std::optional((*reader)->NumberOfRows()) : std::nullopt;
  }
  try {
    return parquet::ReadMetaData(*input)->num_rows();
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

bool IsGoneCode(const Error& error) {
  return error.code() == "DATABRICKS_TABLE_NOT_FOUND" ||
         error.code() == "DATABRICKS_SCHEMA_NOT_FOUND";
}

}  // namespace

std::string ScanScope::Text() const {
  if (IsWhole()) return "whole source";
  std::vector<std::string> parts;
  if (!schemas.empty()) parts.push_back(fmt::format("schemas {}", fmt::join(schemas, ", ")));
  if (!tables.empty()) parts.push_back(fmt::format("tables {}", fmt::join(tables, ", ")));
  return fmt::format("{}", fmt::join(parts, "; "));
}

Scan::Scan(Metadata& metadata, ScanOptions options)
    : metadata_(metadata),
      options_(std::move(options)),
      calls_(std::make_shared<databricks::CallLimit>(
          databricks::CallLimit::Options{.in_flight_max = options_.source.metastore_concurrency})),
      storage_(
          {options_.source.storage, options_.source.workspace, options_.source.sign_in, calls_},
          options_.http),
      selection_(options_.choices, options_.source.filter) {}

ScanProgress Scan::Progress() const {
  const std::lock_guard lock(mutex_);
  return progress_;
}

Result<ScanResult> Scan::Run() {
  TRY(result_.scan, metadata_.BeginScan(options_.scope.Text(), NowMs()));
  Status status = RunSteps();
  if (status && cancelled_) status = Cancelled();
  Metadata::ScanEnd end;
  end.now_ms = NowMs();
  if (!status) {
    const bool cancelled = status.error().kind() == ErrorKind::kCancelled;
    end.state = cancelled ? ScanState::kCancelled : ScanState::kFailed;
    end.result_json = ErrorText(status.error());
    // The metadata may be what failed: the first error tells more than the second.
    if (!metadata_.EndScan(result_.scan, end)) return std::move(status).error();
    return std::move(status).error();
  }
  TRY(result_.totals, metadata_.CountAll());
  result_.tables_read = Progress().tables_read;
  TRY_VOID(FindWarnings());
  end.result_json = ResultJson();
  TRY_VOID(metadata_.EndScan(result_.scan, end));
  const std::lock_guard lock(mutex_);
  progress_.hundredths = 10'000;
  return result_;
}

Status Scan::RunSteps() {
  TRY_VOID(ListLocations());
  const bool needs_catalog =
      std::any_of(options_.choices.begin(), options_.choices.end(),
                  [](const TableChoice& choice) { return choice.location.empty(); });
  if (needs_catalog) TRY_VOID(ListCatalog());
  TRY(const int64_t total, metadata_.CountToRead(result_.scan));
  {
    const std::lock_guard lock(mutex_);
    progress_.tables_total = total;
  }
  SetProgress(kTablesListed);
  return ReadLogs();
}

// Listing. ------------------------------------------------------------------------------------

bool Scan::Wants(const std::string& schema, const std::string& table) const {
  const ScanScope& scope = options_.scope;
  if (scope.IsWhole()) return true;
  const auto in_schema = [&](const std::string& name) { return name == schema; };
  if (std::any_of(scope.schemas.begin(), scope.schemas.end(), in_schema)) return true;
  return std::any_of(scope.tables.begin(), scope.tables.end(), [&](const std::string& pattern) {
    return MatchesPattern(pattern, schema, table);
  });
}

Status Scan::ListLocations() {
  std::vector<ListedTable> listed;
  for (const TableChoice& choice : options_.choices) {
    if (choice.location.empty()) continue;
    const SourceTable table = MakeSourceTable(choice.location, choice.as);
    if (Wants("", table.table)) listed.push_back(MakeListed(table));
  }
  return metadata_.SaveListed(result_.scan, listed);
}

Status Scan::OpenCatalog() {
  const SourceOptions& source = options_.source;
  if (source.workspace.empty() || source.catalog.empty()) {
    return Error(ErrorKind::kInvalidInput, "SOURCE_CATALOG_MISSING",
                 "tables[].include chooses from a catalog: set source.workspace, source.catalog "
                 "and source.token, or choose tables by tables[].location");
  }
  catalog_ = std::make_unique<databricks::UnityCatalog>(
      source.workspace, databricks::TokensOf(source.sign_in, source.workspace, options_.http),
      options_.http, calls_);
  return OkStatus();
}

Status Scan::ListCatalog() {
  TRY_VOID(OpenCatalog());
  const ScanScope& scope = options_.scope;
  const bool named = !scope.tables.empty() && scope.schemas.empty() &&
                     std::none_of(scope.tables.begin(), scope.tables.end(), IsPattern);
  if (named) return ListNamed();
  std::vector<std::string> schemas;
  TRY_VOID(ListSchemas(&schemas));
  SetProgress(kSchemasListed);
  std::mutex mutex;
  std::optional<Error> failure;
  size_t done = 0;
  ForEach(options_.concurrency, schemas.size(), [&](size_t i) {
    Status status = cancelled_ ? Status(Cancelled()) : ListSchema(schemas[i]);
    const std::lock_guard lock(mutex);
    ++done;
    const auto share = static_cast<int>(done * (kTablesListed - kSchemasListed) / schemas.size());
    SetProgress(kSchemasListed + share);
    if (status) return;
    if (!EndsScan(status.error())) {
      Note("schema " + schemas[i], status.error());
    } else if (!failure) {
      failure = std::move(status).error();
    }
  });
  if (failure) return std::move(*failure);
  if (!scope.IsWhole()) return OkStatus();
  Status found = selection_.CheckAllFound(options_.source.catalog);
  if (found || !WantsEverything()) return found;
  // A catalog may be empty, or its rights still to come: that is what there is to know of it.
  result_.note = found.error().message();
  return OkStatus();
}

bool Scan::WantsEverything() const {
  return std::all_of(options_.choices.begin(), options_.choices.end(),
                     [](const TableChoice& choice) {
                       const bool all = choice.include == "*" || choice.include == "*.*";
                       return !choice.location.empty() || (all && choice.exclude.empty());
                     });
}

Status Scan::ListNamed() {
  for (const std::string& name : options_.scope.tables) {
    if (cancelled_) return Cancelled();
    const std::string full_name = options_.source.catalog + "." + name;
    const Result<databricks::Table> table = catalog_->FetchTable(full_name);
    if (!table) {
      if (!IsGoneCode(table.error())) return table.error();
      TRY(const std::optional<TableEntry> known, metadata_.FindTable(full_name));
      if (!known) return table.error();
      TRY_VOID(metadata_.MarkDeleted(result_.scan, full_name));
      continue;
    }
    if (selection_.ChoiceOf(table->schema, table->name) == nullptr) {
      return Error(ErrorKind::kNotFound, "TABLES_NOT_FOUND",
                   fmt::format("{} is not among what `tables:` of the migration file chooses; "
                               "include it there, or leave it out here",
                               full_name));
    }
    TRY_VOID(metadata_.SaveDatabase(result_.scan, table->schema, ""));
    TRY_VOID(metadata_.SaveListed(result_.scan, {MakeListed(*table)}));
  }
  return OkStatus();
}

Status Scan::ListSchemas(std::vector<std::string>* wanted) {
  const ScanScope& scope = options_.scope;
  if (!scope.schemas.empty() && scope.tables.empty()) {
    *wanted = scope.schemas;
    return OkStatus();
  }
  const auto in_scope = [&](const std::string& schema) {
    return scope.IsWhole() ||
           std::any_of(scope.tables.begin(), scope.tables.end(),
                       [&](const std::string& pattern) { return MatchesSchema(pattern, schema); });
  };
  TRY_VOID(catalog_->ListSchemas(options_.source.catalog, [&](databricks::Schema schema) -> Status {
    if (cancelled_) return Cancelled();
    if (!selection_.WantsSchema(schema.name)) {
      return metadata_.TouchDatabase(result_.scan, schema.name);
    }
    TRY_VOID(metadata_.SaveDatabase(result_.scan, schema.name, schema.comment));
    const bool known = std::find(wanted->begin(), wanted->end(), schema.name) != wanted->end();
    if (!known && in_scope(schema.name)) wanted->push_back(std::move(schema.name));
    return OkStatus();
  }));
  return metadata_.MarkVanishedDatabases(result_.scan);
}

Status Scan::ListSchema(const std::string& schema) {
  std::vector<ListedTable> chosen;
  std::vector<std::string> others;
  const auto save = [&]() -> Status {
    TRY_VOID(metadata_.SaveListed(result_.scan, chosen));
    TRY_VOID(metadata_.Touch(result_.scan, others));
    chosen.clear();
    others.clear();
    return OkStatus();
  };
  Status listed =
      catalog_->ListTables(options_.source.catalog, schema, [&](databricks::Table table) -> Status {
        if (cancelled_) return Cancelled();
        bool wanted = Wants(schema, table.name);
        {
          const std::lock_guard lock(selection_mutex_);
          wanted = wanted && selection_.ChoiceOf(schema, table.name) != nullptr;
        }
        if (wanted) {
          chosen.push_back(MakeListed(table));
        } else {
          others.push_back(table.FullName());
        }
        return chosen.size() + others.size() < kSaveAtOnce ? OkStatus() : save();
      });
  TRY_VOID(save());
  if (!listed && IsGoneCode(listed.error())) {
    // Dropped after the schemas were listed, or since an earlier scan; else never there.
    TableFilter known;
    known.database = schema;
    TRY(const int64_t tables, metadata_.CountTables(known));
    if (tables == 0 && !options_.scope.schemas.empty()) return listed;
    return metadata_.MarkDatabaseDeleted(result_.scan, schema);
  }
  TRY_VOID(std::move(listed));
  if (!options_.scope.schemas.empty()) {
    TRY_VOID(metadata_.SaveDatabase(result_.scan, schema, ""));
  }
  return metadata_.MarkVanishedTables(result_.scan, schema);
}

bool Scan::EndsScan(const Error& error) const {
  // A right may be missing for one schema; a wrong token, a dead network, a full disk is for all.
  return error.code() != "DATABRICKS_DENIED";
}

// Logs. ---------------------------------------------------------------------------------------

Status Scan::ReadLogs() {
  int64_t after = 0;
  for (;;) {
    TRY(const std::vector<TableEntry> page, metadata_.ToRead(result_.scan, after, kReadPage));
    if (page.empty()) return OkStatus();
    after = page.back().id;
    std::mutex mutex;
    std::optional<Error> failure;
    ForEach(options_.concurrency, page.size(), [&](size_t i) {
      Status status = cancelled_ ? Status(Cancelled()) : ReadOne(page[i]);
      if (status) return;
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::move(status).error();
    });
    if (failure) return std::move(*failure);
  }
}

Status Scan::ReadOne(const TableEntry& entry) {
  const bool has_log = !FileFormat(entry.listed.format);
  Result<std::optional<TableRead>> read = has_log ? ReadLog(entry) : ReadFolder(entry);
  bool failed = false;
  if (read) {
    TRY_VOID(*read ? metadata_.SaveRead(result_.scan, **read) : metadata_.SaveUnchanged(entry));
  } else {
    if (cancelled_) return Cancelled();
    if (IsGone(entry, read.error())) {
      TRY_VOID(metadata_.MarkDeleted(result_.scan, entry.listed.name));
    } else {
      failed = true;
      const Error error = std::move(read).error().At("table " + entry.listed.name);
      const bool refused = error.kind() == ErrorKind::kUnsupported;
      TRY_VOID(metadata_.SaveFailure(entry, refused ? ReadState::kRefused : ReadState::kFailed,
                                     ErrorText(error)));
      Note(entry.listed.name, error);
    }
  }
  int hundredths = 0;
  {
    const std::lock_guard lock(mutex_);
    ++progress_.tables_done;
    if (read && *read) ++progress_.tables_read;
    if (failed) ++progress_.tables_failed;
    hundredths =
        kTablesListed + static_cast<int>(progress_.tables_done * (kLogsRead - kTablesListed) /
                                         std::max<int64_t>(1, progress_.tables_total));
  }
  SetProgress(hundredths);
  return OkStatus();
}

bool Scan::IsGone(const TableEntry& entry, const Error& error) {
  if (error.kind() != ErrorKind::kNotFound || entry.listed.database.empty()) return false;
  const Result<databricks::Table> table = catalog_->FetchTable(entry.listed.name);
  // Whatever else the catalog answers, the table's own error is the one to tell.
  return !table && IsGoneCode(table.error());
}

Result<std::optional<TableRead>> Scan::ReadLog(const TableEntry& entry) {
  TRY(const azure::Location location, azure::ParseLocation(entry.listed.location));
  const ListedTable& listed = entry.listed;
  TRY(const auto storage, storage_.Open(location, listed.name, listed.catalog_id));
  TRY(const delta::Table::Place place, LogPlace(storage, location));
  bool same_history = true;
  if (entry.version && !entry.commit_mark.empty()) {
    TRY(const delta::LogEnd end, delta::FindLogEnd(place, *entry.version));
    const bool same_commit = end.mark == entry.commit_mark;
    if (end.newest == entry.version && same_commit && !entry.copied_version) {
      return std::optional<TableRead>();
    }
    // Of a commit that was cleaned up nothing tells; what followed it may still do.
    same_history = same_commit || end.mark.empty();
  }
  if (same_history && entry.copied_version) {
    TRY(same_history, HasCommit(place, *entry.copied_version, entry.copied_mark));
  }
  TRY(const auto table, OpenLog(storage, location, std::nullopt));
  const delta::TableInfo& info = table->info();
  std::vector<std::string> columns;
  for (const std::string& column : info.partition_columns) {
    TRY(std::string physical, table->PhysicalName(column));
    columns.push_back(std::move(physical));
  }
  PartitionSums sums(columns);
  ZonelessValues zoneless(info, columns);
  TRY_VOID(table->ListFiles(false, [&](const delta::File& file) -> Status {
    sums.Add(file);
    zoneless.Look(file);
    return OkStatus();
  }));
  CountByFooters(*storage, location, kDeltaFormat, &sums);
  if (cancelled_) return Cancelled();  // footers that were given up are not unknown for good
  std::optional<delta::Changes> changes;
  if (same_history && entry.version && entry.delta_id == info.id &&
      *entry.version <= info.version) {
    Result<delta::Changes> told = table->ListChanges(*entry.version);
    if (told) {
      changes = *std::move(told);
    } else if (told.error().kind() != ErrorKind::kNotFound) {
      return std::move(told).error();
    }  // Commits that were cleaned up: the fingerprints decide.
  }
  TRY(const std::vector<PartitionEntry> stored, metadata_.AllPartitions(entry.id));
  TableRead read = CompareWithStored({entry, info, sums, changes}, stored);
  read.entry.warning = zoneless.warning();
  return std::optional(std::move(read));
}

Result<std::optional<TableRead>> Scan::ReadFolder(const TableEntry& entry) {
  TRY(const databricks::Table table, catalog_->FetchTable(entry.listed.name));
  const SourceTable source = MakeSourceTable(table);
  if (source.refusal) return *source.refusal;
  TRY(const auto storage, storage_.Open(source.location, source.name, source.catalog_id));
  TRY(const Snapshot snapshot, ReadFileTable(source, table, *storage));
  if (entry.commit_mark == snapshot.table_id && !entry.copied_version) {
    return std::optional<TableRead>();
  }
  delta::TableInfo info;
  info.version = kNoVersion;
  info.commit_mark = snapshot.table_id;
  info.id = entry.listed.catalog_id;
  info.partition_columns = snapshot.partition_columns;
  info.schema_json = snapshot.schema_json;
  info.column_mapping = snapshot.column_mapping;
  PartitionSums sums(info.partition_columns);
  ZonelessValues zoneless(info, info.partition_columns);
  for (const delta::File& file : snapshot.files) {
    sums.Add(file);
    zoneless.Look(file);
  }
  if (source.format == "parquet" || source.format == "orc") {
    CountByFooters(*storage, source.location, source.format, &sums);
  }
  if (cancelled_) return Cancelled();
  TRY(const std::vector<PartitionEntry> stored, metadata_.AllPartitions(entry.id));
  TableRead read = CompareWithStored({entry, info, sums, std::nullopt}, stored);
  read.entry.warning = zoneless.warning();
  return std::optional(std::move(read));
}

void Scan::CountByFooters(azure::Storage& storage, const azure::Location& root,
                          const std::string& format, PartitionSums* sums) {
  const std::vector<PartitionSums::Uncounted>& files = sums->uncounted();
  if (files.size() > kFootersMax) return;  // the count stays unknown
  std::vector<std::optional<int64_t>> rows(files.size());
  ForEach(kFootersAtOnce, files.size(),
          [&](size_t i) { rows[i] = RowsOfFooter(storage, root, format, files[i]); });
  for (size_t i = 0; i < files.size(); ++i) {
    if (rows[i]) sums->Count(files[i], *rows[i]);
  }
}

// Telling. ------------------------------------------------------------------------------------

Status Scan::FindWarnings() {
  TableFilter warned;
  warned.chosen_scan = result_.scan;
  warned.deleted = false;
  warned.warned = true;
  return metadata_.VisitTables(warned, [&](const TableEntry& table) -> Status {
    ++result_.warning_count;
    if (result_.warnings.size() < kFailedMax) {
      result_.warnings.push_back(
          {table.listed.name, table.warning + ZoneTakenText(options_.source.partition_zone)});
    }
    return OkStatus();
  });
}

void Scan::Note(const std::string& name, const Error& error) {
  const std::lock_guard lock(mutex_);
  ++result_.failed_count;
  if (result_.failed.size() < kFailedMax) result_.failed.push_back({name, error});
}

void Scan::SetProgress(int hundredths) {
  {
    const std::lock_guard lock(mutex_);
    progress_.hundredths = std::max(progress_.hundredths, hundredths);
    const int64_t now = NowMs();
    if (now - progress_saved_ms_ < kSaveProgressMs) return;
    progress_saved_ms_ = now;
    hundredths = progress_.hundredths;
  }
  // For those who look into the file meanwhile; nothing depends on it, and what keeps it from being
  // written fails the next write that counts.
  (void)metadata_.SetProgress(result_.scan, hundredths);
}

std::string Scan::ResultJson() const {
  nlohmann::json failed = nlohmann::json::array();
  for (const ScanResult::Failed& one : result_.failed) {
    failed.push_back({{"name", one.name}, {"error", ToJson(one.error)}});
  }
  nlohmann::json warnings = nlohmann::json::array();
  for (const ScanResult::Warning& one : result_.warnings) {
    warnings.push_back({{"name", one.name}, {"warning", one.text}});
  }
  return nlohmann::json{
      {"databases", result_.totals.databases},
      {"tables", result_.totals.tables},
      {"partitions", result_.totals.partitions},
      {"note", result_.note.empty() ? nlohmann::json() : nlohmann::json(result_.note)},
      {"failed", failed},
      {"failed_count", result_.failed_count},
      {"warnings", warnings},
      {"warning_count", result_.warning_count}}
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace mms::migration
