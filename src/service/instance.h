// A source's connection in this process: its HTTP client, its metadata, the scan that runs, and for
// each destination the workflow that the tasks of its jobs run in.
//
// Threads: Scan from one; all else from any. Errors: those of the source as a whole, and of
// workflow/scan.h.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/http_client.h"
#include "base/result.h"
#include "migration/inspect/inspect.h"
#include "migration/metadata/metadata.h"
#include "migration/workflow/scan.h"
#include "migration/workflow/workflow.h"
#include "service/instance_share.h"

namespace mms::service {

struct InstanceOptions {
  migration::SourceOptions source;
  std::shared_ptr<HttpClient> http;  ///< reaches the source
  std::string folder;                ///< of the source: metadata and ledgers
  /// What tasks run by, but for project and schema; nullopt = no target was set.
  std::optional<migration::RunOptions> run;
  int64_t compute_units = 0;                 ///< what it takes, while it is there
  std::function<int64_t()> now_ms = UnixMs;  ///< since 1970 UTC
};

/// Where a job's tables go; schema "" = a project without schemas.
struct Destination {
  std::string project;
  std::string schema;

  auto operator<=>(const Destination&) const = default;
};

class Instance {
 public:
  /// Opens the metadata.
  static Result<std::shared_ptr<Instance>> Open(InstanceOptions options);
  ~Instance();

  migration::Metadata& metadata() { return *metadata_; }
  /// By which its tasks run.
  const migration::Policy& policy() const {
    CHECK(options_.run.has_value());
    return options_.run->plan.policy;
  }

  /// Returns the scan's result document.
  Result<std::string> Scan(const migration::ScanScope& scope);
  /// Hundredths of a percent of the scan that runs; 0 = none.
  int Progress() const;

  /// With workers started; made when first asked for, which others that want it wait for. There are
  /// no more of them than tasks at work: one that is made ends those longest idle. Cancel waits for
  /// nobody. Errors: kInvalidInput TARGET_MISSING, kCancelled, those of Workflow::Open and
  /// BeginJobs.
  Result<std::shared_ptr<migration::Workflow>> WorkflowFor(const Destination& destination);
  /// Ends the workflows that no task has held for `idle_ms`: their workers take memory. Of a few
  /// seconds, tasks that follow each other go on with the same workers.
  void EndIdleWorkflows(int64_t idle_ms);

  /// A task of a job is at work.
  std::unique_ptr<InstanceShares::Share> BeginShare() { return shares_.Begin(); }

  /// For good: what runs ends soon, nothing new begins.
  void Cancel();
  bool cancelled() const;

 private:
  explicit Instance(InstanceOptions options)
      : options_(std::move(options)), shares_(options_.compute_units, options_.now_ms) {}

  const InstanceOptions options_;
  InstanceShares shares_;
  std::unique_ptr<migration::Metadata> metadata_;
  mutable std::mutex mutex_;
  migration::Scan* running_ = nullptr;  // guarded by mutex_; so below
  struct Engine {
    std::shared_ptr<migration::Workflow> workflow;
    std::mutex begin;    ///< held while its workers are started, which asks the target
    bool begun = false;  // guarded by begin
    /// Since when it was seen held by no task; nullopt = not yet. Guarded by mutex_.
    std::optional<int64_t> idle_since_ms = {};

    bool IsIdle() const { return workflow.use_count() <= 1; }
    void End();
  };
  /// Needs mutex_.
  void MakeRoom();
  std::map<Destination, std::shared_ptr<Engine>> engines_;
  bool cancelled_ = false;
};

/// kInvalidInput TARGET_MISSING.
Error NoTarget();

/// The ledger of a destination, in the source's folder.
std::string LedgerFolder(const std::string& source_folder, const Destination& destination);

}  // namespace mms::service
