// What every Tunnel call has in common. Inside of clients/maxcompute only.
#pragma once

#include <string>

#include "base/result.h"
#include "clients/maxcompute/client.h"
#include "clients/maxcompute/pacer.h"
#include "clients/maxcompute/tunnel.h"

namespace mms::maxcompute {

/// "target table t partition ds=1": the target in errors.
std::string NameOf(const Tunnel::Target& target);

struct TunnelResource {
  std::string path;  ///< behind the project
  PartitionSpec partition{};
  bool in_schema = true;  ///< belongs to the schema of a three-tier project
};
TunnelResource ResourceOf(const Tunnel::Target& target);
TunnelResource InstanceResource(const std::string& instance_id);

/// A GET of the resource, with the headers every Tunnel request carries.
Result<Client::Call> MakeTunnelCall(Client& client, CallKind kind, const TunnelResource& resource);

/// Waits at Options::pacer, when there is one.
Status AwaitTurn(const Client& client, Limit limit, const std::string& table);

}  // namespace mms::maxcompute
