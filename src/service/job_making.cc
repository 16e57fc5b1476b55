#include "service/job_making.h"

#include <date/date.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <utility>

#include "base/lower_ascii.h"
#include "service/job_names.h"
#include "service/mapping.h"
#include "service/service.h"

namespace mms::service {
namespace {

constexpr size_t kNameMaxBytes = 255;
constexpr std::string_view kNeverScanned = "METADATA_NOT_FOUND";

Error Invalid(std::string message) {
  return Error(ErrorKind::kInvalidInput, "JOB_CONFIG", std::move(message));
}

Result<JobType> TypeOf(const JobConfig& config) {
  const bool listed = !config.table_whitelist.empty() || !config.table_blacklist.empty();
  const bool named = !config.tables.empty() || !config.partitions.empty();
  if (listed && named) {
    return Invalid(
        "tableWhiteList and tableBlackList are for a job of a whole schema; leave them "
        "out, or tables and partitions");
  }
  if (!config.partitions.empty()) {
    if (config.tables.empty() && config.partition_filters.empty()) return JobType::kPartitions;
    return Invalid(
        "partitions (ids) and tables or partitionFilters both say what is meant; keep "
        "one of them");
  }
  if (!config.tables.empty()) return JobType::kTables;
  if (config.partition_filters.empty()) return JobType::kDatabase;
  return Invalid("partitionFilters needs its tables named in tables");
}

/// As it is kept: with a time, midnight if none was given.
Result<std::string> NormalEta(const std::string& text) {
  if (text.empty()) return std::string();
  const std::string whole =
      text + std::string("0000-00-00 00:00:00").substr(std::min(text.size(), size_t{19}));
  int year = 0, hour = 0, minute = 0, second = 0;
  unsigned month = 0, day = 0;
  int end = 0;
  const int read = std::sscanf(whole.c_str(), "%4d-%2u-%2u %2d:%2d:%2d%n", &year, &month, &day,
                               &hour, &minute, &second, &end);
  const bool form = read == 6 && end == 19 && whole.size() == 19 &&
                    (text.size() == 10 || text.size() == 16 || text.size() == 19);
  const bool is_day = (date::year(year) / static_cast<int>(month) / static_cast<int>(day)).ok();
  if (form && is_day && hour < 24 && minute < 60 && second < 60) return whole;
  return Invalid("eta must be a day with or without a time, 2026-12-31 18:00:00; it is " + text);
}

Result<Job> CheckJob(const NewJob& wanted, const DataSource& source, int64_t now_ms) {
  Job job;
  job.source_id = source.id;
  if (wanted.name.empty() || wanted.name.size() > kNameMaxBytes) {
    return Invalid(fmt::format("name must have 1 to {} bytes", kNameMaxBytes));
  }
  if (wanted.src_db.empty()) return Invalid("srcDbName is missing: the schema of the source");
  job.name = wanted.name;
  job.src_db = wanted.src_db;
  job.dst_schema = wanted.dst_schema;
  job.config = wanted.config;
  job.timer_id = wanted.timer_id;
  job.created_ms = now_ms;
  job.dst_project = wanted.dst_project;
  TRY(job.type, TypeOf(wanted.config));
  TRY(job.eta, NormalEta(wanted.eta));
  if (!job.config.schema_migration && !job.config.data_migration) {
    return Invalid(
        "enableSchemaMigration and enableDataMigration are both false: there is nothing "
        "to do");
  }
  return job;
}

}  // namespace

Error NothingToDo(const JobChoice& choice, const JobConfig& config) {
  std::string text;
  if (choice.completed > 0) {
    text = fmt::format("{} tables are Completed and have not changed since", choice.completed);
  }
  if (choice.refused_count > 0) {
    text += fmt::format("{}{} cannot be read (mms source tables)", text.empty() ? "" : ", ",
                        choice.refused_count);
  }
  if (text.empty()) text = "no table is meant";
  const char* remedy =
      config.increment
          ? "; scan the source for changes, or ask for all of it again (--all; increment: false)"
          : "; see what there is (mms source tables), and the job's lists and the source's";
  return Error(ErrorKind::kConflict, "JOB_NOTHING_TO_DO", text + remedy);
}

Result<DescribedJob> DescribeJob(Store& store, const JobSurroundings& surroundings,
                                 const NewJob& wanted) {
  TRY(const DataSource source, store.GetSource(wanted.source_id));
  DescribedJob described;
  TRY(described.job, CheckJob(wanted, source, surroundings.now_ms));
  TRY_VOID(CheckTargetNames(described.job.config));
  TRY(described.rules, ChoiceRulesOf(source.config, described.job.config));
  auto metadata = migration::Metadata::OpenToRead(SourceFolder(surroundings.folder, source.id));
  if (!metadata) {
    if (metadata.error().code() != kNeverScanned) return metadata.error();
    return Error(ErrorKind::kNotFound, "JOB_TABLES_NOT_FOUND",
                 "its tables are not known yet; scan it first: mms source sync " + source.name)
        .At("data source " + source.name);
  }
  described.metadata = *std::move(metadata);
  // A timer's lists outlive tables: what was dropped since is no reason to copy none of the rest.
  if (!wanted.timer_id) {
    TRY_VOID(CheckNamesMatch(*described.metadata, described.job, described.rules.filter));
  }
  TRY(std::vector<Mapping> mappings, store.ListMappings(source.id, described.job.src_db));
  if (!mappings.empty()) {
    JobMapping mapping(described.job, std::move(mappings));
    TRY_VOID(VisitChosenTables(*described.metadata, described.job, described.rules,
                               [&](const std::string& table) { mapping.Add(table); }));
    TRY(described.job, std::move(mapping).Finish());
  }
  Job& job = described.job;
  TRY(job.dst_project, ProjectOf(source.config, job.dst_project));
  if (job.dst_schema.empty()) {
    TRY(job.dst_schema,
        DefaultSchema(store, source, job, described.rules.policy, surroundings.target));
  }
  // One name for one place: a destination has one ledger.
  if (LowerAscii(job.dst_schema) == "default") job.dst_schema.clear();
  return described;
}

NewJob NewJobOf(const JobTimer& timer) {
  NewJob job;
  job.source_id = timer.source_id;
  job.name = timer.name;
  job.src_db = timer.src_db;
  job.config = timer.config;
  job.config.increment = true;
  job.timer_id = timer.id;
  return job;
}

Status CheckTimer(Store& store, const std::string& folder, const JobTimer& timer) {
  TRY(const DataSource source, store.GetSource(timer.source_id));
  TRY(const Job job, CheckJob(NewJobOf(timer), source, timer.created_ms));
  TRY_VOID(CheckTargetNames(job.config));
  TRY(ChoiceRules rules, ChoiceRulesOf(source.config, job.config));
  rules.may_come = true;
  auto metadata = migration::Metadata::OpenToRead(SourceFolder(folder, source.id));
  if (!metadata) {
    return metadata.error().code() == kNeverScanned ? OkStatus() : Status(metadata.error());
  }
  TRY(std::vector<Mapping> mappings, store.ListMappings(source.id, job.src_db));
  JobMapping mapping(job, std::move(mappings));
  TRY_VOID(VisitChosenTables(**metadata, job, rules,
                             [&](const std::string& table) { mapping.Add(table); }));
  TRY(const Job mapped, std::move(mapping).Finish());
  TRY_VOID(ProjectOf(source.config, mapped.dst_project));
  const auto choice =
      ChooseTasks(**metadata, mapped, rules, [](const Store::NewTask&) { return OkStatus(); });
  return choice ? OkStatus() : Status(choice.error());
}

Result<MadeJob> MakeJob(Store& store, const JobSurroundings& surroundings, const NewJob& wanted) {
  TRY(const DescribedJob described, DescribeJob(store, surroundings, wanted));
  const Job& job = described.job;
  MadeJob made;
  const auto choose = [&](const Store::AddJobTask& add) -> Status {
    TRY(made.choice, ChooseTasks(*described.metadata, job, described.rules, add));
    return made.choice.tasks == 0 ? Status(NothingToDo(made.choice, job.config)) : OkStatus();
  };
  const auto stored = store.AddJob(job, choose, wanted.firing);
  if (stored) {
    made.id = *stored;
  } else if (!job.timer_id || stored.error().code() != "JOB_NOTHING_TO_DO") {
    return stored.error();
  }
  return made;
}

}  // namespace mms::service
