#include "service/job_cost.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

namespace mms::service {
namespace {

using Text = Result<std::string>;
using enum ConfigType;

constexpr double kGigabyte = 1e9;
constexpr double kHourMs = 3'600'000;

std::optional<double> ParseNumber(const std::string& text) {
  double number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && stop == text.data() + text.size();
  return whole && number >= 0 && number < 1e15 ? std::optional(number) : std::nullopt;
}

Text Price(const std::string& text) {
  if (ParseNumber(text)) return text;
  return Error(ErrorKind::kInvalidInput, "CONFIG_VALUE",
               "must be a number such as 0.087, without the currency");
}

Text AsIs(const std::string& text) { return text; }

constexpr auto kItems = std::to_array<ConfigItem>({
    {"currency", kString, "Prices", "Currency", "货币", "USD", AsIs},
    {"azure.egress.gb", kString, "Prices", "Azure Egress, a GB", "Azure 流出流量,每 GB", "", Price},
    {"network.gb", kString, "Prices", "Network, a GB", "网络,每 GB", "", Price},
    {"databricks.hour", kString, "Prices", "Databricks Compute with its VMs, an Hour",
     "Databricks 计算及虚拟机,每小时", "", Price},
    {"maxcompute.statement", kString, "Prices", "MaxCompute SQL, a Statement",
     "MaxCompute SQL,每条语句", "", Price},
    {"maxcompute.cu.hour", kString, "Prices", "MaxCompute Instance, a CU and Hour",
     "MaxCompute 实例,每 CU 每小时", "", Price},
});

std::optional<double> PriceOf(const Profile& prices, const char* key) {
  const std::string text = prices.Get(key);
  return text.empty() ? std::nullopt : ParseNumber(text);
}

/// `bytes`: of data files.
std::vector<CostLine> LinesOf(std::optional<double> bytes, std::optional<double> statements,
                              std::optional<double> sql_hours, const Profile& prices) {
  const std::optional<double> gigabytes = bytes ? std::optional(*bytes / kGigabyte) : std::nullopt;
  return {
      {"Azure", "bytes read from Blob storage", "GB", gigabytes,
       PriceOf(prices, "azure.egress.gb")},
      {"Network", "the same bytes on their way", "GB", gigabytes, PriceOf(prices, "network.gb")},
      {"MaxCompute", "SQL statements", "statement", statements,
       PriceOf(prices, "maxcompute.statement")},
      {"Databricks", "tasks read by SQL", "hour", sql_hours, PriceOf(prices, "databricks.hour")}};
}

Result<std::optional<double>> LimitOf(const JobConfig& config, const char* key) {
  const auto found = config.others.find(key);
  if (found == config.others.end()) return std::optional<double>();
  const auto number = ParseNumber(found->second);
  if (number && *number > 0) return number;
  return Error(ErrorKind::kInvalidInput, "JOB_CONFIG",
               fmt::format("others.{} must be a number above 0; it is {}", key, found->second));
}

}  // namespace

std::span<const ConfigItem> PriceItems() { return kItems; }

const ConfigItem* FindPriceItem(std::string_view key) {
  const auto* const found = std::find_if(kItems.begin(), kItems.end(),
                                         [&](const ConfigItem& item) { return item.key == key; });
  return found == kItems.end() ? nullptr : &*found;
}

Result<Profile> ApplyPriceChanges(const Profile& before, const nlohmann::json& changes) {
  return ApplyProfileChanges(before, changes, {FindPriceItem, "price book", "mms source prices"});
}

std::optional<double> CostLine::cost() const {
  if (quantity && *quantity == 0) return 0;
  if (!quantity || !price) return std::nullopt;
  return *quantity * *price;
}

std::vector<CostLine> CostOf(const JobUse& use, const Profile& prices) {
  return LinesOf(static_cast<double>(use.bytes_read), static_cast<double>(use.statements),
                 static_cast<double>(use.sql_ms) / kHourMs, prices);
}

std::vector<CostLine> EstimateOf(const JobUse& use, const Profile& prices) {
  std::optional<double> bytes;
  if (use.bytes_planned) bytes = static_cast<double>(*use.bytes_planned);
  std::optional<double> statements;
  if (use.statements_planned) statements = static_cast<double>(*use.statements_planned);
  return LinesOf(bytes, statements, std::nullopt, prices);
}

std::optional<double> SumOf(const std::vector<CostLine>& lines) {
  double sum = 0;
  for (const CostLine& line : lines) {
    const std::optional<double> cost = line.cost();
    if (!cost) return std::nullopt;
    sum += *cost;
  }
  return sum;
}

std::string CurrencyOf(const Profile& prices) {
  const std::string currency = prices.Get("currency");
  return currency.empty() ? "USD" : currency;
}

Result<Budget> BudgetOf(const JobConfig& config) {
  Budget budget;
  TRY(budget.egress_gb, LimitOf(config, "max_egress_gb"));
  TRY(budget.cost, LimitOf(config, "max_cost"));
  return budget;
}

std::string ExceededBy(const JobUse& use, const Profile& prices, const Budget& budget) {
  const double gigabytes = static_cast<double>(use.bytes_read) / kGigabyte;
  if (budget.egress_gb && gigabytes >= *budget.egress_gb) {
    return fmt::format("max_egress_gb: {:.3f} GB were read, {} are allowed", gigabytes,
                       *budget.egress_gb);
  }
  const std::optional<double> cost = budget.cost ? SumOf(CostOf(use, prices)) : std::nullopt;
  if (!cost || *cost < *budget.cost) return "";
  return fmt::format("max_cost: {:.2f} {} were spent, {} are allowed", *cost, CurrencyOf(prices),
                     *budget.cost);
}

}  // namespace mms::service
