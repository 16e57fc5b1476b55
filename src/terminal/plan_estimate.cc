#include "terminal/plan_estimate.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "migration/workflow/planning.h"
#include "migration/workflow/run_facts.h"
#include "terminal/text.h"

namespace mms::terminal {
namespace {

constexpr double kMib = 1 << 20;
constexpr int kDayMinutes = 24 * 60;

/// Hours of "22:00-06:00"; equal ends are a whole day, as of a data source.
Result<double> WindowHours(const std::string& text) {
  int from_hour = 0, from_minute = 0, to_hour = 0, to_minute = 0, end = 0;
  const int read = std::sscanf(text.c_str(), "%2d:%2d-%2d:%2d%n", &from_hour, &from_minute,
                               &to_hour, &to_minute, &end);
  const auto valid = [](int hour, int minute) {
    return hour >= 0 && hour < 24 && minute >= 0 && minute < 60;
  };
  if (read != 4 || static_cast<size_t>(end) != text.size() || !valid(from_hour, from_minute) ||
      !valid(to_hour, to_minute)) {
    return Error(ErrorKind::kInvalidInput, "PLAN_WINDOW",
                 "--window must be of the form 22:00-06:00; it is " + text);
  }
  const int minutes = (to_hour - from_hour) * 60 + to_minute - from_minute;
  return (minutes > 0 ? minutes : minutes + kDayMinutes) / 60.0;
}

Result<service::Profile> PricesOf(const service::Profile& book,
                                  const std::vector<std::string>& settings) {
  nlohmann::json changes = nlohmann::json::object();
  for (const std::string& setting : settings) {
    const size_t equals = setting.find('=');
    if (equals == std::string::npos) {
      return Error(ErrorKind::kInvalidInput, "CONFIG_VALUE",
                   "--price must be of the form azure.egress.gb=0.087; it is " + setting);
    }
    changes[setting.substr(0, equals)] = setting.substr(equals + 1);
  }
  return service::ApplyPriceChanges(book, changes);
}

std::string NumberText(const std::optional<double>& number, const char* form) {
  return number ? fmt::format(fmt::runtime(form), *number) : "?";
}

}  // namespace

Json NumberOrNull(const std::optional<double>& number) { return number ? Json(*number) : Json(); }

Json CostFields(const std::vector<service::CostLine>& lines) {
  Json list = Json::array();
  for (const service::CostLine& line : lines) {
    list.push_back({{"payer", line.payer},
                    {"what", line.what},
                    {"unit", line.unit},
                    {"quantity", NumberOrNull(line.quantity)},
                    {"price", NumberOrNull(line.price)},
                    {"cost", NumberOrNull(line.cost())}});
  }
  return list;
}

Result<PlanEstimate> PlanEstimate::Make(const Wishes& wishes, migration::Ledger& ledger) {
  PlanEstimate estimate;
  TRY(estimate.prices_, PricesOf(wishes.book, wishes.prices));
  estimate.rules_ = wishes.statements;
  estimate.earlier_ = wishes.job_rate;
  estimate.by_instance_ = wishes.by_instance;
  if (!estimate.rules_) estimate.statements_.reset();
  if (!wishes.window.empty()) {
    TRY(estimate.window_hours_, WindowHours(wishes.window));
  }
  if (wishes.rate_mib) {
    estimate.rate_mib_ = wishes.rate_mib;
    estimate.rate_from_ = "given";
    return estimate;
  }
  const auto take = [&](const auto& rate, const char* from) {
    const double seconds = static_cast<double>(rate.duration_ms) / 1000;
    estimate.rate_mib_ = static_cast<double>(rate.bytes) / kMib / seconds;
    estimate.rate_from_ = from;
  };
  if (wishes.job_rate) {
    take(*wishes.job_rate, "last job");
    return estimate;
  }
  TRY(const auto last, migration::ReadLastRun(ledger));
  if (last && last->rate && last->rate->duration_ms > 0) take(*last->rate, "last run");
  return estimate;
}

Status PlanEstimate::Add(migration::Ledger& ledger, int64_t table_id,
                         const migration::TablePlan& plan) {
  const int64_t before = units_;
  // By task, since each makes and compares its own partitions; of a run there is one.
  std::map<int64_t, migration::StatementCount> statements;
  TRY_VOID(ledger.ListUnits(
      table_id, migration::UnitState::kCommitted, [&](const migration::UnitRecord& unit) -> Status {
        TRY(const migration::UnitPlan parsed,
            migration::UnitPlanFromJson(nlohmann::json::parse(unit.plan_json, nullptr, false)));
        if (rules_) {
          const bool first = statements.empty();
          statements.try_emplace(unit.task, plan, *rules_, first).first->second.Add(unit, parsed);
        }
        if (unit.fingerprint == migration::kFingerprintToDrop) return OkStatus();
        ++units_;
        blocks_ += static_cast<int64_t>(parsed.splits.size());
        bytes_ += unit.bytes;
        return OkStatus();
      }));
  for (auto& [task, count] : statements) {
    const std::optional<int64_t> taken = std::move(count).Finish();
    if (!taken) statements_.reset();
    if (statements_) *statements_ += *taken;
  }
  if (units_ == before) return OkStatus();
  if (plan.MakesSchema() && !std::exchange(makes_schema_, true) && statements_) ++*statements_;
  ++tables_;
  by_sql_ = by_sql_ || plan.sql.has_value();
  return OkStatus();
}

std::optional<double> PlanEstimate::Hours() const {
  if (bytes_ == 0 && !by_sql_) return 0;
  if (!rate_mib_) return std::nullopt;
  return static_cast<double>(bytes_) / kMib / *rate_mib_ / 3600;
}

std::optional<int64_t> PlanEstimate::Windows() const {
  const std::optional<double> hours = Hours();
  if (!hours || !window_hours_) return std::nullopt;
  return static_cast<int64_t>(std::ceil(*hours / *window_hours_));
}

std::vector<service::CostLine> PlanEstimate::Lines() const {
  service::JobUse use;
  // What SQL reads is no file in a storage account of ours.
  if (!by_sql_) use.bytes_planned = bytes_;
  use.statements_planned = statements_;
  auto lines = service::EstimateOf(use, prices_, earlier_);
  for (service::CostLine& line : lines) {
    const bool databricks = line.payer == "Databricks";
    const bool instance = line.price_key == "maxcompute.cu.hour";
    if ((databricks && !by_sql_) || (instance && !by_instance_)) line.quantity = 0;  // is not asked
  }
  return lines;
}

std::string PlanEstimate::Text() const {
  std::string text = "to copy: " + Counted(tables_, "table") + " in " + Counted(units_, "unit") +
                     ", " + Counted(blocks_, "block") + ", " + HumanBytes(bytes_) + "\n";
  text += fmt::format("time: {} hours", NumberText(Hours(), "{:.2f}"));
  if (rate_mib_) {
    text += fmt::format(" at {:.4g} MiB/s ({})", *rate_mib_,
                        rate_from_ == "given" ? "as given" : "that of the " + rate_from_);
  } else if (!Hours()) {
    text += "; name a rate by --rate-mib, or run once: none was measured yet";
  }
  if (window_hours_) {
    text += fmt::format("; windows of {:.4g} hours: {}", *window_hours_, Thousands(Windows()));
  }
  const auto lines = Lines();
  const std::string currency = service::CurrencyOf(prices_);
  for (const service::CostLine& line : lines) {
    text +=
        fmt::format("\ncost: {}, {}: {} {} at {} = {} {}", line.payer, line.what,
                    NumberText(line.quantity, "{:.6g}"), line.unit,
                    NumberText(line.price, "{:.6g}"), NumberText(line.cost(), "{:.2f}"), currency);
  }
  return text + fmt::format("\ncost: {} {} in all; ? is unknown, prices by --price KEY=VALUE\n",
                            NumberText(service::SumOf(lines), "{:.2f}"), currency);
}

Json PlanEstimate::Fields() const {
  const auto lines = Lines();
  return {{"tables", tables_},
          {"units", units_},
          {"blocks", blocks_},
          {"bytes", bytes_},
          {"rate_mib", NumberOrNull(rate_mib_)},
          {"rate_from", rate_from_.empty() ? Json(nullptr) : Json(rate_from_)},
          {"hours", NumberOrNull(Hours())},
          {"window_hours", NumberOrNull(window_hours_)},
          {"windows", OrNull(Windows())},
          {"currency", service::CurrencyOf(prices_)},
          {"lines", CostFields(lines)},
          {"cost", NumberOrNull(service::SumOf(lines))}};
}

}  // namespace mms::terminal
