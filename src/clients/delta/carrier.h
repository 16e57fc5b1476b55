// Sends the kernel's HTTP requests: the C callbacks of kernel/mms_delta.h over a Transport, and the
// memory of why one was not answered, since the way back through Rust keeps only a text.
#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include "base/result.h"
#include "clients/delta/kernel/mms_delta.h"
#include "clients/delta/table.h"

namespace mms::delta {

/// Thread-safe. Lives as long as the kernel has requests or a table of it is there.
class Carrier {
 public:
  explicit Carrier(Transport transport) : transport_(std::move(transport)) {}

  /// Hands a share of `carrier` to the kernel, which releases it.
  static mms_delta_transport Lend(std::shared_ptr<Carrier> carrier);

  /// The last reason why there was no answer since this was asked; nullopt = none.
  std::optional<Error> TakeFailure();

 private:
  void Send(const mms_delta_request& request, mms_delta_answer* answer);

  const Transport transport_;
  std::mutex mutex_;
  std::optional<Error> failure_;  // guarded by mutex_
};

}  // namespace mms::delta
