#include <nlohmann/json.hpp>

#include "migration/plan/plan.h"
#include "terminal/interrupt.h"
#include "terminal/output_file.h"
#include "terminal/plan_estimate.h"
#include "terminal/plan_table.h"
#include "terminal/report_table.h"
#include "terminal/text.h"
#include "terminal/verbs.h"
#include "terminal/workflow_session.h"

namespace mms::terminal {
namespace {

/// What was planned, into a file that is there whole or not at all. Its digest.
Result<std::string> WritePlanFile(migration::Workflow& workflow, const Config& config,
                                  const std::string& path) {
  TRY(OutputFile file, OutputFile::Open(path, nullptr));
  migration::PlanFileWriter writer([&file](std::string_view text) { return file.Write(text); });
  migration::PlanFile plan;
  plan.config_path = config.path;
  plan.config_sha256 = config.sha256;
  plan.target = migration::Workflow::TargetName(config.options);
  TRY_VOID(writer.Begin(plan));
  TRY_VOID(workflow.WritePlan(&writer));
  TRY(std::string digest, writer.Finish());
  TRY_VOID(file.Commit());
  return digest;
}

}  // namespace

ExitCode RunPlan(const std::string& file, const PlanFlags& flags, Output& output) {
  const Result<Config> config = LoadForPeers(file);
  if (!config) return output.Fail(config.error());
  auto workflow = migration::Workflow::Open(config->options);
  if (!workflow) return output.Fail(workflow.error());
  {
    Interrupt interrupt([&] { (*workflow)->Cancel(); });
    const Status planned =
        (*workflow)->Plan({.anew = !flags.out.empty(), .risks = true, .footers = flags.footers});
    if (!planned) return output.Fail(planned.error());
  }
  Json frozen;
  if (!flags.out.empty()) {
    const Result<std::string> digest = WritePlanFile(**workflow, *config, flags.out);
    if (!digest) return output.Fail(digest.error());
    frozen = {{"path", flags.out}, {"sha256", *digest}};
    output.Log("the plan is in " + flags.out + ", to be run by: mms run " + flags.out);
  }
  const migration::RunOptions& run = config->options;
  PlanEstimate::Wishes wishes{flags.rate_mib, flags.window, flags.prices};
  wishes.statements = {run.verify, run.verify_by, run.create_partition_by_session};
  auto estimate = PlanEstimate::Make(wishes, (*workflow)->ledger());
  if (!estimate) return output.Fail(estimate.error());
  const PlanPrinting context{*estimate, **workflow, (*workflow)->ledger(), config->options.target,
                             flags.ddl, output};
  std::vector<TableReport> tables;
  std::optional<migration::FooterReads> footers;
  if (!output.json() && !flags.footers) {
    output.Log(
        "no statistics tell whether a STRING or BINARY value passes 8 MiB; it is found when it is "
        "read");
  }
  const Status listed =
      context.ledger.ListTables([&](const migration::TableRecord& record) -> Status {
        TRY(PrintedTable printed, PrintPlannedTable(context, record));
        AddFooters(printed.footers, &footers);
        tables.push_back(std::move(printed.report));
        return OkStatus();
      });
  if (!listed) return output.Fail(listed.error());
  if (output.json()) {
    Json fields = TotalFields(tables);
    fields["plan_file"] = std::move(frozen);
    fields["estimate"] = estimate->Fields();
    fields["footers"] = footers ? FooterFields(*footers) : Json();
    output.Object("summary", fields);
  } else {
    output.Result("\n" + estimate->Text());
  }
  if (footers) output.Log(FooterText(*footers));
  output.Log(Counted(static_cast<int64_t>(tables.size()), "table") + ": " + OutcomeCounts(tables));
  migration::RunSummary summary = SummaryOf(tables);
  summary.mismatched = 0;  // an old comparison is no word on this plan
  // A planned table counts as done: one good table means the failures are not one common cause.
  summary.done = summary.tables - summary.refused - summary.failed;
  return ExitCodeOf(summary, FailuresOf(tables));
}

}  // namespace mms::terminal
