// `mms job ...`, `mms timer ...`, `mms status`: migration jobs and timers in a state folder. One
// function per verb; each prints its results through `output` and returns the exit code, or the
// error that ended it. All but `run` work beside a process that owns the folder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "terminal/output.h"

namespace mms::terminal {

struct JobFlags {
  std::string state;                 ///< the state folder
  std::string source;                ///< name of the data source; "" = all, where it filters
  int64_t id = 0;                    ///< of the job, task or timer
  std::string name;                  ///< of what is made, or part of the names to list
  std::string schema;                ///< of the source
  std::vector<std::string> tables;   ///< names
  std::vector<int64_t> partitions;   ///< ids
  std::vector<std::string> filters;  ///< TABLE=EXPRESSION
  std::vector<std::string> whitelist, blacklist;
  std::vector<std::string> table_names, column_names;  ///< SOURCE=TARGET
  std::string project;                                 ///< "" = the source's default
  std::string target_schema;
  bool no_schema = false;  ///< the tables are there
  bool schema_only = false;
  bool no_verify = false;
  bool views = false;  ///< copied too, by SQL
  std::string method;  ///< of verification; "" = the default, or as it is
  bool all = false;    ///< also what is Completed and has not changed
  std::string eta;
  std::vector<std::string> settings;  ///< KEY=VALUE, for this job alone
  std::string status;
  int64_t page = 1;
  int64_t page_size = 20;
  int64_t timer = 0;          ///< whose jobs; 0 = of all, and of none
  std::string daily, hourly;  ///< HH:MM, MM
  std::string zone;
  bool no_refresh = false;
  bool resume = false, hold = false;  ///< of a timer
  int workers = 2;
  bool watch = false;
  bool ddl = false;  ///< of a plan; so below
  bool footers = false;
  std::optional<double> rate_mib;
  std::vector<std::string> prices;          ///< KEY=VALUE
  std::string format, out, lang = "en_US";  ///< of the report
  bool list = false;                        ///< of evidence: that which is kept
};

Result<ExitCode> RunJobCreate(const JobFlags& flags, Output& output);
/// What it would do; nothing is made, here or at the target.
Result<ExitCode> RunJobPlan(const JobFlags& flags, Output& output);
Result<ExitCode> RunJobList(const JobFlags& flags, Output& output);
Result<ExitCode> RunJobShow(const JobFlags& flags, Output& output);
/// Its tasks, and what keeps the failed ones.
Result<ExitCode> RunJobTasks(const JobFlags& flags, Output& output);
/// The steps of one task.
Result<ExitCode> RunJobLog(const JobFlags& flags, Output& output);
/// By who is paid for it: estimated, and used so far.
Result<ExitCode> RunJobCost(const JobFlags& flags, Output& output);
/// Table by table, as ReportFlags has it.
Result<ExitCode> RunJobReport(const JobFlags& flags, Output& output);
/// A bundle of it as it is now, or a list of those that are kept.
Result<ExitCode> RunJobEvidence(const JobFlags& flags, Output& output);
/// Running tasks end between two blocks of what is in hand.
Result<ExitCode> RunJobStop(const JobFlags& flags, Output& output);
Result<ExitCode> RunJobStart(const JobFlags& flags, Output& output);
/// All failed tasks of a job, or one task.
Result<ExitCode> RunJobVerify(const JobFlags& flags, Output& output);
Result<ExitCode> RunJobRetry(const JobFlags& flags, Output& output);
Result<ExitCode> RunJobRetryTask(const JobFlags& flags, Output& output);
/// What it copied stays at the target.
Result<ExitCode> RunJobDelete(const JobFlags& flags, Output& output);
/// Takes the folder and works until no task waits or runs.
Result<ExitCode> RunJobRun(const JobFlags& flags, Output& output);

/// What the jobs that wait or run are at; with `watch` until none does, or a signal.
Result<ExitCode> RunStatus(const JobFlags& flags, Output& output);

Result<ExitCode> RunTimerAdd(const JobFlags& flags, Output& output);
Result<ExitCode> RunTimerList(const JobFlags& flags, Output& output);
Result<ExitCode> RunTimerUpdate(const JobFlags& flags, Output& output);
Result<ExitCode> RunTimerRemove(const JobFlags& flags, Output& output);
/// Fires it now, in the process that owns the folder.
Result<ExitCode> RunTimerTrigger(const JobFlags& flags, Output& output);
Result<ExitCode> RunTimerLog(const JobFlags& flags, Output& output);

}  // namespace mms::terminal
