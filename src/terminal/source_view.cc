#include "terminal/source_view.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "terminal/table_report.h"
#include "terminal/text.h"

namespace mms::terminal {
namespace {

using service::AsyncTask;
using service::DataSource;
using service::ScanTask;
using service::Store;
using service::TaskStatus;
using enum service::SourceStatus;

constexpr int64_t kPage = 100;

/// Whether a source is, or should be, at work.
Result<bool> SeemsAlive(Store& store) {
  TRY(const int64_t tasks, store.CountOpenTasks());
  if (tasks > 0) return true;
  for (int64_t page = 1;; ++page) {
    TRY(const std::vector<DataSource> sources, store.ListSources({}, {page, kPage}));
    for (const DataSource& source : sources) {
      const bool alive =
          source.status == kStarting || source.status == kStarted || source.status == kStopping;
      if (alive) return true;
    }
    if (static_cast<int64_t>(sources.size()) < kPage) return false;
  }
}

Json TextOrNull(const std::string& text) { return text.empty() ? Json() : Json(text); }

/// The first step of its connection test that failed; null = none.
Json FailedStep(const std::optional<AsyncTask>& task) {
  if (!task || task->result.empty()) return Json();
  const Json result = Json::parse(task->result);
  for (const Json& step : result["steps"]) {
    if (step["outcome"] == "failed") return step;
  }
  return Json();
}

/// nullopt: without a price in the book it is unknown.
std::optional<double> InstanceCost(const service::InstanceTotals& totals,
                                   const service::Profile& prices) {
  constexpr double kHour = 3'600;
  const std::string price = prices.Get("maxcompute.cu.hour");
  if (price.empty()) return std::nullopt;
  return static_cast<double>(totals.unit_seconds) / kHour * std::stod(price);
}

std::string Sentence(const ScanTask& scan) {
  const std::optional<Error> error = ErrorOfLedger(scan.error_json);
  return fmt::format("scan {} {}, {}{}", scan.id, service::StatusName(scan.status),
                     Percent(scan.progress), error ? ": " + error->ToString() : "");
}

}  // namespace

Result<SourceView> SourceView::Open(const std::string& folder) {
  SourceView view;
  TRY(view.beside_, Store::OpenBeside(folder));
  TRY(const bool alive, SeemsAlive(*view.beside_));
  if (!alive) return view;
  service::ServiceOptions options;
  options.folder = folder;
  auto taken = service::Service::Open(std::move(options));
  if (taken) {
    view.service_ = *std::move(taken);
  } else if (taken.error().code() != "STATE_IN_USE") {
    return taken.error();
  }
  return view;
}

Result<std::unique_ptr<service::Service>> TakeService(const SourceFlags& flags) {
  service::ServiceOptions options;
  options.folder = flags.state;
  options.idle_ms = flags.idle_minutes * 60'000;
  return service::Service::Open(std::move(options));
}

Result<Json> ReadSettings(const std::vector<std::string>& texts,
                          const service::ConfigItem* (*find)(std::string_view key)) {
  Json settings = Json::object();
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    const std::string key = text.substr(0, equals);
    if (equals == text.npos) {
      return Error(ErrorKind::kInvalidInput, "CONFIG_VALUE",
                   "--set takes KEY=VALUE; the verb items lists the keys");
    }
    const std::string value = text.substr(equals + 1);
    const service::ConfigItem* item = find(key);
    const bool secret = item != nullptr && item->type == service::ConfigType::kPassword;
    if (!secret || value.empty()) {
      settings[key] = value;
      continue;
    }
    TRY(const Secret read, ResolveSecret(value, key));
    settings[key] = read.Reveal();
  }
  return settings;
}

void PrintItems(std::span<const service::ConfigItem> items, const SourceFlags& flags,
                Output& output) {
  const bool chinese = flags.lang == "zh_CN";
  TextTable table({{"KEY"}, {"TYPE"}, {"DEFAULT"}, {"NAME"}});
  for (const service::ConfigItem& item : items) {
    const std::string name = chinese ? item.name_zh : item.name;
    if (output.json()) {
      output.Object("source_item", {{"key", item.key},
                                    {"name", name},
                                    {"value_type", service::TypeName(item.type)},
                                    {"group", item.group},
                                    {"required", item.required},
                                    {"fixed", item.fixed},
                                    {"default", *item.value ? Json(item.value) : Json()}});
    } else {
      table.AddRow({item.key, std::string(service::TypeName(item.type)),
                    item.required ? "(required)" : item.value, name});
    }
  }
  if (!output.json()) output.Result(table.Render(ScreenOf(STDOUT_FILENO).utf8));
}

std::string Percent(int hundredths) {
  return fmt::format("{}.{:02} %", hundredths / 100, hundredths % 100);
}

std::string TimeText(std::optional<int64_t> ms) {
  if (!ms) return "-";
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(static_cast<std::time_t>(*ms / 1000)));
}

Json SourceFields(const DataSource& source) {
  Json config = Json::object();
  for (const auto& [key, value] : source.config.values) config[key] = value;
  for (const auto& [key, secret] : source.config.secrets) config[key] = service::kMasked;
  return {{"id", source.id},
          {"name", source.name},
          {"source_type", source.type},
          {"networklink", source.networklink},
          {"status", service::StatusName(source.status)},
          {"error", TextOrNull(source.error)},
          {"created_ms", source.created_ms},
          {"updated_ms", OrNull(source.updated_ms)},
          {"config", config}};
}

Json ScanFields(const ScanTask& scan) {
  const std::optional<Error> error = ErrorOfLedger(scan.error_json);
  return {{"id", scan.id},
          {"cause", scan.cause},
          {"source_schema", TextOrNull(scan.db_name)},
          {"tables", scan.table_names},
          {"status", service::StatusName(scan.status)},
          {"progress", scan.progress},
          {"created_ms", scan.created_ms},
          {"started_ms", OrNull(scan.started_ms)},
          {"ended_ms", OrNull(scan.ended_ms)},
          {"interruptions", scan.interruptions},
          {"result", scan.result.empty() ? Json() : Json::parse(scan.result)},
          {"error", error ? ErrorFields(*error) : Json()}};
}

Json TaskFields(const AsyncTask& task) {
  const std::optional<Error> error = ErrorOfLedger(task.error_json);
  return {{"id", task.id},
          {"task_type", service::TypeName(task.type)},
          {"cause", task.cause},
          {"status", service::StatusName(task.status)},
          {"running", task.status == TaskStatus::kDoing},
          {"started_ms", task.started_ms},
          {"ended_ms", OrNull(task.ended_ms)},
          {"result", task.result.empty() ? Json() : Json::parse(task.result)},
          {"error", error ? ErrorFields(*error) : Json()}};
}

void PrintSteps(const AsyncTask& task, Output& output) {
  if (task.result.empty() || output.json()) return;
  TextTable table({{"STEP"}, {"OUTCOME"}, {"MS", TextTable::Align::kRight}, {"DETAIL"}});
  const Json result = Json::parse(task.result);
  for (const Json& step : result["steps"]) {
    const std::string remedy =
        step["remedy"].is_null() ? "" : "; " + step["remedy"].get<std::string>();
    table.AddRow({step["name"], step["outcome"], Thousands(step["duration_ms"].get<int64_t>()),
                  step["detail"].get<std::string>() + remedy});
  }
  output.Result(table.Render(ScreenOf(STDOUT_FILENO).utf8));
}

void PrintSource(const DataSource& source, Output& output) {
  if (output.json()) return output.Object("source", SourceFields(source));
  std::string text = fmt::format("{}  {}  {}  added {}  network {}\n", source.name, source.id,
                                 service::StatusName(source.status), TimeText(source.created_ms),
                                 source.networklink);
  const Json fields = SourceFields(source);
  for (const auto& [key, value] : fields["config"].items()) {
    text += fmt::format("  {} = {}\n", key, value.get<std::string>());
  }
  output.Result(text);
}

Status PrintStatus(Store& store, const DataSource& source, Output& output) {
  TRY(const service::InstanceTotals totals, store.Totals(source.id, INT64_MAX));
  TRY(const std::vector<ScanTask> scans, store.ListScans(source.id, {1, 1}));
  TRY(const auto start, store.LastTask(source.id, service::AsyncType::kSourceStart));
  const Json failed_step = FailedStep(start);
  TRY(const service::Profile prices, store.GetPrices());
  const std::optional<double> cost = InstanceCost(totals, prices);
  if (output.json()) {
    const Json instance = {{"compute_units", service::Service::kComputeUnits},
                           {"spans", totals.spans},
                           {"running_ms", totals.running_ms},
                           {"unit_seconds", totals.unit_seconds},
                           {"cost", cost ? Json(*cost) : Json()},
                           {"currency", service::CurrencyOf(prices)}};
    output.Object("source_status", {{"id", source.id},
                                    {"name", source.name},
                                    {"status", service::StatusName(source.status)},
                                    {"error", TextOrNull(source.error)},
                                    {"failed_step", failed_step},
                                    {"updated_ms", OrNull(source.updated_ms)},
                                    {"scan", scans.empty() ? Json() : ScanFields(scans.front())},
                                    {"instance", instance}});
    return OkStatus();
  }
  std::string text = fmt::format("{}  {}\n", source.name, service::StatusName(source.status));
  if (!source.error.empty()) text += "  error: " + source.error + "\n";
  text += "  last sync: " + TimeText(source.updated_ms) + "\n";
  if (!scans.empty()) text += "  " + Sentence(scans.front()) + "\n";
  const std::string price =
      cost ? fmt::format("{:.2f} {}", *cost, service::CurrencyOf(prices)) : "cost unknown";
  text += fmt::format("  instance: {} in all, {} CU seconds ({} CU), {}\n",
                      HumanDuration(totals.running_ms), Thousands(totals.unit_seconds),
                      service::Service::kComputeUnits, price);
  output.Result(text);
  return OkStatus();
}

}  // namespace mms::terminal
