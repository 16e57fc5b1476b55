#include "migration/plan/fidelity.h"

#include <array>
#include <nlohmann/json.hpp>

namespace mms::migration {
namespace {

using nlohmann::json;

/// In the order of Fidelity.
constexpr std::array<std::string_view, 4> kNames = {"lossless", "widening", "lossy", "refused"};

}  // namespace

std::string_view FidelityName(Fidelity fidelity) { return kNames[static_cast<size_t>(fidelity)]; }

std::optional<Fidelity> ParseFidelity(std::string_view name) {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<Fidelity>(i);
  }
  return std::nullopt;
}

void FidelityCounts::Add(Fidelity fidelity) {
  switch (fidelity) {
    case Fidelity::kLossless: ++lossless; return;
    case Fidelity::kWidening: ++widening; return;
    case Fidelity::kLossy: ++lossy; return;
    case Fidelity::kRefused: ++refused; return;
  }
}

json ToJson(const ColumnRefusals& refusals) {
  json columns = json::array();
  for (const RefusedColumn& column : refusals.columns) {
    columns.push_back(json::array({column.source_name, column.source_type, column.reason}));
  }
  const FidelityCounts& counts = refusals.counts;
  return {{"lossless", counts.lossless},
          {"widening", counts.widening},
          {"lossy", counts.lossy},
          {"columns", std::move(columns)}};
}

Result<ColumnRefusals> ColumnRefusalsFromJson(const json& document) {
  try {
    ColumnRefusals refusals;
    document.at("lossless").get_to(refusals.counts.lossless);
    document.at("widening").get_to(refusals.counts.widening);
    document.at("lossy").get_to(refusals.counts.lossy);
    for (const json& column : document.at("columns")) {
      refusals.columns.push_back({column.at(0), column.at(1), column.at(2)});
      refusals.counts.Add(Fidelity::kRefused);
    }
    return refusals;
  } catch (const json::exception& exception) {
    return Error(ErrorKind::kCorrupt, "PLAN_INVALID",
                 std::string("the stored verdicts on a table's columns cannot be read: ") +
                     exception.what() + "; plan the table again");
  }
}

}  // namespace mms::migration
