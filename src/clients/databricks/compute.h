// The compute a SQL channel needs: the state of a cluster or warehouse, started and waited for.
// Thread-safe; every call blocks.
//
// Source: the public REST reference and databricks-sdk 0.156: clusters 2.1 (get, start), warehouses
// 2.0. Starting what is starting or running already is 400 INVALID_STATE, and no failure.
//
// Errors of all: those of unity_catalog.h; kNotFound DATABRICKS_CLUSTER_NOT_FOUND,
// DATABRICKS_WAREHOUSE_NOT_FOUND.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/retry.h"
#include "clients/databricks/workspace_api.h"

namespace mms::databricks {

enum class ComputeKind { kCluster, kWarehouse };

struct ComputeId {
  ComputeKind kind = ComputeKind::kCluster;
  std::string id;
};

/// What the state means for one who wants to run SQL.
enum class ComputeReadiness {
  kReady,     ///< RUNNING, RESIZING
  kWait,      ///< on its way to be ready: PENDING, RESTARTING, STARTING
  kStopping,  ///< on its way to be stopped: TERMINATING, STOPPING
  kStopped,   ///< TERMINATED, STOPPED
  kFailed,    ///< ERROR, DELETING, DELETED
  kUnknown,   ///< a state that we do not know
};

struct ComputeState {
  std::string name;
  std::string state;  ///< as sent
  ComputeReadiness readiness = ComputeReadiness::kUnknown;
  std::string message;      ///< state_message, or a warehouse's health summary
  std::string termination;  ///< "CODE (TYPE): key=value, ..." of the last end, "" when none
  std::string access_mode;  ///< data_security_mode, "" when not told (warehouses have none)
  std::string spark_version;
  int autotermination_minutes = 0;  ///< 0 = never, or not told
};

ComputeReadiness ReadinessOf(ComputeKind kind, const std::string& state);

/// Whether a cluster of this access mode sees Unity Catalog. Errors: kUnsupported
/// COMPUTE_ACCESS_MODE (says what to choose). A mode we do not know passes.
Status CheckAccessMode(const ComputeState& state);

class Compute {
 public:
  struct Options {
    RetryPolicy retry;
    long poll_first_ms = 5'000;
    long poll_max_ms = 15'000;
    /// Given up after so long; a cold start takes 3 to 10 minutes.
    long start_deadline_ms = 20 * 60'000;
    /// Called with each state that is waited in.
    std::function<void(const ComputeState&)> on_wait;
  };

  Compute(std::shared_ptr<WorkspaceApi> api, Options options);

  Result<ComputeState> Fetch(const ComputeId& compute);
  /// Returns once it can run SQL; starts it when it is stopped, and waits until then. Errors:
  /// kUnavailable COMPUTE_START_FAILED (it ended in a failure or stopped again; says why),
  /// kConflict COMPUTE_DELETED, kUnavailable COMPUTE_START_TIMEOUT, kCancelled.
  Result<ComputeState> Ensure(const ComputeId& compute);

 private:
  Result<std::string> Call(const ComputeId& compute, const char* method, bool start);
  Status Start(const ComputeId& compute);

  const std::shared_ptr<WorkspaceApi> api_;
  Options options_;
};

}  // namespace mms::databricks
