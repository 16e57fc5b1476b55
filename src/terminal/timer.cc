// `mms timer ...`.
#include <fmt/format.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/time_zone.h"
#include "migration/inspect/source_settings.h"
#include "service/job_making.h"
#include "service/next_match.h"
#include "terminal/job_verbs.h"
#include "terminal/job_view.h"
#include "terminal/source_view.h"
#include "terminal/text.h"

namespace mms::terminal {
namespace {

using service::JobTimer;
using service::Store;

Status ReadSchedule(const JobFlags& flags, JobTimer* timer) {
  if (!flags.daily.empty() && !flags.hourly.empty()) {
    return Error(ErrorKind::kInvalidInput, "JOB_CONFIG",
                 "--daily and --hourly both say when; keep one of them");
  }
  if (!flags.daily.empty()) {
    timer->schedule = "Daily";
    timer->value = flags.daily;
  } else if (!flags.hourly.empty()) {
    timer->schedule = "Hourly";
    timer->value = flags.hourly;
  }
  if (!flags.zone.empty()) timer->zone = flags.zone;
  TRY_VOID(migration::ParseMetaTimer(timer->schedule, timer->value));
  const Status zone = CheckZone(timer->zone);
  if (zone) return OkStatus();
  return Error(zone.error().kind(), zone.error().code(), "--zone " + zone.error().message());
}

/// Nothing given leaves it, an empty name empties it.
void ReadList(const std::vector<std::string>& given, std::vector<std::string>* list) {
  if (given.empty()) return;
  *list = given;
  std::erase(*list, "");
}

void Print(const JobTimer& timer, Output& output) {
  if (output.json()) {
    output.Object("timer", TimerFields(timer));
    return;
  }
  output.Result(fmt::format("timer {} {}: schema {}, {} at {} {}{}\n", timer.id, timer.name,
                            timer.src_db, timer.schedule, timer.value, timer.zone,
                            timer.stopped ? ", stopped" : ""));
}

}  // namespace

Result<ExitCode> RunTimerAdd(const JobFlags& flags, Output& output) {
  TRY(const auto store, Store::OpenBeside(flags.state));
  TRY(const service::DataSource source, store->FindSource(flags.source));
  JobTimer timer;
  timer.source_id = source.id;
  timer.name = flags.name;
  timer.src_db = flags.schema;
  timer.refresh = !flags.no_refresh;
  timer.created_ms = UnixMs();
  TRY(timer.config, ReadJobConfig(flags));
  if (flags.daily.empty() && flags.hourly.empty()) {
    return Error(ErrorKind::kInvalidInput, "JOB_CONFIG",
                 "says not when: give --daily HH:MM or --hourly MM")
        .At("timer " + timer.name);
  }
  TRY_VOID(ReadSchedule(flags, &timer));
  TRY_VOID(service::CheckTimer(*store, flags.state, timer));
  TRY(const int64_t id, store->AddTimer(timer));
  TRY(const JobTimer added, store->GetTimer(id));
  Print(added, output);
  return ExitCode::kDone;
}

Result<ExitCode> RunTimerList(const JobFlags& flags, Output& output) {
  TRY(SourceView view, SourceView::Open(flags.state));
  Store::TimerFilter filter;
  filter.name = flags.name;
  if (!flags.source.empty()) {
    TRY(const service::DataSource source, view.store().FindSource(flags.source));
    filter.source_id = source.id;
  }
  TRY(const auto timers, view.store().ListTimers(filter, {flags.page, flags.page_size}));
  TRY(const int64_t total, view.store().CountTimers(filter));
  TextTable table({{"ID"}, {"NAME"}, {"SCHEMA"}, {"SCHEDULE"}, {"LAST MATCH"}, {"STOPPED"}});
  for (const JobTimer& timer : timers) {
    if (output.json()) {
      output.Object("timer", TimerFields(timer));
      continue;
    }
    table.AddRow({std::to_string(timer.id), timer.name, timer.src_db,
                  timer.schedule + " " + timer.value + " " + timer.zone, TimeText(timer.match_ms),
                  timer.stopped ? "yes" : "no"});
  }
  if (!output.json()) output.Result(table.Render(ScreenOf(STDOUT_FILENO).utf8));
  output.Log(Thousands(static_cast<int64_t>(timers.size())) + " of " + Counted(total, "timer"));
  return ExitCode::kDone;
}

Result<ExitCode> RunTimerUpdate(const JobFlags& flags, Output& output) {
  TRY(const auto store, Store::OpenBeside(flags.state));
  TRY(JobTimer timer, store->GetTimer(flags.id));
  const std::string before = timer.schedule + timer.value + timer.zone;
  TRY_VOID(ReadSchedule(flags, &timer));
  if (flags.hold && flags.resume) {
    return Error(ErrorKind::kInvalidInput, "JOB_CONFIG", "--stop and --resume: keep one of them");
  }
  // What matched before it was set, or while it was stopped, is none of its matches.
  const bool resumed = flags.resume && timer.stopped;
  if (resumed || timer.schedule + timer.value + timer.zone != before) timer.match_ms = UnixMs();
  if (flags.hold) timer.stopped = true;
  if (flags.resume) timer.stopped = false;
  ReadList(flags.whitelist, &timer.config.table_whitelist);
  ReadList(flags.blacklist, &timer.config.table_blacklist);
  timer.updated_ms = UnixMs();
  // One that cannot make a job any more can still be stopped.
  if (!flags.whitelist.empty() || !flags.blacklist.empty()) {
    TRY_VOID(service::CheckTimer(*store, flags.state, timer));
  }
  TRY_VOID(store->SaveTimer(timer));
  Print(timer, output);
  return ExitCode::kDone;
}

Result<ExitCode> RunTimerRemove(const JobFlags& flags, Output& output) {
  TRY(const auto store, Store::OpenBeside(flags.state));
  TRY(const JobTimer timer, store->GetTimer(flags.id));
  TRY_VOID(store->RemoveTimer(flags.id));
  if (output.json()) output.Object("timer_removed", {{"id", timer.id}, {"name", timer.name}});
  output.Log("removed timer " + timer.name + "; the jobs that it made stay");
  return ExitCode::kDone;
}

Result<ExitCode> RunTimerTrigger(const JobFlags& flags, Output& output) {
  TRY(const auto store, Store::OpenBeside(flags.state));
  TRY_VOID(store->AskTrigger(flags.id));
  TRY(const JobTimer timer, store->GetTimer(flags.id));
  if (output.json()) output.Object("timer", TimerFields(timer));
  output.Log("timer " + timer.name +
             " fires in the process that runs its data source: mms source start");
  return ExitCode::kDone;
}

Result<ExitCode> RunTimerLog(const JobFlags& flags, Output& output) {
  TRY(SourceView view, SourceView::Open(flags.state));
  TRY_VOID(view.store().GetTimer(flags.id));
  TRY(const auto logs, view.store().ListTimerLogs(flags.id, {flags.page, flags.page_size}));
  TextTable table({{"TIME"}, {"ACTION"}, {"STATUS"}, {"MESSAGE"}});
  for (const service::TimerLog& log : logs) {
    if (output.json()) {
      output.Object("timer_log", {{"id", log.id},
                                  {"timer_id", log.timer_id},
                                  {"async_id", log.async_id ? Json(*log.async_id) : Json()},
                                  {"time", TimeText(log.created_ms)},
                                  {"action", log.action},
                                  {"status", service::StatusName(log.status)},
                                  {"message", log.message}});
      continue;
    }
    table.AddRow({TimeText(log.created_ms), log.action,
                  std::string(service::StatusName(log.status)), log.message});
  }
  if (!output.json()) output.Result(table.Render(ScreenOf(STDOUT_FILENO).utf8));
  return ExitCode::kDone;
}

}  // namespace mms::terminal
