// What carrying out a plan takes: tasks, blocks and bytes that are still to be copied, hours at a
// rate, cost by payer. What is not known is null, never 0.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "migration/ledger/ledger.h"
#include "migration/plan/plan.h"
#include "migration/workflow/statement_count.h"
#include "service/job_cost.h"
#include "service/store.h"
#include "terminal/output.h"

namespace mms::terminal {

class PlanEstimate {
 public:
  struct Wishes {
    std::optional<double> rate_mib;   ///< MiB a second; nullopt = that of the last run or job
    std::string window;               ///< "22:00-06:00"; "" = any time
    std::vector<std::string> prices;  ///< "azure.egress.gb=0.087"
    service::Profile book = {};       ///< what they are changes of
    /// That the last job took; nullopt = none, or the ledger's last run tells it.
    std::optional<service::JobRate> job_rate = {};
    bool by_instance = false;  ///< of a data source, which a run has not
    /// By which statements at MaxCompute are foretold; nullopt = they are not known.
    std::optional<migration::StatementCount::Rules> statements = {};
  };
  /// Errors: kInvalidInput PLAN_WINDOW; those of ApplyPriceChanges and of the ledger.
  static Result<PlanEstimate> Make(const Wishes& wishes, migration::Ledger& ledger);

  /// Counts what is not committed. Errors: those of the ledger.
  Status Add(migration::Ledger& ledger, int64_t table_id, const migration::TablePlan& plan);

  std::string Text() const;
  Json Fields() const;

 private:
  std::optional<double> Hours() const;
  std::optional<int64_t> Windows() const;
  std::vector<service::CostLine> Lines() const;

  service::Profile prices_;
  std::optional<service::JobRate> earlier_;
  bool by_instance_ = false;
  std::optional<double> rate_mib_;
  std::string rate_from_;  ///< "given", "last job", "last run"; "" = not known
  std::optional<double> window_hours_;
  int64_t tables_ = 0;
  int64_t units_ = 0;
  int64_t blocks_ = 0;
  int64_t bytes_ = 0;
  std::optional<migration::StatementCount::Rules> rules_;
  std::optional<int64_t> statements_ = 0;
  bool makes_schema_ = false;  ///< one statement more, whatever the number of tables
  bool by_sql_ = false;        ///< some rows are read by SQL: their bytes are estimates
};

/// Lines of a bill for programs.
Json CostFields(const std::vector<service::CostLine>& lines);
Json NumberOrNull(const std::optional<double>& number);

}  // namespace mms::terminal
