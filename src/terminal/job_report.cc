// `mms job report`, `mms job evidence`.
#include "service/job_ledger.h"
#include "terminal/evidence_view.h"
#include "terminal/interrupt.h"
#include "terminal/job_verbs.h"
#include "terminal/report_writer.h"
#include "terminal/source_view.h"

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
  const ReportOrigin origin{source.config.Get("db.workspace.url"), source.config.Get("db.catalog")};
  TRY_VOID(WriteReport(*ledger, origin, report, output));
  return ExitCode::kDone;
}

Result<ExitCode> RunJobEvidence(const JobFlags& flags, Output& output) {
  ExitOnInterrupt();
  TRY(const auto store, service::Store::OpenBeside(flags.state));
  TRY(const service::Job job, store->GetJob(flags.id));
  const std::string path =
      flags.out.empty() ? service::EvidencePath(flags.state, job.id) : flags.out;
  TRY(const auto summary, service::WriteJobEvidence(*store, flags.state, job, path));
  PrintEvidence(path, summary, output);
  return ExitCode::kDone;
}

}  // namespace mms::terminal
