#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "terminal/interrupt.h"
#include "terminal/source_verbs.h"
#include "terminal/source_view.h"
#include "terminal/table_report.h"

namespace mms::terminal {
namespace {

using migration::MetaTimer;
using service::DataSource;
using service::ScanStatus;
using service::ScanTask;
using service::Service;
using enum service::SourceStatus;

constexpr auto kLook = std::chrono::milliseconds(100);
constexpr auto kStopDeadline = std::chrono::seconds(60);

Result<std::unique_ptr<Service>> Take(const SourceFlags& flags) {
  service::ServiceOptions options;
  options.folder = flags.state;
  options.idle_ms = flags.idle_minutes * 60'000;
  return Service::Open(std::move(options));
}

Result<DataSource> Find(Service& service, const std::string& name) {
  return service.store().FindSource(name);
}

void RunInBackground(Service& service, Output& output) {
  service.RunInBackground([&output](const Error& error) { output.Log(error.ToString()); });
}

/// Why the source is served no longer; "" = it still is.
Result<std::string> EndOf(Service& service, const DataSource& source) {
  if (service.WasAskedToStop(source.id)) return std::string("stopped");
  if (source.status != kStopped) return std::string();
  TRY(const service::ZonedTimer timer, service::TimerOf(source.config));
  // With a timer there is always something to come.
  if (timer.timer.type != MetaTimer::Type::kNone) return std::string();
  return std::string("shut down, since nothing waits or runs");
}

Status Serve(const SourceFlags& flags, Output& output) {
  TRY(const auto service, Take(flags));
  TRY(DataSource source, Find(*service, flags.name));
  TRY_VOID(service->StartDataSource(source.id));
  std::atomic<bool> interrupted{false};
  const Interrupt interrupt([&] { interrupted = true; });
  TRY(source, service->store().GetSource(source.id));
  TRY_VOID(PrintStatus(service->store(), source, output));
  RunInBackground(*service, output);
  while (!interrupted) {
    TRY(source, service->store().GetSource(source.id));
    TRY(const std::string end, EndOf(*service, source));
    if (!end.empty()) {
      output.Log("data source " + source.name + ": " + end);
      return OkStatus();
    }
    std::this_thread::sleep_for(kLook);
  }
  output.Log("data source " + source.name + ": stopping");
  return OkStatus();
}

Status Stop(const SourceFlags& flags, Output& output) {
  const auto deadline = std::chrono::steady_clock::now() + kStopDeadline;
  TRY(const auto beside, service::Store::OpenBeside(flags.state));
  TRY(DataSource source, beside->FindSource(flags.name));
  bool asked = false;
  while (std::chrono::steady_clock::now() < deadline) {
    const auto service = Take(flags);
    if (service) {  // nobody works there, or its process died
      TRY_VOID((*service)->StopDataSource(source.id));
      TRY(source, (*service)->store().GetSource(source.id));
      return PrintStatus((*service)->store(), source, output);
    }
    if (service.error().code() != "STATE_IN_USE") return service.error();
    if (!asked) TRY_VOID(beside->AskStop(source.id, true));
    asked = true;
    std::this_thread::sleep_for(kLook);
    TRY(source, beside->GetSource(source.id));
    if (!source.stop_asked) return PrintStatus(*beside, source, output);
  }
  return Error(ErrorKind::kUnavailable, "SOURCE_STOP_TIMEOUT",
               "the process that runs it was asked to stop it, and has not yet; look again with: "
               "mms source status")
      .At("data source " + flags.name);
}

/// Shows how far it is whenever that changed.
class ScanLine {
 public:
  explicit ScanLine(Output& output) : output_(output) {}

  void Show(const ScanTask& scan) {
    if (scan.progress == shown_) return;
    shown_ = scan.progress;
    if (output_.json()) {
      output_.Object("source_scan_progress", {{"id", scan.id}, {"progress", scan.progress}});
    } else {
      output_.Log(fmt::format("scan {}: {}.{:02} %", scan.id, shown_ / 100, shown_ % 100));
    }
  }

 private:
  Output& output_;
  int shown_ = -1;
};

Result<ScanTask> RunOneScan(Service& service, const SourceFlags& flags, Output& output) {
  TRY(const DataSource source, Find(service, flags.name));
  TRY(const int64_t id, service.CreateFetchMetadataJob(source.id, {flags.schema, flags.tables}));
  std::atomic<bool> interrupted{false};
  const Interrupt interrupt([&] { interrupted = true; });
  RunInBackground(service, output);
  ScanLine line(output);
  for (bool stopped = false;;) {
    TRY(const ScanTask scan, service.store().GetScan(id));
    line.Show(scan);
    if (scan.status == ScanStatus::kDone || scan.status == ScanStatus::kFailed) return scan;
    if (interrupted && !stopped) {
      // Refused while the connection is tried: then it is asked again.
      stopped = static_cast<bool>(service.StopDataSource(source.id));
    }
    std::this_thread::sleep_for(kLook);
  }
}

ExitCode Sync(const SourceFlags& flags, Output& output) {
  const auto service = Take(flags);
  if (!service) return output.Fail(service.error());
  const auto scan = RunOneScan(**service, flags, output);
  if (!scan) return output.Fail(scan.error());
  if (output.json()) output.Object("source_scan", ScanFields(*scan));
  if (const auto error = ErrorOfLedger(scan->error_json)) return output.Fail(*error);
  const Json result = Json::parse(scan->result);
  output.Log(fmt::format("{} databases, {} tables, {} partitions; {} could not be read",
                         result["databases"].get<int64_t>(), result["tables"].get<int64_t>(),
                         result["partitions"].get<int64_t>(),
                         result["failed_count"].get<int64_t>()));
  return result["failed_count"] == 0 ? ExitCode::kDone : ExitCode::kTasksFailed;
}

ExitCode CodeOf(const Status& status, Output& output) {
  return status ? ExitCode::kDone : output.Fail(status.error());
}

}  // namespace

ExitCode RunSourceStart(const SourceFlags& flags, Output& output) {
  return CodeOf(Serve(flags, output), output);
}
ExitCode RunSourceStop(const SourceFlags& flags, Output& output) {
  return CodeOf(Stop(flags, output), output);
}
ExitCode RunSourceSync(const SourceFlags& flags, Output& output) { return Sync(flags, output); }

}  // namespace mms::terminal
