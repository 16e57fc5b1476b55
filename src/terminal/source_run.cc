#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "terminal/interrupt.h"
#include "terminal/live_progress.h"
#include "terminal/source_verbs.h"
#include "terminal/source_view.h"
#include "terminal/table_report.h"
#include "terminal/text.h"

namespace mms::terminal {
namespace {

using service::DataSource;
using service::ScanTask;
using service::Service;
using service::TaskStatus;
using enum service::SourceStatus;

constexpr auto kLook = std::chrono::milliseconds(100);
constexpr auto kStopDeadline = std::chrono::seconds(60);

Result<DataSource> Find(Service& service, const std::string& name) {
  return service.store().FindSource(name);
}

void RunInBackground(Service& service, Output& output) {
  service.RunInBackground([&output](const Error& error) { output.Log(error.ToString()); });
}

/// Why the folder is served no longer; "" = it still is.
Result<std::string> EndOf(Service& service, const DataSource& source) {
  if (service.WasAskedToStop(source.id)) return std::string("stopped");
  if (source.status != kStopped) return std::string();
  TRY(const bool more, service.HasMoreToDo());
  return more ? std::string() : std::string("shut down, since nothing waits or runs");
}

LiveProgress::Look LookAt(const Result<ScanTask>& scan, int64_t elapsed_ms) {
  if (!scan) {
    const std::string why = scan.error().ToString();
    return {{}, {why}, why, {{"id", nullptr}, {"progress", nullptr}, {"elapsed_ms", elapsed_ms}}};
  }
  const std::string sentence = fmt::format("scan {}: {}", scan->id, Percent(scan->progress));
  return {{},
          {sentence + "  " + HumanDuration(elapsed_ms)},
          sentence,
          {{"id", scan->id}, {"progress", scan->progress}, {"elapsed_ms", elapsed_ms}}};
}

Result<ScanTask> RunOneScan(Service& service, const SourceFlags& flags, Output& output) {
  TRY(const DataSource source, Find(service, flags.name));
  TRY(const int64_t id, service.CreateFetchMetadataJob(source.id, {flags.schema, flags.tables}));
  std::atomic<bool> interrupted{false};
  const Interrupt interrupt([&] { interrupted = true; });
  RunInBackground(service, output);
  LiveProgress progress(output, "source_scan_progress", [&](int64_t elapsed_ms, const Screen&) {
    return LookAt(service.store().GetScan(id), elapsed_ms);
  });
  progress.Start();
  for (bool stopped = false;;) {
    if (const auto broken = service.Broken()) return *broken;
    TRY(const ScanTask scan, service.store().GetScan(id));
    if (scan.status == TaskStatus::kDone || scan.status == TaskStatus::kFailed) return scan;
    if (interrupted && !stopped) {
      // Refused while the connection is tried: then it is asked again.
      stopped = static_cast<bool>(service.StopDataSource(source.id));
    }
    std::this_thread::sleep_for(kLook);
  }
}

}  // namespace

Result<ExitCode> RunSourceStart(const SourceFlags& flags, Output& output) {
  TRY(const auto service, TakeService(flags));
  TRY(DataSource source, Find(*service, flags.name));
  TRY_VOID(service->StartDataSource(source.id));
  std::atomic<bool> interrupted{false};
  const Interrupt interrupt([&] { interrupted = true; });
  TRY(source, service->store().GetSource(source.id));
  TRY_VOID(PrintStatus(service->store(), source, output));
  RunInBackground(*service, output);
  while (!interrupted) {
    if (const auto broken = service->Broken()) return *broken;
    TRY(source, service->store().GetSource(source.id));
    TRY(const std::string end, EndOf(*service, source));
    if (!end.empty()) {
      output.Log("data source " + source.name + ": " + end);
      return ExitCode::kDone;
    }
    std::this_thread::sleep_for(kLook);
  }
  output.Log("data source " + source.name + ": stopping");
  return ExitCode::kDone;
}

Result<ExitCode> RunSourceStop(const SourceFlags& flags, Output& output) {
  const auto deadline = std::chrono::steady_clock::now() + kStopDeadline;
  TRY(const auto beside, service::Store::OpenBeside(flags.state));
  TRY(DataSource source, beside->FindSource(flags.name));
  bool asked = false;
  while (std::chrono::steady_clock::now() < deadline) {
    const auto service = TakeService(flags);
    if (service) {  // nobody works there, or its process died
      TRY_VOID((*service)->StopDataSource(source.id));
      TRY(source, (*service)->store().GetSource(source.id));
      TRY_VOID(PrintStatus((*service)->store(), source, output));
      return ExitCode::kDone;
    }
    if (service.error().code() != "STATE_IN_USE") return service.error();
    if (!asked) TRY_VOID(beside->AskStop(source.id, true));
    asked = true;
    std::this_thread::sleep_for(kLook);
    TRY(source, beside->GetSource(source.id));
    if (source.stop_asked) continue;
    TRY_VOID(PrintStatus(*beside, source, output));
    return ExitCode::kDone;
  }
  return Error(ErrorKind::kUnavailable, "SOURCE_STOP_TIMEOUT",
               "the process that runs it was asked to stop it, and has not yet; look again with: "
               "mms source status")
      .At("data source " + flags.name);
}

/// Of a scan's result document. An earlier release's has none.
void LogScanWarnings(const Json& result, Output& output) {
  constexpr size_t kShown = 20;
  if (!result.contains("warnings")) return;
  const Json& warnings = result["warnings"];
  const size_t told = std::min(warnings.size(), kShown);
  for (size_t i = 0; i < told; ++i) {
    output.Log("warning: " + warnings[i]["name"].get<std::string>() + ": " +
               warnings[i]["warning"].get<std::string>());
  }
  const int64_t untold = result["warning_count"].get<int64_t>() - static_cast<int64_t>(told);
  if (untold > 0) {
    output.Log("warning: " + Thousands(untold) + " more; mms source tables names them");
  }
}

Result<ExitCode> RunSourceSync(const SourceFlags& flags, Output& output) {
  TRY(const auto service, TakeService(flags));
  TRY(const ScanTask scan, RunOneScan(*service, flags, output));
  if (output.json()) output.Object("source_scan", ScanFields(scan));
  if (const auto error = ErrorOfLedger(scan.error_json)) return *error;
  const Json result = Json::parse(scan.result);
  const Json& failed = result["failed"];
  for (const Json& one : failed) {
    const std::optional<Error> why = ErrorOfLedger(one["error"].dump());
    const auto name = one["name"].get<std::string>();
    const std::string text = why ? why->ToString() : "";
    output.Log("failed: " + (text.find(name) == text.npos ? name + ": " + text : text));
  }
  LogScanWarnings(result, output);
  if (result["note"].is_string()) output.Log("note: " + result["note"].get<std::string>());
  const auto failed_count = result["failed_count"].get<int64_t>();
  const int64_t untold = failed_count - static_cast<int64_t>(failed.size());
  if (untold > 0)
    output.Log("failed: " + Thousands(untold) + " more; mms source tables names them");
  output.Log(fmt::format("{} databases, {} tables, {} partitions; {} could not be read",
                         result["databases"].get<int64_t>(), result["tables"].get<int64_t>(),
                         result["partitions"].get<int64_t>(), failed_count));
  return failed_count == 0 ? ExitCode::kDone : ExitCode::kTasksFailed;
}

}  // namespace mms::terminal
