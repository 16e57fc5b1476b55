// How many bytes a peer has sent: of answers' bodies, also of those that broke off. Shared by
// all that read for the same payer; what reads in the background may outlive them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace mms {

/// null = nobody wants to know.
using ByteCount = std::shared_ptr<std::atomic<int64_t>>;

inline ByteCount MakeByteCount() { return std::make_shared<std::atomic<int64_t>>(0); }

}  // namespace mms
