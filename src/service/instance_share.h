// Which task took how much of a data source's instance. At each moment the tasks of the source that
// run share its compute units in equal parts; while none runs, none takes them. So its tasks never
// have more together than the instance's own account has (Store::Totals), which they are part of.
//
// Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/clock.h"

namespace mms::service {

/// What a task has taken, and up to when: the instance was there at least until then.
struct ShareTaken {
  int64_t unit_ms = 0;  ///< milliseconds times compute units
  int64_t until_ms = 0;
};

class InstanceShares {
 public:
  explicit InstanceShares(int64_t compute_units, std::function<int64_t()> now_ms = UnixMs);

  /// Of one task, from its making to its end.
  class Share {
   public:
    ~Share();
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    ShareTaken taken() const;

   private:
    friend class InstanceShares;
    struct Shared;
    explicit Share(std::shared_ptr<Shared> shared);
    const std::shared_ptr<Shared> shared_;
    int64_t from_ = 0;  ///< what a task had that was there from the begin
  };
  /// It may outlive this.
  std::unique_ptr<Share> Begin();
  /// That have one.
  int64_t tasks() const;

 private:
  std::shared_ptr<Share::Shared> shared_;
};

}  // namespace mms::service
