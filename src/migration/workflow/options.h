// What a run is told by its configuration file.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/http_client.h"
#include "clients/maxcompute/client.h"
#include "clients/maxcompute/codec.h"
#include "migration/inspect/inspect.h"
#include "migration/plan/plan.h"
#include "migration/verify/unit_group.h"

namespace mms::migration {

enum class VerifyLevel {
  kNone,
  kCount,      ///< rows copied against the target's COUNT(*)
  kCountBoth,  ///< COUNT(*) on both sides, as MMS does
  kChecksum,
};
inline bool IsByCount(VerifyLevel level) {
  return level == VerifyLevel::kCount || level == VerifyLevel::kCountBoth;
}

struct RunOptions {
  SourceOptions source;
  maxcompute::Options target;
  HttpClient::Options target_http;         ///< the bandwidth is that of all workers together
  std::optional<maxcompute::Codec> codec;  ///< of blocks, both ways; nullopt = chosen by measuring
  double limit_window_scale = 1;  ///< of MaxCompute's rate limits: a rehearsal may shorten them
  std::vector<TableChoice> tables;
  VerifyLevel verify = VerifyLevel::kChecksum;
  VerifyBy verify_by = VerifyBy::kAuto;      ///< how checksums are read back
  int tasks = 4;                             ///< tables moved side by side
  int workers = 2;                           ///< worker processes
  int sessions_max = 32;                     ///< upload sessions open side by side
  bool create_partition_by_session = false;  ///< let Tunnel make partitions instead of ALTER TABLE
  PlanOptions plan;
  std::string state_folder;
  std::string worker_program;  ///< path of the mms binary for `mms worker`; "" = this one
};

}  // namespace mms::migration
