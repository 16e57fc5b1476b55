// `mms source prices ...`: the price book of a state folder.
#include "service/job_cost.h"
#include "terminal/source_verbs.h"
#include "terminal/source_view.h"

namespace mms::terminal {
namespace {

void PrintPrices(const service::Profile& prices, Output& output) {
  Json config = Json::object();
  for (const auto& [key, value] : prices.values) config[key] = value;
  if (output.json()) {
    output.Object("source_prices", {{"config", config}});
    return;
  }
  std::string text = "prices in " + service::CurrencyOf(prices) + "\n";
  for (const auto& [key, value] : config.items()) {
    if (key != "currency") text += "  " + key + " = " + value.get<std::string>() + "\n";
  }
  output.Result(text);
}

}  // namespace

Result<ExitCode> RunSourcePricesItems(const SourceFlags& flags, Output& output) {
  PrintItems(service::PriceItems(), flags, output);
  return ExitCode::kDone;
}

Result<ExitCode> RunSourcePricesSet(const SourceFlags& flags, Output& output) {
  TRY(const Json settings, ReadSettings(flags.settings, service::FindPriceItem));
  if (settings.empty()) {
    return Error(ErrorKind::kInvalidInput, "CONFIG_VALUE",
                 "nothing to change; give --set KEY=VALUE");
  }
  TRY(const auto store, service::Store::OpenBeside(flags.state));
  TRY(const service::Profile before, store->GetPrices());
  TRY(const service::Profile prices, service::ApplyPriceChanges(before, nlohmann::json(settings)));
  TRY_VOID(store->SavePrices(prices));
  PrintPrices(prices, output);
  return ExitCode::kDone;
}

Result<ExitCode> RunSourcePricesShow(const SourceFlags& flags, Output& output) {
  TRY(SourceView view, SourceView::Open(flags.state));
  TRY(const service::Profile prices, view.store().GetPrices());
  PrintPrices(prices, output);
  return ExitCode::kDone;
}

}  // namespace mms::terminal
