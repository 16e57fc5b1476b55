// What a job copies: from what it asks for and what the metadata says, to tasks. Reads the metadata
// page by page and hands on task by task, so memory grows with the number of tables at most.
//
// Rules (mms-features of the service): a database job takes all tables of its schema but for its
// lists, of which only the blacklist counts when both are given; with `increment` what is Completed
// and not changed since is left out, unless it would go to another place than it did: another
// table, another name of a partition; where only the first levels stay partitions, one of which a
// part has left the source is copied again. Partitions go into tasks in the order of their values,
// a task being closed once it has as many partitions or bytes as the source allows; a table without
// partitions is one task; partitions that become one at the target, where only the first levels
// stay such, go together; a partitioned table of which nothing is chosen is one task for its
// schema, unless it is Completed; so is one that is Completed but for partitions that have left the
// source since they were copied, where the job means whole tables. What the source's lists leave
// out by now is not there for a job, though the metadata has it from earlier scans.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "migration/metadata/metadata.h"
#include "service/choice_rules.h"
#include "service/job.h"
#include "service/store.h"

namespace mms::service {

struct JobChoice {
  int64_t tables = 0;  ///< with tasks
  int64_t tasks = 0;
  int64_t partitions = 0;
  int64_t completed = 0;                     ///< tables left out since nothing of them is new
  std::vector<std::string> completed_names;  ///< the first kNamesMax of them
  int64_t completed_partitions = 0;          ///< left out likewise, of tables with tasks
  struct Refused {
    std::string name;
    std::string error_json;
  };
  std::vector<Refused> refused;  ///< the first kNamesMax: tables that cannot be read
  int64_t refused_count = 0;
  std::vector<std::string> warnings;  ///< of partition filters
};
inline constexpr size_t kNamesMax = 1000;
/// {"tables", "tasks", "partitions", "completed", "completed_names", "completed_partitions",
/// "refused_count", "refused": [{"name", "error"}], "warnings"}
nlohmann::json ToJson(const JobChoice& choice);

/// Whether the job means the table, by its name and the job's lists; not by partitions.
bool MeansTable(const JobConfig& config, const std::string& schema, const std::string& table);

/// Each table that the job means and that can be read, in the order of names. Errors: those of
/// ChooseTasks for tables and partitions that are not there.
Status VisitChosenTables(migration::Metadata& metadata, const Job& job, const ChoiceRules& rules,
                         const std::function<void(const std::string& table)>& visit);

/// Calls `add` for each task, tables in the order of their names. Errors, each before the first
/// task: kNotFound JOB_TABLES_NOT_FOUND listing names that the schema does not have; kUnsupported
/// JOB_TABLES_REFUSED for tables asked for by name that cannot be read; kInvalidInput
/// PARTITION_FILTER; kNotFound JOB_PARTITIONS_NOT_FOUND; kConflict JOB_COLLISION for tables, or for
/// columns or partitions of one, that would become one; then those of `add` and of the metadata.
Result<JobChoice> ChooseTasks(migration::Metadata& metadata, const Job& job,
                              const ChoiceRules& rules,
                              const std::function<Status(const Store::NewTask&)>& add);

}  // namespace mms::service
