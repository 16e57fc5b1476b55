// Whether a service takes a codec: a block without rows is sent through it, into a session that is
// never committed.
#pragma once

#include <string>

#include "base/result.h"
#include "clients/maxcompute/tunnel.h"

namespace mms::maxcompute {

struct CodecProbe {
  Codec codec = Codec::kRaw;  ///< to use: the wanted one, or kRaw
  std::string reason;         ///< why it is not the wanted one; "" = it is
};

/// `target` exists and may be written; it is not changed. Errors: those of creating a session; what
/// the service says to the block is no error but the reason for kRaw.
Result<CodecProbe> ProbeCodec(Tunnel& tunnel, const Tunnel::Target& target, Codec wanted,
                              BlockForm form);

}  // namespace mms::maxcompute
