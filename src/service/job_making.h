// Makes a job of what was asked for (CreateMmsJob): checked, its tasks chosen by the metadata, and
// stored whole or not at all. Works beside a process that owns the folder.
//
// Errors: kInvalidInput JOB_CONFIG naming the field; those of job_choice.h; kConflict JOB_CONFLICT
// naming tables that another job still has open; kConflict JOB_NOTHING_TO_DO when all that it means
// is Completed; those of default_schema.h where nothing names the schema of the destination.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "migration/metadata/metadata.h"
#include "service/default_schema.h"
#include "service/job.h"
#include "service/job_choice.h"
#include "service/store.h"

namespace mms::service {

struct NewJob {
  int64_t source_id = 0;
  std::string name;
  std::string src_db;
  std::string dst_project;  ///< "" = the source's default project
  std::string dst_schema;   ///< "" = as DefaultSchema has it; `default` = the project's own
  JobConfig config;
  std::string eta;  ///< `YYYY-MM-DD[ HH:MM[:SS]]`; "" = none
  std::optional<int64_t> timer_id;
  std::optional<TimerLogEnd> firing = {};  ///< ends with the job's making, both or neither
};

/// What a job is made in, beside the store.
struct JobSurroundings {
  std::string folder;  ///< of the service
  int64_t now_ms = 0;
  TargetReach target = {};
};

struct MadeJob {
  std::optional<int64_t> id;  ///< nullopt: a timer's job that found nothing new
  JobChoice choice;
};

/// A job that was checked, and what its tasks are chosen by.
struct DescribedJob {
  Job job;
  ChoiceRules rules;
  std::unique_ptr<migration::Metadata> metadata;  ///< to read
};
/// As far as MakeJob goes before it stores anything.
Result<DescribedJob> DescribeJob(Store& store, const JobSurroundings& surroundings,
                                 const NewJob& wanted);

/// Why a choice without tasks makes no job that is as `config` says.
Error NothingToDo(const JobChoice& choice, const JobConfig& config);

/// What a timer makes at a match.
NewJob NewJobOf(const JobTimer& timer);
/// Whether it could make a job, as far as the metadata tells: what a later scan may find is not
/// missed, nor is a destination asked for. Errors: those of MakeJob that are about what it says.
Status CheckTimer(Store& store, const std::string& folder, const JobTimer& timer);

Result<MadeJob> MakeJob(Store& store, const JobSurroundings& surroundings, const NewJob& wanted);

}  // namespace mms::service
