#include <algorithm>

#include "terminal/config.h"
#include "terminal/interrupt.h"
#include "terminal/report_writer.h"
#include "terminal/verbs.h"

namespace mms::terminal {
namespace {

Status Write(const std::string& file, const ReportFlags& flags, Output& output) {
  TRY(const Config config, LoadConfig(file, SecretUse::kIgnore));
  const migration::RunOptions& options = config.options;
  TRY(const auto ledger, migration::Ledger::OpenToRead(options.state_folder));
  const auto locations =
      std::count_if(options.tables.begin(), options.tables.end(),
                    [](const migration::TableChoice& choice) { return !choice.location.empty(); });
  return WriteReport(*ledger, {options.source.workspace, options.source.catalog, locations}, flags,
                     output);
}

}  // namespace

ExitCode RunReport(const std::string& file, const ReportFlags& flags, Output& output) {
  ExitOnInterrupt();
  const Status written = Write(file, flags, output);
  return written ? ExitCode::kDone : output.Fail(written.error());
}

}  // namespace mms::terminal
