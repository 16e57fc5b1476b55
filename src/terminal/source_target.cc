// `mms source target ...`: where MaxCompute is, for all data sources of a state folder.
#include "service/target_profile.h"
#include "terminal/source_verbs.h"
#include "terminal/source_view.h"

namespace mms::terminal {
namespace {

void PrintTarget(const service::Profile& target, Output& output) {
  Json config = Json::object();
  for (const auto& [key, value] : target.values) config[key] = value;
  for (const auto& [key, secret] : target.secrets) config[key] = service::kMasked;
  if (output.json()) {
    output.Object("source_target", {{"config", config}});
    return;
  }
  std::string text = "target\n";
  for (const auto& [key, value] : config.items()) {
    text += "  " + key + " = " + value.get<std::string>() + "\n";
  }
  output.Result(text);
}

}  // namespace

Result<ExitCode> RunSourceTargetItems(const SourceFlags& flags, Output& output) {
  PrintItems(service::TargetItems(), flags, output);
  return ExitCode::kDone;
}

Result<ExitCode> RunSourceTargetSet(const SourceFlags& flags, Output& output) {
  if (flags.settings.empty()) {
    return Error(ErrorKind::kInvalidInput, "CONFIG_VALUE",
                 "nothing to change; give --set KEY=VALUE");
  }
  TRY(const Json settings, ReadSettings(flags.settings, service::FindTargetItem));
  TRY(const auto service, TakeService(flags));
  TRY_VOID(service->UpdateTarget(nlohmann::json(settings)));
  TRY(const service::Profile target, service->store().GetTarget());
  PrintTarget(target, output);
  return ExitCode::kDone;
}

Result<ExitCode> RunSourceTargetShow(const SourceFlags& flags, Output& output) {
  TRY(SourceView view, SourceView::Open(flags.state));
  TRY(const service::Profile target, view.store().GetTarget());
  PrintTarget(target, output);
  return ExitCode::kDone;
}

}  // namespace mms::terminal
