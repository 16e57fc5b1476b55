// What a job takes, by who is paid for it, at the prices of an editable book. Pure.
//
// MMS names the payers (its billing table): MaxCompute for compute, Azure for bytes that leave it,
// Databricks for compute and its machines when rows are read by SQL, the network. What is not
// measured, and what has no price, is unknown and never 0.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/job.h"
#include "service/profile.h"

namespace mms::service {

/// Prices by unit, and their currency.
std::span<const ConfigItem> PriceItems();
/// nullptr when there is none.
const ConfigItem* FindPriceItem(std::string_view key);
/// Errors: those of ApplyProfileChanges.
Result<Profile> ApplyPriceChanges(const Profile& before, const nlohmann::json& changes);

/// What the store knows of a job's use.
struct JobUse {
  std::optional<int64_t> bytes_planned;   ///< nullopt when any task's is unknown
  int64_t bytes_read = 0;                 ///< that the storage sent: logs, footers, again what was
                                          ///< read again
  std::optional<int64_t> bytes_sent = 0;  ///< of blocks that arrived, as they were sent
  int64_t statements = 0;                 ///< of SQL at MaxCompute
  int64_t sql_ms = 0;                     ///< of tasks whose rows were read by SQL at Databricks
  std::optional<int64_t> statements_planned = {};  ///< nullopt = not foretold
  /// Of the source's instance (instance_share.h): milliseconds times compute units.
  std::optional<int64_t> unit_ms = 0;
  int64_t bytes_copied = 0;  ///< of what was planned
};

/// What a job that has ended took: how long at least one of its tasks ran, and for how many bytes
/// of source files.
struct JobRate {
  int64_t bytes = 0;  ///< above 0
  int64_t duration_ms = 0;
  std::optional<int64_t> bytes_sent = {}, unit_ms = {};  ///< as JobUse
};

struct CostLine {
  std::string payer;  ///< "Azure", "MaxCompute", "Databricks", "Network"
  std::string what;
  std::string unit;
  std::optional<double> quantity;
  std::string price_key;        ///< of the book
  std::optional<double> price;  ///< of a unit
  std::optional<double> cost() const;
};

std::vector<CostLine> CostOf(const JobUse& use, const Profile& prices);
/// Before it runs: what its tasks are known to hold, and what an earlier job took for as much.
std::vector<CostLine> EstimateOf(const JobUse& use, const Profile& prices,
                                 const std::optional<JobRate>& earlier);
/// nullopt when a line that is not 0 has no cost.
std::optional<double> SumOf(const std::vector<CostLine>& lines);
/// "USD" where the book has none.
std::string CurrencyOf(const Profile& prices);

/// A job's `max_egress_gb` and `max_cost` (JobConfig::others).
struct Budget {
  std::optional<double> egress_gb;
  std::optional<double> cost;

  bool none() const { return !egress_gb && !cost; }
};
/// Errors: kInvalidInput JOB_CONFIG for what is no number above 0.
Result<Budget> BudgetOf(const JobConfig& config);
/// Why a job was stopped that no user has stopped, and what is to be done.
struct StopCause {
  std::string reason, remedy;
};
/// nullopt = it is within its budget. What has no price may be any amount of money, so a budget in
/// money is not kept without.
std::optional<StopCause> ExceededBy(int64_t job_id, const JobUse& use, const Profile& prices,
                                    const Budget& budget);

}  // namespace mms::service
