#include "clients/maxcompute/tunnel_call.h"

namespace mms::maxcompute {

std::string NameOf(const Tunnel::Target& target) {
  const std::string partition = ToTunnelText(target.partition);
  return "target table " + target.table + (partition.empty() ? "" : " partition " + partition);
}

TunnelResource ResourceOf(const Tunnel::Target& target) {
  return {"/tables/" + target.table, target.partition};
}

TunnelResource InstanceResource(const std::string& instance_id) {
  return {"/instances/" + instance_id, {}, false};
}

Result<Client::Call> MakeTunnelCall(Client& client, CallKind kind, const TunnelResource& resource) {
  const Options& options = client.options();
  Client::Call call{kind};
  TRY(call.base, client.TunnelEndpoint());
  const bool of_instance = !resource.in_schema;
  call.path = "/projects/" + (of_instance ? JobProject(options) : options.project);
  if (resource.in_schema && UsesSchema(options)) call.path += "/schemas/" + options.schema;
  call.path += resource.path;
  call.headers = {{"x-odps-tunnel-version", "6"},
                  {"odps-tunnel-date-transform", "v1"},
                  {"odps-tunnel-sdk-support-schema-evolution", "true"}};
  if (!options.quota_name.empty()) call.query.emplace_back("quotaName", options.quota_name);
  if (!resource.partition.empty()) {
    call.query.emplace_back("partition", ToTunnelText(resource.partition));
  }
  return call;
}

Status AwaitTurn(const Client& client, Limit limit, const std::string& table) {
  const Options& options = client.options();
  if (options.pacer == nullptr) return OkStatus();
  return options.pacer->Await(limit, table, options.retry.cancelled);
}

}  // namespace mms::maxcompute
