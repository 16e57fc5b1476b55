// Whether a service takes a codec: blocks without rows are sent through it, into a session that is
// never committed.
#pragma once

#include <string>

#include "base/result.h"
#include "clients/maxcompute/codec.h"
#include "clients/maxcompute/tunnel.h"

namespace mms::maxcompute {

struct CodecProbe {
  Codec codec = Codec::kRaw;  ///< to use: the wanted one, or kRaw
  std::string reason;         ///< why it is not the wanted one; "" = it is
};

/// Sends a block in each form. `target` exists and may be written; it is not changed. Session and
/// blocks wait for their turn at Options::pacer. Errors: those of creating and fetching a session;
/// what the service says to a block is no error but the reason for kRaw.
Result<CodecProbe> ProbeCodec(Tunnel& tunnel, const Tunnel::Target& target, Codec wanted);

}  // namespace mms::maxcompute
