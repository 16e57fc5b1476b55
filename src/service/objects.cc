#include "service/objects.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/lower_ascii.h"
#include "migration/plan/names.h"
#include "service/service.h"

namespace mms::service {
namespace {

using migration::Metadata;
using migration::ObjectStatus;
using migration::TableEntry;
using StatusChange = Metadata::StatusChange;

constexpr size_t kNamedMax = 10;

Error Invalid(std::string message) {
  return Error(ErrorKind::kInvalidInput, "OBJECT_UPDATE", std::move(message));
}

std::string Named(const std::vector<std::string>& names) {
  const size_t shown = std::min(names.size(), kNamedMax);
  std::string text = fmt::format("{}", fmt::join(names.begin(), names.begin() + shown, ", "));
  if (shown < names.size()) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

bool Maps(const ObjectUpdate& update) {
  return update.clear_mapping || !update.dst_project.empty() || !update.dst_schema.empty() ||
         !update.dst_name.empty();
}

Status Check(const ObjectUpdate& update, const DataSource& source) {
  if (update.db.empty()) return Invalid("the schema of the source is missing");
  if (!Maps(update) && !update.status) {
    return Invalid("nothing to change: give a destination project, schema or name, or a status");
  }
  if (!update.partitions.empty() && (Maps(update) || !update.tables.empty())) {
    return Invalid(
        "partitions have a status of their own and no mapping: name them alone, and map their "
        "table");
  }
  if (!update.dst_name.empty() && update.tables.size() != 1) {
    return Invalid("a name at the target is for one table; name it alone");
  }
  const bool settable = !update.status || *update.status == ObjectStatus::kInit ||
                        *update.status == ObjectStatus::kDone;
  if (!settable) return Invalid("a status can be set to INIT or DONE; the others are of jobs");
  if (!update.dst_project.empty()) TRY_VOID(ProjectOf(source.config, update.dst_project));
  for (const std::string& name : {update.dst_schema, update.dst_name}) {
    if (!name.empty()) TRY_VOID(migration::MakeTableName(name, {}));
  }
  return OkStatus();
}

/// Tables that are meant, by lower-case name without schema.
Result<std::vector<TableEntry>> FindTables(Metadata& metadata, const ObjectUpdate& update) {
  std::map<std::string, std::string> missing;
  for (const std::string& name : update.tables) missing.emplace(LowerAscii(name), name);
  const std::map<std::string, std::string> wanted = missing;
  migration::TableFilter filter;
  filter.deleted = false;
  std::vector<TableEntry> found;
  bool known = false;
  TRY_VOID(metadata.VisitTables(filter, [&](const TableEntry& table) -> Status {
    if (LowerAscii(table.listed.database) != LowerAscii(update.db)) return OkStatus();
    known = true;
    const std::string name = LowerAscii(table.listed.table);
    missing.erase(name);
    if (wanted.empty() || wanted.contains(name)) found.push_back(table);
    return OkStatus();
  }));
  std::vector<std::string> names;
  for (const auto& [lower, name] : missing) names.push_back(name);
  if (!known) names = {"tables"};
  if (names.empty()) return found;
  return Error(ErrorKind::kNotFound, "JOB_TABLES_NOT_FOUND",
               fmt::format("schema {} has no {}; scan the source, and look with: mms source tables",
                           update.db, Named(names)));
}

Result<std::vector<StatusChange>> ChangesOfPartitions(Metadata& metadata,
                                                      const ObjectUpdate& update) {
  std::map<std::string, StatusChange> by_table;
  std::vector<std::string> unknown;
  for (const int64_t id : update.partitions) {
    TRY(const auto found, metadata.FindPartition(id));
    if (!found || LowerAscii(found->database) != LowerAscii(update.db)) {
      unknown.push_back(std::to_string(id));
      continue;
    }
    StatusChange& change = by_table[found->table_name];
    change.table_name = found->table_name;
    change.whole = false;
    change.values.push_back(found->values);
  }
  if (!unknown.empty()) {
    return Error(ErrorKind::kNotFound, "JOB_PARTITIONS_NOT_FOUND",
                 fmt::format("schema {} has no partitions with the ids {}; look them up with: mms "
                             "source partitions",
                             update.db, Named(unknown)));
  }
  std::vector<StatusChange> changes;
  for (auto& [name, change] : by_table) changes.push_back(std::move(change));
  return changes;
}

Status CheckConflicts(Store& store, int64_t source_id, const std::vector<StatusChange>& changes) {
  TRY(const std::vector<std::string> open, store.ListOpenTables(source_id));
  const std::set<std::string> busy(open.begin(), open.end());
  std::vector<std::string> names;
  for (const StatusChange& change : changes) {
    if (busy.contains(change.table_name)) names.push_back(change.table_name);
  }
  if (names.empty()) return OkStatus();
  return Error(ErrorKind::kConflict, "JOB_CONFLICT",
               "a job is not done with " + Named(names) +
                   ", which sets their status itself; wait for it, or delete it (mms job list)");
}

/// Of each object that is named, what is kept with what is new.
Result<std::vector<Mapping>> MappingsOf(Store& store, const ObjectUpdate& update,
                                        const std::vector<TableEntry>& tables) {
  TRY(const std::vector<Mapping> kept, store.ListMappings(update.source_id, update.db));
  std::vector<std::string> names;
  for (const TableEntry& table : tables) names.push_back(table.listed.table);
  if (update.tables.empty()) names = {""};
  std::vector<Mapping> mappings;
  for (const std::string& name : names) {
    Mapping mapping{update.db, name, "", "", ""};
    const auto known = std::find_if(kept.begin(), kept.end(), [&](const Mapping& one) {
      return LowerAscii(one.src_table) == LowerAscii(name);
    });
    if (known != kept.end() && !update.clear_mapping) mapping = *known;
    if (!update.dst_project.empty()) mapping.dst_project = update.dst_project;
    if (!update.dst_schema.empty()) mapping.dst_schema = update.dst_schema;
    if (!update.dst_name.empty()) mapping.dst_name = update.dst_name;
    mappings.push_back(std::move(mapping));
  }
  return mappings;
}

}  // namespace

Result<int64_t> UpdateObjects(Store& store, const std::string& folder, const ObjectUpdate& update) {
  TRY(const DataSource source, store.GetSource(update.source_id));
  TRY_VOID(Check(update, source));
  TRY(const auto metadata, Metadata::OpenBeside(SourceFolder(folder, source.id)));
  std::vector<TableEntry> tables;
  std::vector<StatusChange> changes;
  if (update.partitions.empty()) {
    TRY(tables, FindTables(*metadata, update));
    for (const TableEntry& table : tables) changes.push_back({table.listed.name});
  } else {
    TRY(changes, ChangesOfPartitions(*metadata, update));
  }
  if (update.status) TRY_VOID(CheckConflicts(store, source.id, changes));
  if (Maps(update)) {
    TRY(const std::vector<Mapping> mappings, MappingsOf(store, update, tables));
    TRY_VOID(store.SaveMappings(source.id, mappings));
  }
  if (update.status) {
    for (StatusChange& change : changes) {
      change.status = *update.status;
      change.settled = change.status == ObjectStatus::kDone;
    }
    TRY_VOID(metadata->SetStatuses(changes));
  }
  if (!update.partitions.empty()) return static_cast<int64_t>(update.partitions.size());
  return update.tables.empty() ? int64_t{1} : static_cast<int64_t>(tables.size());
}

}  // namespace mms::service
