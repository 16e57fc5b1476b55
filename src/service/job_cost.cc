#include "service/job_cost.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

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
    {"network.gb", kString, "Prices", "Network, a GB that is Read", "网络,读取每 GB", "", Price},
    {"network.sent.gb", kString, "Prices", "Network, a GB that is Sent", "网络,发送每 GB", "",
     Price},
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

/// Quantities in the units of the book; nullopt = unknown.
struct Quantities {
  std::optional<double> read_gb, sent_gb, statements, unit_hours, sql_hours;
};

std::vector<CostLine> LinesOf(const Quantities& of, const Profile& prices) {
  const auto line = [&](const char* payer, const char* what, const char* unit,
                        std::optional<double> quantity, const char* key) {
    return CostLine{payer, what, unit, quantity, key, PriceOf(prices, key)};
  };
  return {line("Azure", "bytes read from Azure", "GB", of.read_gb, "azure.egress.gb"),
          line("Network", "the same bytes on their way", "GB", of.read_gb, "network.gb"),
          line("Network", "bytes sent to MaxCompute", "GB", of.sent_gb, "network.sent.gb"),
          line("MaxCompute", "SQL statements", "statement", of.statements, "maxcompute.statement"),
          line("MaxCompute", "the instance, while tasks ran", "CU and hour", of.unit_hours,
               "maxcompute.cu.hour"),
          line("Databricks", "tasks read by SQL", "hour", of.sql_hours, "databricks.hour")};
}

std::optional<double> Gigabytes(std::optional<int64_t> bytes) {
  return bytes ? std::optional(static_cast<double>(*bytes) / kGigabyte) : std::nullopt;
}

std::optional<double> Hours(std::optional<int64_t> ms) {
  return ms ? std::optional(static_cast<double>(*ms) / kHourMs) : std::nullopt;
}

/// As much of `taken` as for the bytes of `earlier`.
std::optional<double> InProportion(std::optional<double> taken, int64_t bytes,
                                   const JobRate& earlier) {
  if (!taken) return std::nullopt;
  return *taken * static_cast<double>(bytes) / static_cast<double>(earlier.bytes);
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
  // Of what costs nothing it does not matter how much there is.
  if ((quantity && *quantity == 0) || (price && *price == 0)) return 0;
  if (!quantity || !price) return std::nullopt;
  return *quantity * *price;
}

std::vector<CostLine> CostOf(const JobUse& use, const Profile& prices) {
  return LinesOf({Gigabytes(use.bytes_read), Gigabytes(use.bytes_sent),
                  static_cast<double>(use.statements), Hours(use.unit_ms), Hours(use.sql_ms)},
                 prices);
}

std::vector<CostLine> EstimateOf(const JobUse& use, const Profile& prices,
                                 const std::optional<JobRate>& earlier) {
  Quantities of;
  of.read_gb = Gigabytes(use.bytes_planned);
  // How large rows are on the wire depends on the codec, which is measured when they are sent.
  if (use.bytes_planned == 0) {
    of.sent_gb = 0;
  } else if (use.bytes_planned && earlier) {
    of.sent_gb = InProportion(Gigabytes(earlier->bytes_sent), *use.bytes_planned, *earlier);
    of.unit_hours = InProportion(Hours(earlier->unit_ms), *use.bytes_planned, *earlier);
  }
  if (use.statements_planned) of.statements = static_cast<double>(*use.statements_planned);
  return LinesOf(of, prices);
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

namespace {

/// Of lines whose cost is unknown.
StopCause Unknown(const std::vector<CostLine>& lines, const std::string& go_on) {
  std::vector<std::string> unpriced, uncounted, settings;
  for (const CostLine& line : lines) {
    if (line.cost()) continue;
    const bool known = line.quantity.has_value();
    (known ? unpriced : uncounted).push_back(line.price_key);
    // Of what costs nothing it does not matter how much there was.
    const std::string setting = " --set " + line.price_key + (known ? "=..." : "=0");
    if (std::find(settings.begin(), settings.end(), setting) == settings.end()) {
      settings.push_back(setting);
    }
  }
  std::vector<std::string> reasons;
  if (!unpriced.empty()) {
    reasons.push_back(fmt::format("{} {} no price", fmt::join(unpriced, ", "),
                                  unpriced.size() == 1 ? "has" : "have"));
  }
  if (!uncounted.empty()) {
    reasons.push_back(fmt::format("not all of it was counted for {}", fmt::join(uncounted, ", ")));
  }
  return {fmt::format("max_cost: what was spent is unknown: {}", fmt::join(reasons, "; ")),
          fmt::format("mms source prices set{}, then {}", fmt::join(settings, ""), go_on)};
}

/// With as many digits as it takes, and never as 1e-06.
std::string Decimal(double number) {
  std::string text = fmt::format("{:.9f}", number);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

}  // namespace

std::optional<StopCause> ExceededBy(int64_t job_id, const JobUse& use, const Profile& prices,
                                    const Budget& budget) {
  const std::string go_on = fmt::format("mms job start {}", job_id);
  const double gigabytes = static_cast<double>(use.bytes_read) / kGigabyte;
  if (budget.egress_gb && gigabytes >= *budget.egress_gb) {
    const std::string read =
        gigabytes < 0.001 ? Decimal(gigabytes) : fmt::format("{:.3f}", gigabytes);
    return StopCause{fmt::format("max_egress_gb: {} GB were read, {} are allowed", read,
                                 Decimal(*budget.egress_gb)),
                     go_on + " --set max_egress_gb=..."};
  }
  if (!budget.cost) return std::nullopt;
  const std::vector<CostLine> lines = CostOf(use, prices);
  const std::optional<double> cost = SumOf(lines);
  if (!cost) return Unknown(lines, go_on);
  if (*cost < *budget.cost) return std::nullopt;
  return StopCause{fmt::format("max_cost: {:.2f} {} were spent, {} are allowed", *cost,
                               CurrencyOf(prices), Decimal(*budget.cost)),
                   go_on + " --set max_cost=..."};
}

}  // namespace mms::service
