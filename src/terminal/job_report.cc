// `mms job report`, `mms job evidence`.
#include <unistd.h>

#include "service/job_evidence.h"
#include "service/job_ledger.h"
#include "terminal/evidence_view.h"
#include "terminal/interrupt.h"
#include "terminal/job_verbs.h"
#include "terminal/report_writer.h"
#include "terminal/source_view.h"
#include "terminal/text.h"

namespace mms::terminal {

Result<ExitCode> RunJobReport(const JobFlags& flags, Output& output) {
  ExitOnInterrupt();
  TRY(const auto store, service::Store::OpenBeside(flags.state));
  TRY(const service::Job job, store->GetJob(flags.id));
  TRY(const service::DataSource source, store->GetSource(job.source_id));
  TRY(const auto ledger, service::OpenJobLedger(*store, flags.state, job));
  ReportFlags report;
  report.format = flags.format;
  report.out = flags.out;
  report.lang = flags.lang;
  TRY(const auto left_out, service::FindLeftOutTables(*store, job, *ledger));
  const ReportOrigin origin{source.config.Get("db.workspace.url"), source.config.Get("db.catalog"),
                            0, left_out.count};
  TRY_VOID(WriteReport(*ledger, origin, report, output));
  return ExitCode::kDone;
}

namespace {

void PrintKept(const std::vector<service::KeptBundle>& kept, Output& output) {
  TextTable table(
      {{"BUNDLE", TextTable::Align::kRight}, {"FILE"}, {"SIZE", TextTable::Align::kRight}});
  for (const service::KeptBundle& bundle : kept) {
    if (output.json()) {
      output.Object(
          "evidence_kept",
          {{"number", bundle.number}, {"bundle", bundle.path}, {"size_bytes", bundle.size_bytes}});
      continue;
    }
    table.AddRow({std::to_string(bundle.number), bundle.path, HumanBytes(bundle.size_bytes)});
  }
  if (!output.json()) output.Result(table.Render(ScreenOf(STDOUT_FILENO).utf8));
  output.Log(Counted(static_cast<int64_t>(kept.size()), "bundle") +
             ", oldest first; check one with: mms report --check FILE");
}

}  // namespace

Result<ExitCode> RunJobEvidence(const JobFlags& flags, Output& output) {
  ExitOnInterrupt();
  TRY(const auto store, service::Store::OpenBeside(flags.state));
  TRY(const service::Job job, store->GetJob(flags.id));
  if (flags.list) {
    TRY(const auto kept, service::ListEvidence(flags.state, job.id));
    PrintKept(kept, output);
    return ExitCode::kDone;
  }
  TRY(const auto written, flags.out.empty()
                              ? service::KeepJobEvidence(*store, flags.state, job)
                              : service::WriteJobEvidence(*store, flags.state, job, flags.out));
  PrintEvidence(written.path, written.summary, output);
  return ExitCode::kDone;
}

}  // namespace mms::terminal
