// What the parts of a run share: both sides' clients, the ledger, the pools. Made once by Workflow
// and passed by reference; every member is thread-safe or set before threads start.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "base/http_client.h"
#include "clients/maxcompute/client.h"
#include "clients/maxcompute/pacer.h"
#include "clients/maxcompute/tunnel.h"
#include "migration/inspect/inspect.h"
#include "migration/ledger/ledger.h"
#include "migration/transfer/worker_pool.h"
#include "migration/workflow/codec_choice.h"
#include "migration/workflow/options.h"
#include "migration/workflow/progress.h"
#include "migration/workflow/task_pool.h"

namespace mms::migration {

struct Engine {
  RunOptions options;
  std::shared_ptr<HttpClient> http;  ///< to the source
  std::shared_ptr<HttpClient> target_http;
  std::shared_ptr<maxcompute::Pacer> pacer;
  std::unique_ptr<Ledger> ledger;
  std::unique_ptr<maxcompute::Client> client;
  std::unique_ptr<maxcompute::Tunnel> tunnel;
  /// For commits alone, over connections that nobody cancels: one that is out ends.
  std::unique_ptr<maxcompute::Client> commit_client;
  std::unique_ptr<maxcompute::Tunnel> commit_tunnel;
  std::unique_ptr<Source> source;
  std::unique_ptr<CodecChoice> codec;
  Progress progress;
  std::atomic<bool> cancelled{false};
  /// The destination's schema was seen, or made here.
  std::atomic<bool> schema_there{false};

  /// While tables are copied or compared; null otherwise.
  std::unique_ptr<WorkerPool> workers;
  bool takes_checksums = true;       ///< those workers, of what they copy
  std::unique_ptr<TaskPool> loads;   ///< a thread per open upload session
  std::unique_ptr<TaskPool> checks;  ///< so that comparing does not hold a session's place
};

/// A table in work: its record and plan (without units) as the ledger has them.
struct TableContext {
  Engine* engine = nullptr;
  Progress* progress = nullptr;  ///< the engine's, or that of a job's task
  TableRecord record;
  TablePlan plan;
  std::string key;          ///< of the plan in the worker pool
  std::string target_name;  ///< qualified and quoted, for SQL
  std::string load_table;   ///< where upload sessions go: the target table, or its staging table
  std::string load_name;    ///< the same, qualified and quoted
  Progress::Slot slot = 0;
  std::function<bool()> stopped;  ///< of a job's task, may be null
  /// Asked before a table that is not there is made, may be null; what it fails with ends the task.
  std::function<Status()> on_missing;

  /// No more is begun for this table: the run ends, or its task is to.
  bool IsStopped() const { return engine->cancelled || (stopped && stopped()); }

  maxcompute::Tunnel::Target Target(const maxcompute::PartitionSpec& partition) const {
    return {plan.target_table, partition};
  }
  maxcompute::Tunnel::Target LoadTarget(const maxcompute::PartitionSpec& partition) const {
    return {load_table, partition};
  }
};

/// nullopt when there is no such table. Errors: those of Client::FetchTable otherwise.
Result<std::optional<maxcompute::TableInfo>> FetchIfThere(maxcompute::Client& client,
                                                          const std::string& table);

/// With the engine's progress. Errors: kCorrupt LEDGER_PLAN_UNREADABLE.
Result<TableContext> MakeContext(Engine& engine, const TableRecord& record, Progress::Slot slot);
Result<UnitPlan> ReadUnitPlan(const UnitRecord& unit);

/// For SqlOptions::on_submitted, of every statement for the table: tells Progress::on_statement.
std::function<void(const maxcompute::SubmittedSql& sql)> NoteInstance(const TableContext& table);

/// "ds=2026-01-01/hour=3"; "" for no partition. Slashes and percent signs within a value are
/// encoded, so that two partitions never share a name.
std::string PartitionName(const maxcompute::PartitionSpec& partition);

Error Cancelled();
/// As the ledger keeps it.
std::string ErrorText(const Error& error);

}  // namespace mms::migration
