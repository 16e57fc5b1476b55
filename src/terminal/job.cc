// `mms job ...`, all but `run`.
#include <fmt/format.h>
#include <unistd.h>

#include "base/clock.h"
#include "service/job_evidence.h"
#include "service/job_making.h"
#include "terminal/job_verbs.h"
#include "terminal/job_view.h"
#include "terminal/source_view.h"
#include "terminal/table_report.h"
#include "terminal/text.h"

namespace mms::terminal {
namespace {

using service::Job;
using service::JobTask;
using service::Store;

Result<int64_t> SourceId(Store& store, const std::string& name) {
  if (name.empty()) return int64_t{0};
  TRY(const service::DataSource source, store.FindSource(name));
  return source.id;
}

template <class Name, class Enum>
Result<std::optional<Enum>> ReadStatus(const std::string& text, Name name, int count) {
  if (text.empty()) return std::optional<Enum>();
  std::string known;
  for (int i = 0; i < count; ++i) {
    const auto status = static_cast<Enum>(i);
    if (text == name(status)) return std::optional<Enum>(status);
    known += (known.empty() ? "" : ", ") + std::string(name(status));
  }
  return Error(ErrorKind::kInvalidInput, "JOB_CONFIG", "--status must be one of " + known);
}

std::string_view JobName(service::JobStatus status) { return service::StatusName(status); }
std::string_view TaskName(service::JobTaskStatus status) { return service::StatusName(status); }

void PrintChoice(const service::MadeJob& made, Output& output) {
  const service::JobChoice& choice = made.choice;
  for (const std::string& warning : choice.warnings) output.Log("warning: " + warning);
  for (const auto& refused : choice.refused) {
    const std::optional<Error> why = ErrorOfLedger(refused.error_json);
    output.Log("left out: " + (why ? why->ToString() : refused.name));
  }
  output.Log(fmt::format("{} in {}, {} partitions; {} Completed and unchanged, {} cannot be read",
                         Counted(choice.tasks, "task"), Counted(choice.tables, "table"),
                         choice.partitions, choice.completed, choice.refused_count));
}

Status ShowJob(Store& store, const JobFlags& flags, int64_t id, Output& output) {
  TRY(const Job job, store.GetJob(id));
  auto listed = service::ListEvidence(flags.state, id);
  // What was asked for is done: that its papers cannot be listed is no failure of it.
  if (!listed) output.Log("warning: " + listed.error().ToString());
  PrintJob(job, listed ? std::optional(*std::move(listed)) : std::nullopt, output);
  return OkStatus();
}

}  // namespace

Result<ExitCode> RunJobCreate(const JobFlags& flags, Output& output) {
  TRY(const auto store, Store::OpenBeside(flags.state));
  TRY(const service::NewJob wanted, ReadNewJob(*store, flags));
  TRY(const service::MadeJob made, service::MakeJob(*store, {flags.state, UnixMs()}, wanted));
  PrintChoice(made, output);
  TRY_VOID(ShowJob(*store, flags, *made.id, output));
  return ExitCode::kDone;
}

Result<ExitCode> RunJobList(const JobFlags& flags, Output& output) {
  TRY(SourceView view, SourceView::Open(flags.state));
  Store::JobFilter filter;
  TRY(filter.source_id, SourceId(view.store(), flags.source));
  filter.name = flags.name;
  filter.src_db = flags.schema;
  if (flags.timer != 0) filter.timer_id = flags.timer;
  TRY(filter.status, (ReadStatus<decltype(JobName), service::JobStatus>(flags.status, JobName, 4)));
  TRY(const auto jobs, view.store().ListJobs(filter, {flags.page, flags.page_size}));
  TRY(const int64_t total, view.store().CountJobs(filter));
  TextTable table({{"ID"},
                   {"NAME"},
                   {"SCHEMA"},
                   {"PROJECT"},
                   {"STATUS"},
                   {"DONE", TextTable::Align::kRight},
                   {"TASKS", TextTable::Align::kRight},
                   {"FAILED", TextTable::Align::kRight}});
  for (const Job& job : jobs) {
    if (output.json()) {
      output.Object("job", JobFields(job));
      continue;
    }
    table.AddRow({std::to_string(job.id), job.name, job.src_db, job.dst_project, StateOf(job),
                  Thousands(job.tasks.done), Thousands(job.tasks.total),
                  Thousands(job.tasks.failed)});
  }
  if (!output.json()) output.Result(table.Render(ScreenOf(STDOUT_FILENO).utf8));
  output.Log(Thousands(static_cast<int64_t>(jobs.size())) + " of " + Counted(total, "job"));
  return ExitCode::kDone;
}

Result<ExitCode> RunJobShow(const JobFlags& flags, Output& output) {
  TRY(SourceView view, SourceView::Open(flags.state));
  TRY_VOID(ShowJob(view.store(), flags, flags.id, output));
  return ExitCode::kDone;
}

Result<ExitCode> RunJobTasks(const JobFlags& flags, Output& output) {
  TRY(SourceView view, SourceView::Open(flags.state));
  Store::TaskFilter filter;
  TRY(const Job job, view.store().GetJob(flags.id));
  filter.job_id = job.id;
  filter.failed = flags.status == "FAILED";
  if (!filter.failed) {
    TRY(filter.status,
        (ReadStatus<decltype(TaskName), service::JobTaskStatus>(flags.status, TaskName, 11)));
  }
  TRY(const auto tasks, view.store().ListJobTasks(filter, {flags.page, flags.page_size}));
  TRY(const int64_t total, view.store().CountJobTasks(filter));
  TextTable table({{"ID"},
                   {"TABLE"},
                   {"PARTITIONS", TextTable::Align::kRight},
                   {"STATUS"},
                   {"ROWS", TextTable::Align::kRight},
                   {"BYTES", TextTable::Align::kRight},
                   {"ERROR"}});
  for (const JobTask& task : tasks) {
    if (output.json()) {
      output.Object("job_task", JobTaskFields(task));
      continue;
    }
    table.AddRow({std::to_string(task.id), task.table_name,
                  task.whole_table ? "-" : Thousands(task.partitions),
                  std::string(service::StatusName(task.status)) + (task.running ? " *" : ""),
                  Thousands(task.rows_copied), HumanBytes(task.bytes_copied), ErrorOf(task)});
  }
  if (!output.json()) output.Result(table.Render(ScreenOf(STDOUT_FILENO).utf8));
  output.Log(Thousands(static_cast<int64_t>(tasks.size())) + " of " + Counted(total, "task"));
  return ExitCode::kDone;
}

Result<ExitCode> RunJobLog(const JobFlags& flags, Output& output) {
  TRY(SourceView view, SourceView::Open(flags.state));
  TRY(const JobTask task, view.store().GetJobTask(flags.id));
  TRY(const auto logs, view.store().ListTaskLogs(task.id));
  std::string text = fmt::format("task {} of job {}: {}\n", task.id, task.job_id, task.table_name);
  for (const service::TaskLog& log : logs) {
    if (output.json()) {
      output.Object("task_log", TaskLogFields(log));
      continue;
    }
    text += fmt::format("{}  {:<20} {}: {}\n", TimeText(log.created_ms),
                        service::StatusName(log.status), log.action, log.message);
  }
  if (!output.json()) output.Result(text);
  return ExitCode::kDone;
}

Result<ExitCode> RunJobStop(const JobFlags& flags, Output& output) {
  TRY(const auto store, Store::OpenBeside(flags.state));
  TRY_VOID(store->StopJob(flags.id));
  TRY_VOID(ShowJob(*store, flags, flags.id, output));
  return ExitCode::kDone;
}

Result<ExitCode> RunJobStart(const JobFlags& flags, Output& output) {
  TRY(const auto others, ReadPairs(flags.settings, "--set"));
  TRY(const auto store, Store::OpenBeside(flags.state));
  TRY_VOID(store->StartJob(flags.id, others));
  TRY(const service::Job job, store->GetJob(flags.id));
  if (service::StatusOf(job) == service::JobStatus::kDone) {
    output.Log("all of its tasks are DONE: there is nothing to go on with");
  }
  TRY_VOID(ShowJob(*store, flags, flags.id, output));
  return ExitCode::kDone;
}

Result<ExitCode> RunJobVerify(const JobFlags& flags, Output& output) {
  TRY(const auto store, Store::OpenBeside(flags.state));
  TRY(const int64_t tasks, store->VerifyJob(flags.id, flags.method, UnixMs()));
  output.Log("what " + Counted(tasks, "task") + " copied is to be compared again");
  TRY_VOID(ShowJob(*store, flags, flags.id, output));
  return ExitCode::kDone;
}

Result<ExitCode> RunJobRetry(const JobFlags& flags, Output& output) {
  TRY(const auto store, Store::OpenBeside(flags.state));
  TRY(const int64_t tasks, store->RetryJob(flags.id));
  const std::string start = "; a job that is stopped goes on by: mms job start ID";
  output.Log(tasks > 0 ? Counted(tasks, "failed task") + " to be tried again"
                       : "none of its tasks has failed" + start);
  TRY_VOID(ShowJob(*store, flags, flags.id, output));
  return ExitCode::kDone;
}

Result<ExitCode> RunJobRetryTask(const JobFlags& flags, Output& output) {
  TRY(const auto store, Store::OpenBeside(flags.state));
  TRY_VOID(store->RetryTask(flags.id, UnixMs()));
  TRY(const JobTask task, store->GetJobTask(flags.id));
  if (output.json()) output.Object("job_task", JobTaskFields(task));
  output.Log(fmt::format("task {} of job {} is to be tried again", task.id, task.job_id));
  return ExitCode::kDone;
}

Result<ExitCode> RunJobDelete(const JobFlags& flags, Output& output) {
  TRY(const auto store, Store::OpenBeside(flags.state));
  TRY(const Job job, store->GetJob(flags.id));
  TRY_VOID(store->DeleteJob(flags.id));
  if (output.json()) output.Object("job_deleted", {{"id", job.id}, {"name", job.name}});
  output.Log(
      fmt::format("deleted job {} {}; what it copied stays at the target", job.id, job.name));
  return ExitCode::kDone;
}

}  // namespace mms::terminal
