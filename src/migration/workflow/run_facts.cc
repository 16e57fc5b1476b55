#include "migration/workflow/run_facts.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace mms::migration {

using nlohmann::json;

json ToJson(const RunFacts& facts) {
  json pacing = json::object();
  for (const PacingReport& limit : facts.pacing) {
    pacing[limit.limit] = {
        {"granted", limit.granted}, {"delayed", limit.delayed}, {"wait_ms", limit.wait_ms}};
  }
  json codec;
  if (facts.codec) codec = {{"name", facts.codec->name}, {"reason", facts.codec->reason}};
  json rate;
  if (facts.rate) rate = {{"bytes", facts.rate->bytes}, {"duration_ms", facts.rate->duration_ms}};
  return {{"codec", std::move(codec)}, {"pacing", std::move(pacing)}, {"rate", std::move(rate)}};
}

Result<RunFacts> RunFactsFromJson(const json& document) {
  try {
    RunFacts facts;
    if (const json& codec = document.at("codec"); !codec.is_null()) {
      facts.codec = CodecReport{codec.at("name"), codec.at("reason")};
    }
    for (const auto& [limit, waits] : document.at("pacing").items()) {
      facts.pacing.push_back(
          {limit, waits.at("granted"), waits.at("delayed"), waits.at("wait_ms")});
    }
    const json rate = document.value("rate", json());  // not in a run of an earlier release
    if (!rate.is_null()) facts.rate = RateReport{rate.at("bytes"), rate.at("duration_ms")};
    return facts;
  } catch (const json::exception& thrown) {
    return Error(ErrorKind::kCorrupt, "LEDGER_RUN_UNREADABLE",
                 "what the ledger says of the last run cannot be read: " +
                     std::string(thrown.what()) + "; run again to replace it");
  }
}

Result<std::optional<RunFacts>> ReadLastRun(Ledger& ledger) {
  TRY(const std::string text, ledger.LastRun());
  if (text.empty()) return std::optional<RunFacts>();
  TRY(RunFacts facts, RunFactsFromJson(json::parse(text, nullptr, false)));
  return std::optional(std::move(facts));
}

}  // namespace mms::migration
