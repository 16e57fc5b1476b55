#include "service/job_names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "base/lower_ascii.h"
#include "migration/plan/names.h"
#include "service/job_choice.h"

namespace mms::service {
namespace {

using Names = std::vector<std::string>;

/// What the metadata has of a schema.
struct Known {
  Names tables;                   ///< also those that are gone, or left out by the source's lists
  Names takeable;                 ///< without them
  std::set<std::string> columns;  ///< of tables that the job means, in lower case
};

Result<Known> Read(migration::Metadata& metadata, const Job& job,
                   const migration::SourceFilter& filter) {
  Known known;
  migration::TableFilter of_schema;
  of_schema.database = job.src_db;
  TRY_VOID(metadata.VisitTables(of_schema, [&](const migration::TableEntry& table) -> Status {
    const std::string& name = table.listed.table;
    known.tables.push_back(name);
    if (!table.deleted && filter.TakesTable(job.src_db, name)) known.takeable.push_back(name);
    if (!MeansTable(job.config, job.src_db, name)) return OkStatus();
    const auto columns = nlohmann::json::parse(table.listed.columns_json, nullptr, false);
    if (!columns.is_array()) return OkStatus();
    for (const auto& column : columns) known.columns.insert(LowerAscii(column.value("name", "")));
    return OkStatus();
  }));
  return known;
}

Names Unmatched(const Names& entries, const Names& tables, const std::string& schema) {
  Names unmatched;
  for (const std::string& entry : entries) {
    const bool there = std::any_of(tables.begin(), tables.end(), [&](const std::string& table) {
      return NamesTable(entry, schema, table);
    });
    if (!there) unmatched.push_back(entry);
  }
  return unmatched;
}

Names KeysOf(const std::map<std::string, std::string>& map) {
  Names keys;
  for (const auto& [key, value] : map) keys.push_back(key);
  return keys;
}

Status NoneOf(const char* key, const Names& unmatched, const std::string& what) {
  if (unmatched.empty()) return OkStatus();
  return Error(ErrorKind::kNotFound, "JOB_TABLES_NOT_FOUND",
               fmt::format("{}: {} {}; mind the spelling, scan the source, look with: mms "
                           "source tables, and mind the source's white- and blacklists",
                           key, what, fmt::join(unmatched, ", ")));
}

}  // namespace

Status CheckNamesMatch(migration::Metadata& metadata, const Job& job,
                       const migration::SourceFilter& filter) {
  const JobConfig& config = job.config;
  const bool named = !config.table_whitelist.empty() || !config.table_blacklist.empty() ||
                     !config.table_mapping.empty() || !config.column_mapping.empty();
  if (!named) return OkStatus();
  TRY(const Known known, Read(metadata, job, filter));
  if (known.tables.empty()) return OkStatus();  // which the choice of tables tells
  const std::string schema = "schema " + job.src_db + " has no";
  TRY_VOID(NoneOf("tableWhiteList (--only)",
                  Unmatched(config.table_whitelist, known.takeable, job.src_db), schema));
  TRY_VOID(NoneOf("tableBlackList (--but)",
                  Unmatched(config.table_blacklist, known.tables, job.src_db), schema));
  TRY_VOID(NoneOf("tableMapping (--as)",
                  Unmatched(KeysOf(config.table_mapping), known.tables, job.src_db), schema));
  if (known.columns.empty()) return OkStatus();  // not even the catalog told of any
  Names columns = KeysOf(config.column_mapping);
  std::erase_if(columns,
                [&](const std::string& name) { return known.columns.contains(LowerAscii(name)); });
  return NoneOf("columnMapping (--column-as)", columns, "no table that the job means has a column");
}

Status CheckTargetNames(const JobConfig& config) {
  const migration::CharacterMap none;
  const auto told = [](const char* key, const std::string& from, const std::string& to,
                       const Error& error) {
    return Error(ErrorKind::kInvalidInput, "JOB_CONFIG",
                 fmt::format("{}: {}={} cannot be: {}; give it another", key, from, to,
                             error.message().substr(0, error.message().rfind("; "))));
  };
  for (const auto& [from, to] : config.table_mapping) {
    const auto name = migration::MakeTableName(to, none);
    if (!name) return told("tableMapping (--as)", from, to, name.error());
  }
  for (const auto& [from, to] : config.column_mapping) {
    const auto name = migration::MakeColumnName(to, {from, none});
    if (!name) return told("columnMapping (--column-as)", from, to, name.error());
  }
  return OkStatus();
}

}  // namespace mms::service
