// `mms source network ...`: the network profiles of a state folder.
#include <unistd.h>

#include <filesystem>

#include "service/network_profile.h"
#include "terminal/source_verbs.h"
#include "terminal/source_view.h"
#include "terminal/table_report.h"
#include "terminal/text.h"

namespace mms::terminal {
namespace {

using service::NetworkProfile;
using service::Service;
using service::Store;

Result<Json> ReadNetworkSettings(const SourceFlags& flags) {
  TRY(Json settings, ReadSettings(flags.settings, service::FindNetworkItem));
  // The folder of whoever gives it; the service has another one.
  const std::string ca_file = settings.value("ca_file", "");
  if (!ca_file.empty()) settings["ca_file"] = std::filesystem::absolute(ca_file).string();
  return settings;
}

Result<Json> NetworkFields(Store& store, const NetworkProfile& network) {
  TRY(const std::vector<std::string> users, store.UsersOfNetwork(network.name));
  Json config = Json::object();
  for (const auto& [key, value] : network.values) config[key] = value;
  for (const auto& [key, secret] : network.secrets) config[key] = service::kMasked;
  return Json{{"name", network.name}, {"config", config}, {"sources", users}};
}

Status PrintNetwork(Store& store, const std::string& name, Output& output) {
  TRY(const NetworkProfile network, store.GetNetwork(name));
  TRY(const Json fields, NetworkFields(store, network));
  if (output.json()) {
    output.Object("source_network", fields);
    return OkStatus();
  }
  std::string text = name + "\n";
  for (const auto& [key, value] : fields["config"].items()) {
    text += "  " + key + " = " + value.get<std::string>() + "\n";
  }
  for (const Json& source : fields["sources"]) {
    text += "  data source " + source.get<std::string>() + "\n";
  }
  output.Result(text);
  return OkStatus();
}

}  // namespace

Result<ExitCode> RunSourceNetworkItems(const SourceFlags& flags, Output& output) {
  PrintItems(service::NetworkItems(), flags, output);
  return ExitCode::kDone;
}

Result<ExitCode> RunSourceNetworkAdd(const SourceFlags& flags, Output& output) {
  TRY(const Json settings, ReadNetworkSettings(flags));
  TRY(const auto service, TakeService(flags));
  TRY_VOID(service->CreateNetwork(flags.name, nlohmann::json(settings)));
  TRY_VOID(PrintNetwork(service->store(), flags.name, output));
  return ExitCode::kDone;
}

Result<ExitCode> RunSourceNetworkList(const SourceFlags& flags, Output& output) {
  TRY(SourceView view, SourceView::Open(flags.state));
  TRY(const auto networks, view.store().ListNetworks());
  TextTable table({{"NAME"}, {"PROXY"}, {"DATA SOURCES", TextTable::Align::kRight}});
  for (const NetworkProfile& network : networks) {
    TRY(const Json fields, NetworkFields(view.store(), network));
    if (output.json()) {
      output.Object("source_network", fields);
    } else {
      table.AddRow({network.name, fields["config"].value("proxy", "-"),
                    Thousands(static_cast<int64_t>(fields["sources"].size()))});
    }
  }
  if (!output.json()) output.Result(table.Render(ScreenOf(STDOUT_FILENO).utf8));
  return ExitCode::kDone;
}

Result<ExitCode> RunSourceNetworkShow(const SourceFlags& flags, Output& output) {
  TRY(SourceView view, SourceView::Open(flags.state));
  TRY_VOID(PrintNetwork(view.store(), flags.name, output));
  return ExitCode::kDone;
}

Result<ExitCode> RunSourceNetworkUpdate(const SourceFlags& flags, Output& output) {
  if (flags.settings.empty()) {
    return Error(ErrorKind::kInvalidInput, "CONFIG_VALUE",
                 "nothing to change; give --set KEY=VALUE");
  }
  TRY(const Json settings, ReadNetworkSettings(flags));
  TRY(const auto service, TakeService(flags));
  TRY_VOID(service->UpdateNetwork(flags.name, nlohmann::json(settings)));
  TRY_VOID(PrintNetwork(service->store(), flags.name, output));
  return ExitCode::kDone;
}

Result<ExitCode> RunSourceNetworkRemove(const SourceFlags& flags, Output& output) {
  TRY(const auto service, TakeService(flags));
  TRY_VOID(service->store().RemoveNetwork(flags.name));
  if (output.json()) output.Object("source_network_removed", {{"name", flags.name}});
  output.Log("removed network " + flags.name);
  return ExitCode::kDone;
}

}  // namespace mms::terminal
