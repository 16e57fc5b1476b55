#include "migration/workflow/workflow.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "base/lower_ascii.h"
#include "migration/transfer/job.h"
#include "migration/workflow/engine.h"
#include "migration/workflow/planning.h"
#include "migration/workflow/table_task.h"

namespace mms::migration {
namespace {

constexpr double kSlackScaleMin = 0.2;
constexpr int kWorkerThreadsMin = 8;
constexpr int kWorkerThreadsMax = 32;

/// Host of an endpoint, without scheme, port and path: the port of a sandbox changes, its data does
/// not.
std::string Host(std::string_view endpoint) {
  if (const size_t scheme = endpoint.find("://"); scheme != endpoint.npos) {
    endpoint.remove_prefix(scheme + 3);
  }
  endpoint = endpoint.substr(0, endpoint.find_first_of("/:?"));
  return LowerAscii(endpoint);
}

std::string TargetIdentity(const maxcompute::Options& target) {
  std::string identity = "project " + target.project;
  if (maxcompute::UsesSchema(target)) identity += " schema " + target.schema;
  return identity + " at " + Host(target.endpoint);
}

}  // namespace

struct Workflow::State {
  Engine engine;
  std::mutex workers_mutex;  ///< Cancel against the pool's beginning and end
  std::unique_ptr<JobTasks> jobs;
  std::unique_ptr<Planner> job_planner;             ///< of PlanJobTables
  std::vector<PlannedTable> planned;                ///< by the last Plan()
  std::optional<RateReport> rate;                   ///< of the last run
  std::map<std::string, Result<TableRisks>> risks;  ///< by source name

  Status StartWorkers(bool checksum) {
    const RunOptions& options = engine.options;
    Hello hello;
    hello.source.storage = options.source.storage;
    if (options.source.storage.auth == azure::StorageAuth::kVended) {
      hello.source.workspace = options.source.workspace;
      hello.source.sign_in = options.source.sign_in;
    }
    // A worker is given no sign-in that it has no use for.
    if (const auto sql = SqlOptionsOf(options.source); sql.there()) hello.sql = sql;
    hello.source_http = options.source.http;
    hello.source_http.bandwidth = options.source.http.bandwidth.SharedBy(options.workers + 1);
    hello.target = options.target;
    hello.target.pacer = nullptr;
    hello.target_http = options.target_http;
    hello.target_http.bandwidth = options.target_http.bandwidth.SharedBy(options.workers);
    // Asked once here, so that no worker has to.
    TRY(hello.target.tunnel_endpoint, engine.client->TunnelEndpoint());
    const int workers = std::max(1, options.workers);
    hello.threads = std::clamp((options.sessions_max + workers - 1) / workers, kWorkerThreadsMin,
                               kWorkerThreadsMax);
    hello.checksum = engine.takes_checksums = checksum;
    PoolOptions pool;
    pool.workers = workers;
    pool.program = options.worker_program;
    TRY(auto started, WorkerPool::Start(std::move(pool), std::move(hello)));
    std::lock_guard lock(workers_mutex);
    engine.workers = std::move(started);
    engine.loads = std::make_unique<TaskPool>(options.sessions_max);
    engine.checks = std::make_unique<TaskPool>(options.sessions_max);
    if (engine.cancelled) engine.workers->Stop();
    return OkStatus();
  }

  void StopWorkers() {
    engine.loads.reset();
    engine.checks.reset();
    std::lock_guard lock(workers_mutex);
    engine.workers.reset();
  }

  /// Calls `body` for each index, `tasks` side by side; the first error stops handing out more.
  Status ForTables(size_t count, const std::function<Status(size_t)>& body) {
    std::mutex mutex;
    std::optional<Error> failure;
    ForEach(engine.options.tasks, count, [&](size_t i) {
      {
        std::lock_guard lock(mutex);
        if (failure) return;
      }
      Status status = engine.cancelled ? Status(Cancelled()) : body(i);
      if (status.has_value()) return;
      std::lock_guard lock(mutex);
      if (!failure) failure = std::move(status).error();
    });
    if (failure) return std::move(*failure);
    return OkStatus();
  }

  /// Of each planned table; what cannot be read is kept as the reason.
  Status ReadRisks(bool with_footers) {
    std::mutex mutex;
    return ForTables(planned.size(), [&](size_t i) -> Status {
      if (!planned[i].runnable) return OkStatus();
      auto found = FindRisks(engine, planned[i].source, with_footers);
      if (!found && found.error().kind() == ErrorKind::kCancelled) return found.error();
      std::lock_guard lock(mutex);
      risks.insert_or_assign(planned[i].source.name, std::move(found));
      return OkStatus();
    });
  }

  /// Bytes of source files whose rows are at the target.
  Result<int64_t> CommittedBytes(const std::vector<PlannedTable>& tables) {
    int64_t bytes = 0;
    for (const PlannedTable& table : tables) {
      TRY(const std::optional<TableRecord> record, engine.ledger->FindTable(table.source.name));
      if (!record) continue;
      TRY(const TableTotals totals, engine.ledger->Totals(record->id));
      bytes += totals.bytes_committed;
    }
    return bytes;
  }

  Result<bool> HasWork(const std::vector<PlannedTable>& tables) {
    for (const PlannedTable& table : tables) {
      TRY(const std::optional<TableRecord> record, engine.ledger->FindTable(table.source.name));
      if (record && table.runnable && record->state != TableState::kDone) return true;
    }
    return false;
  }
};

Workflow::Workflow(std::unique_ptr<State> state) : state_(std::move(state)) {}

Workflow::~Workflow() {
  if (state_) state_->StopWorkers();
}

Result<std::unique_ptr<Workflow>> Workflow::Open(RunOptions options) {
  auto state = std::make_unique<State>();
  Engine& engine = state->engine;
  engine.options = std::move(options);
  engine.options.plan.policy.partition_zone = engine.options.source.partition_zone;
  engine.options.target.retry.cancelled = [&engine] { return engine.cancelled.load(); };
  TRY(engine.ledger, Ledger::Open(engine.options.state_folder));
  TRY_VOID(engine.ledger->BindTarget(TargetIdentity(engine.options.target)));
  // The logs are read here, while workers read the files of other tables.
  HttpClient::Options source_http = engine.options.source.http;
  source_http.bandwidth = source_http.bandwidth.SharedBy(engine.options.workers + 1);
  engine.http = std::make_shared<HttpClient>(source_http);
  // Here nothing but the control plane goes out: the bandwidth is the workers'.
  HttpClient::Options control_http = engine.options.target_http;
  control_http.bandwidth = {};
  engine.target_http = std::make_shared<HttpClient>(control_http);
  maxcompute::Pacer::Options pacing;
  pacing.time_scale = engine.options.limit_window_scale;
  for (maxcompute::Pacer::Rule& rule : pacing.rules) {
    // A rehearsal's service is near: less time passes between our count and its own.
    rule.slack_ms = static_cast<int64_t>(static_cast<double>(rule.slack_ms) *
                                         std::max(pacing.time_scale, kSlackScaleMin));
  }
  engine.pacer = std::make_shared<maxcompute::Pacer>(std::move(pacing));
  engine.options.target.pacer = engine.pacer;
  engine.client = std::make_unique<maxcompute::Client>(engine.options.target, engine.target_http);
  engine.tunnel = std::make_unique<maxcompute::Tunnel>(engine.client.get());
  auto commit_http = std::make_shared<HttpClient>(control_http);
  engine.commit_client =
      std::make_unique<maxcompute::Client>(engine.options.target, std::move(commit_http));
  engine.commit_tunnel = std::make_unique<maxcompute::Tunnel>(engine.commit_client.get());
  engine.source = std::make_unique<Source>(engine.options.source, engine.http);
  engine.source->SetSqlHooks({[&engine](const std::string& text) {
                                if (engine.progress.on_note) engine.progress.on_note(text);
                              },
                              [&engine] { return engine.cancelled.load(); }});
  engine.codec = std::make_unique<CodecChoice>(engine.options.codec);
  return std::unique_ptr<Workflow>(new Workflow(std::move(state)));
}

std::vector<CheckStep> Workflow::Check(const RunOptions& options, const CheckWishes& wishes) {
  return CheckAll(options, wishes);
}

Status Workflow::Plan(const PlanWishes& wishes) {
  state_->engine.progress.Restart();
  Planner planner(state_->engine);
  TRY(state_->planned, planner.PlanAll(wishes.anew));
  return wishes.risks ? state_->ReadRisks(wishes.footers) : OkStatus();
}

Status Workflow::PlanJobTables(const std::vector<JobTaskOrder>& orders,
                               std::map<std::string, Error>* unplanned, bool with_footers) {
  Engine& engine = state_->engine;
  if (!state_->job_planner) state_->job_planner = std::make_unique<Planner>(engine);
  std::mutex mutex;
  state_->planned.clear();
  state_->risks.clear();
  TRY_VOID(state_->ForTables(orders.size(), [&](size_t i) -> Status {
    const JobTaskOrder& order = orders[i];
    const std::string name = order.schema + "." + order.table;
    auto found = FindTable(*engine.source, order);
    if (!found) {
      if (engine.cancelled) return Cancelled();
      std::lock_guard lock(mutex);
      unplanned->insert_or_assign(name, std::move(found).error());
      return OkStatus();
    }
    PlannedTable table{*std::move(found), engine.progress.Add(name)};
    TRY(table.runnable, state_->job_planner->PlanForJob(
                            {table.source, engine.progress, table.slot, false, order.yields}));
    std::lock_guard lock(mutex);
    state_->planned.push_back(std::move(table));
    return OkStatus();
  }));
  return state_->ReadRisks(with_footers);
}

Result<TableRisks> Workflow::RisksOf(const std::string& source_name) const {
  const auto found = state_->risks.find(source_name);
  if (found != state_->risks.end() && found->second) return *found->second;
  if (found != state_->risks.end()) {
    const Error& error = found->second.error();
    return Error(error.kind(), error.code(), error.message()).At(error.where());
  }
  return Error(ErrorKind::kNotFound, "RISKS_UNKNOWN", "the table was not looked at");
}

Status Workflow::WritePlan(PlanFileWriter* file) {
  Planner planner(state_->engine);
  for (const PlannedTable& table : state_->planned) {
    if (table.runnable) {
      TRY(const FrozenTable frozen, planner.Freeze(table.source.name));
      TRY_VOID(file->Add(frozen));
      continue;
    }
    TRY(const auto record, state_->engine.ledger->FindTable(table.source.name));
    CHECK(record.has_value());  // planning has put it there
    const auto error = nlohmann::json::parse(record->error_json, nullptr, false);
    TRY_VOID(file->Add(PlanFile::LeftOut{table.source.name, ErrorFromJson(error).code()}));
  }
  return OkStatus();
}

std::string Workflow::TargetName(const RunOptions& options) {
  return TargetIdentity(options.target);
}

Status Workflow::CheckTarget(const PlanFile& plan, const RunOptions& options) {
  const std::string target = TargetName(options);
  if (target == plan.target) return OkStatus();
  return Error(ErrorKind::kConflict, "PLAN_OTHER_TARGET",
               "the plan was made for " + plan.target + ", the migration file names " + target +
                   "; use the migration file it was made with, or make the plan again");
}

Result<RunSummary> Workflow::Run() {
  state_->engine.progress.Restart();
  Planner planner(state_->engine);
  TRY(const std::vector<PlannedTable> tables, planner.PlanAll());
  return RunTables(planner, tables);
}

Result<RunSummary> Workflow::RunFrozen(const PlanFile& plan) {
  TRY_VOID(CheckTarget(plan, state_->engine.options));
  state_->engine.progress.Restart();
  Planner planner(state_->engine);
  TRY(const std::vector<PlannedTable> tables, planner.PlanFrozen(plan.tables));
  return RunTables(planner, tables);
}

Result<RunSummary> Workflow::RunTables(Planner& planner, const std::vector<PlannedTable>& tables) {
  Engine& engine = state_->engine;
  TRY(const bool has_work, state_->HasWork(tables));
  if (has_work) {
    TRY_VOID(state_->StartWorkers(engine.options.verify == VerifyLevel::kChecksum));
  }
  TRY(const int64_t before, state_->CommittedBytes(tables));
  const auto begun = std::chrono::steady_clock::now();
  Status status = state_->ForTables(tables.size(),
                                    [&](size_t i) { return RunTable(engine, planner, tables[i]); });
  state_->StopWorkers();
  const auto took = std::chrono::steady_clock::now() - begun;
  TRY(const int64_t after, state_->CommittedBytes(tables));
  state_->rate.reset();
  if (after > before) {
    using std::chrono::milliseconds;
    state_->rate = {after - before, std::chrono::duration_cast<milliseconds>(took).count()};
  }
  if (has_work) {
    const Status kept = engine.ledger->SaveRun(ToJson(Facts()).dump());
    if (status.has_value()) status = kept;  // what ended the run is worth more than its facts
  }
  TRY_VOID(std::move(status));

  RunSummary summary;
  summary.tables = static_cast<int64_t>(tables.size());
  for (const PlannedTable& table : tables) {
    TRY(const std::optional<TableRecord> record, engine.ledger->FindTable(table.source.name));
    CHECK(record.has_value());
    summary.done += record->state == TableState::kDone;
    summary.refused += record->state == TableState::kRefused;
    summary.failed += record->state == TableState::kFailed;
    TRY(const TableTotals totals, engine.ledger->Totals(record->id));
    summary.mismatched += totals.mismatched > 0;
  }
  return summary;
}

Result<RunSummary> Workflow::Verify() {
  Engine& engine = state_->engine;
  engine.progress.Restart();
  struct Listed {
    TableRecord record;
    Progress::Slot slot = 0;
    bool failed = false;
  };
  std::vector<Listed> tables;
  TRY_VOID(engine.ledger->ListTables([&](TableRecord table) -> Status {
    if (table.plan_json.empty()) return OkStatus();
    const Progress::Slot slot = engine.progress.Add(table.source_name);
    table.plan_json.clear();  // read again when its turn comes
    tables.push_back({std::move(table), slot});
    return OkStatus();
  }));
  if (tables.empty()) return RunSummary{};
  TRY_VOID(state_->StartWorkers(true));
  Status status = state_->ForTables(tables.size(), [&](size_t i) -> Status {
    Listed& table = tables[i];
    TRY(const std::optional<TableRecord> record,
        engine.ledger->FindTable(table.record.source_name));
    CHECK(record.has_value());
    Status compared = VerifyTable(engine, *record, table.slot);
    if (!compared.has_value() && compared.error().kind() == ErrorKind::kCancelled) return compared;
    table.failed = !compared.has_value();
    if (table.failed) {
      const std::string text = ErrorText(compared.error());
      TRY_VOID(engine.ledger->SetTableState(record->id, record->state, text));
    }
    engine.progress.SetStage(
        table.slot, table.failed ? TableProgress::Stage::kFailed : TableProgress::Stage::kDone);
    return OkStatus();
  });
  state_->StopWorkers();
  TRY_VOID(std::move(status));

  RunSummary summary;
  summary.tables = static_cast<int64_t>(tables.size());
  for (const Listed& table : tables) {
    TRY(const TableTotals totals, engine.ledger->Totals(table.record.id));
    summary.mismatched += totals.mismatched > 0;
    summary.failed += table.failed;
    summary.done += !table.failed;
  }
  return summary;
}

void Workflow::Cancel() {
  Engine& engine = state_->engine;
  engine.cancelled = true;
  engine.http->Cancel();
  engine.target_http->Cancel();
  // Blocks under way are worthless without their unit's rest; a commit under way is this process's
  // own call and ends.
  std::lock_guard lock(state_->workers_mutex);
  if (engine.workers) engine.workers->Stop();
}

Status Workflow::BeginJobs() {
  TRY_VOID(state_->StartWorkers(true));
  state_->jobs = std::make_unique<JobTasks>(state_->engine);
  return OkStatus();
}

Result<JobTaskResult> Workflow::RunJobTask(const JobTaskOrder& order, Progress& progress) {
  CHECK(state_->jobs != nullptr);
  return state_->jobs->Run(order, progress);
}

void Workflow::EndJobs() {
  state_->jobs.reset();
  state_->StopWorkers();
}

RunFacts Workflow::Facts() const {
  RunFacts facts{state_->engine.codec->report(), {}, state_->rate};
  for (size_t i = 0; i < maxcompute::kLimits; ++i) {
    const auto limit = static_cast<maxcompute::Limit>(i);
    const maxcompute::Pacer::Waits waits = state_->engine.pacer->waits(limit);
    facts.pacing.push_back(
        {std::string(maxcompute::LimitName(limit)), waits.granted, waits.delayed, waits.wait_ms});
  }
  return facts;
}

Ledger& Workflow::ledger() { return *state_->engine.ledger; }
Progress& Workflow::progress() { return state_->engine.progress; }

}  // namespace mms::migration
