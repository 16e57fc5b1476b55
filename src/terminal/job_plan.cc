// `mms job plan`: what a job that is described would do.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "service/job_order.h"
#include "service/job_plan.h"
#include "terminal/interrupt.h"
#include "terminal/job_verbs.h"
#include "terminal/job_view.h"
#include "terminal/plan_estimate.h"
#include "terminal/plan_table.h"
#include "terminal/report_table.h"
#include "terminal/text.h"

namespace mms::terminal {
namespace {

using service::Job;
using service::JobChoice;
using service::JobPlan;
using service::JobPlanTable;
using service::Store;

/// Tables by what becomes of them.
struct Tally {
  std::vector<TableReport> reports;
  int64_t made = 0;     ///< at the target, first
  int64_t changed = 0;  ///< get columns there
  int64_t copied = 0;   ///< get rows
  std::optional<migration::FooterReads> footers = {};
};

/// "22:00-06:00"; "" = always.
std::string WindowText(const migration::TimeWindow& window) {
  if (window.from_minute == window.until_minute) return "";
  return fmt::format("{:02}:{:02}-{:02}:{:02}", window.from_minute / 60, window.from_minute % 60,
                     window.until_minute / 60, window.until_minute % 60);
}

Result<PlanEstimate> MakeEstimate(Store& store, const JobFlags& flags, JobPlan& plan) {
  TRY(const service::DataSource source, store.GetSource(plan.job().source_id));
  TRY(const migration::TimeWindow window, service::WindowOf(source.config));
  PlanEstimate::Wishes wishes{flags.rate_mib, WindowText(window), flags.prices};
  TRY(wishes.book, store.GetPrices());
  wishes.by_instance = true;
  TRY(wishes.job_rate, store.LastRate(source.id));
  // Where tables alone are made, the partitions of each are not looked at here.
  const service::JobConfig& config = plan.job().config;
  if (config.data_migration) {
    wishes.statements.emplace();
    TRY(wishes.statements->verify, service::VerifyLevelOf(config));
  }
  return PlanEstimate::Make(wishes, plan.workflow().ledger());
}

std::string TasksText(const JobPlanTable& table) {
  std::string text = "  " + Counted(table.tasks, "task");
  if (table.partitions > 0) text += ", " + Counted(table.partitions, "partition") + " by the scan";
  return text + "\n";
}

Status PrintTable(PlanPrinting context, const JobPlanTable& table, Tally* tally) {
  context.more = {{"tasks", table.tasks},
                  {"partitions", table.whole_table ? Json() : Json(table.partitions)}};
  context.more_text = TasksText(table);
  PrintedTable printed;
  if (table.error) {
    printed = PrintUnplannedTable(context, table.name, *table.error);
  } else {
    TRY(const auto record, context.ledger.FindTable(table.name));
    CHECK(record.has_value());  // a plan or a note is there
    TRY(printed, PrintPlannedTable(context, *record));
  }
  tally->made += printed.makes;
  tally->changed += printed.changes;
  AddFooters(printed.footers, &tally->footers);
  const bool planned = printed.report.planned && printed.report.outcome == Outcome::kPending;
  tally->copied += planned && context.copies;
  tally->reports.push_back(std::move(printed.report));
  return OkStatus();
}

std::string IntoText(const Job& job) {
  return "project " + job.dst_project + (job.dst_schema.empty() ? "" : " schema " + job.dst_schema);
}

void PrintLeftOut(const JobChoice& choice, Output& output) {
  std::string text;
  for (const std::string& name : choice.completed_names) {
    text += Printable(name) + "\n  left out: Completed, and unchanged since\n";
  }
  for (const JobChoice::Refused& refused : choice.refused) {
    const std::optional<Error> why = ErrorOfLedger(refused.error_json);
    text += Printable(refused.name) + "\n  left out, it cannot be read: " +
            Printable(why ? why->ToString() : std::string("?")) + "\n";
  }
  output.Result(text);
}

Json SummaryFields(const Job& job, const JobChoice& choice, const Tally& tally,
                   const PlanEstimate& estimate) {
  Json fields = JobFields(job);
  for (const char* of_one_that_is :
       {"id", "status", "stopped", "stop_reason", "remedy", "timer_id", "tasks_waiting",
        "tasks_running", "tasks_done", "tasks_failed", "created", "ended"}) {
    fields.erase(of_one_that_is);
  }
  fields.update(Json::parse(ToJson(choice).dump()));
  fields["made"] = tally.made;
  fields["changed"] = tally.changed;
  fields["copied"] = tally.copied;
  fields["totals"] = TotalFields(tally.reports);
  fields["nothing_to_do"] = Json();
  if (choice.tasks == 0)
    fields["nothing_to_do"] = service::NothingToDo(choice, job.config).ToString();
  fields["estimate"] = estimate.Fields();
  fields["footers"] = tally.footers ? FooterFields(*tally.footers) : Json();
  return fields;
}

std::string SummaryText(const Job& job, const JobChoice& choice, const Tally& tally,
                        const PlanEstimate& estimate) {
  if (choice.tasks == 0)
    return "\nno job: " + service::NothingToDo(choice, job.config).message() + "\n";
  return fmt::format(
             "\na job of schema {} into {}: {} of {}, {}; makes {}, adds columns to {}; left out "
             "as "
             "Completed: {} and {} of others; not to be read: {}\n",
             Printable(job.src_db), IntoText(job), Counted(choice.tasks, "task"),
             Counted(choice.tables, "table"), Counted(choice.partitions, "partition"),
             Counted(tally.made, "table"), Thousands(tally.changed),
             Counted(choice.completed, "table"), Counted(choice.completed_partitions, "partition"),
             Thousands(choice.refused_count)) +
         estimate.Text();
}

ExitCode CodeOf(const JobChoice& choice, const std::vector<TableReport>& tables) {
  migration::RunSummary summary = SummaryOf(tables);
  summary.mismatched = 0;  // an old comparison is no word on this plan
  summary.done = summary.tables - summary.refused - summary.failed;
  summary.refused += choice.refused_count;
  return ExitCodeOf(summary, FailuresOf(tables));
}

}  // namespace

Result<ExitCode> RunJobPlan(const JobFlags& flags, Output& output) {
  TRY(const auto store, Store::OpenBeside(flags.state));
  TRY(service::NewJob wanted, ReadNewJob(*store, flags));
  if (wanted.name.empty()) wanted.name = "plan";
  TRY(const auto plan, JobPlan::Open(*store, flags.state, wanted, UnixMs()));
  const Interrupt interrupt([&] { plan->Cancel(); });
  TRY(PlanEstimate estimate, MakeEstimate(*store, flags, *plan));
  PlanPrinting context{estimate,       plan->workflow(), plan->workflow().ledger(),
                       plan->target(), flags.ddl,        output};
  context.selection = JobPlan::kSelection;
  context.copies = plan->job().config.data_migration;
  Tally tally;
  TRY(const JobChoice choice,
      plan->Run([&](const JobPlanTable& table) { return PrintTable(context, table, &tally); },
                flags.footers));
  if (output.json()) {
    output.Object("job_plan", SummaryFields(plan->job(), choice, tally, estimate));
  } else {
    PrintLeftOut(choice, output);
    output.Result(SummaryText(plan->job(), choice, tally, estimate));
    for (const std::string& warning : choice.warnings) output.Log("warning: " + warning);
    if (tally.footers) output.Log(FooterText(*tally.footers));
  }
  return CodeOf(choice, tally.reports);
}

}  // namespace mms::terminal
