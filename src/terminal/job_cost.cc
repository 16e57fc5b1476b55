// `mms job cost`: what a job takes, by who is paid for it.
#include <fmt/format.h>
#include <unistd.h>

#include "service/job_cost.h"
#include "terminal/job_verbs.h"
#include "terminal/plan_estimate.h"
#include "terminal/source_view.h"
#include "terminal/text.h"

namespace mms::terminal {
namespace {

using service::CostLine;

std::string NumberText(const std::optional<double>& number, const char* form) {
  return number ? fmt::format(fmt::runtime(form), *number) : "?";
}

}  // namespace

Result<ExitCode> RunJobCost(const JobFlags& flags, Output& output) {
  TRY(SourceView view, SourceView::Open(flags.state));
  TRY(const service::Job job, view.store().GetJob(flags.id));
  TRY(const service::JobUse use, view.store().UseOfJob(job.id));
  TRY(const service::Profile prices, view.store().GetPrices());
  const auto used = service::CostOf(use, prices);
  TRY(const auto earlier, view.store().LastRate(job.source_id, job.id));
  const auto estimated = service::EstimateOf(use, prices, earlier);
  const std::string currency = service::CurrencyOf(prices);
  if (output.json()) {
    output.Object("job_cost", {{"id", job.id},
                               {"currency", currency},
                               {"used", CostFields(used)},
                               {"cost", NumberOrNull(service::SumOf(used))},
                               {"estimated", CostFields(estimated)}});
    return ExitCode::kDone;
  }
  TextTable table({{"PAYER"},
                   {"FOR"},
                   {"ESTIMATED", TextTable::Align::kRight},
                   {"USED", TextTable::Align::kRight},
                   {"UNIT"},
                   {"PRICE", TextTable::Align::kRight},
                   {"COST", TextTable::Align::kRight}});
  for (size_t i = 0; i < used.size(); ++i) {
    const CostLine& line = used[i];
    table.AddRow({line.payer, line.what, NumberText(estimated[i].quantity, "{:.6g}"),
                  NumberText(line.quantity, "{:.6g}"), line.unit, NumberText(line.price, "{:.6g}"),
                  NumberText(line.cost(), "{:.2f}")});
  }
  output.Result(table.Render(ScreenOf(STDOUT_FILENO).utf8) +
                fmt::format("job {}: {} {} so far; ? is unknown, prices are kept by mms source "
                            "prices set\n",
                            job.id, NumberText(service::SumOf(used), "{:.2f}"), currency));
  return ExitCode::kDone;
}

}  // namespace mms::terminal
