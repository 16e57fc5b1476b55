#include "service/job_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "migration/workflow/engine.h"
#include "service/given_up.h"
#include "service/job_order.h"
#include "service/merged_partitions.h"
#include "service/target_values.h"

namespace mms::service {
namespace {

using migration::JobTaskOrder;
using migration::JobTaskResult;
using migration::JobTaskStep;
using migration::ObjectStatus;
using migration::PartitionSelection;
using migration::TableProgress;
using migration::Traffic;
using enum JobTaskStatus;

constexpr int64_t kLookMs = 500;
constexpr size_t kStatementBytes = 2'000;  // one that adds a thousand partitions is longer
constexpr int64_t kTriesMax = 3;
constexpr int64_t kFirstWaitMs = 30'000;

JobTaskStatus FailedAt(JobTaskStep step) {
  switch (step) {
    case JobTaskStep::kSchema: return kSchemaFailed;
    case JobTaskStep::kData: return kDataFailed;
    case JobTaskStep::kVerification: return kVerificationFailed;
  }
  return kDataFailed;
}

std::string Counts(const JobTaskResult& result) {
  const migration::TableTotals& totals = result.totals;
  std::string text = fmt::format("{} partitions, {} rows, {} bytes read, version {}", totals.units,
                                 totals.rows_copied, totals.bytes_committed, result.version);
  if (result.version == migration::kNoVersion) {
    text = fmt::format("{} partitions, {} rows, {} bytes read, no version", totals.units,
                       totals.rows_copied, totals.bytes_committed);
  }
  return text;
}

std::string Verdict(const JobTaskResult& result) {
  const migration::TableTotals& totals = result.totals;
  const std::string extra =
      totals.extra == 0 ? "" : fmt::format(", {} not at the source", totals.extra);
  return fmt::format("{} of {} partitions match, {} differ, {} not compared{}; rows: {} source, {}",
                     totals.matched, totals.units, totals.mismatched,
                     totals.not_compared + totals.not_comparable, extra, totals.rows_copied,
                     totals.rows_target ? fmt::format("{} target", *totals.rows_target)
                                        : std::string("target not counted")) +
         result.partition_rows;
}

}  // namespace

std::optional<int64_t> WaitBeforeRetry(const Error& error, int64_t attempts) {
  if (!IsTransient(error.kind()) || attempts >= kTriesMax) return std::nullopt;
  int64_t wait_ms = kFirstWaitMs;
  for (int64_t tried = 1; tried < attempts; ++tried) wait_ms *= 4;
  return std::max<int64_t>(wait_ms, error.retry_after_ms());
}

TableProgress JobRun::Moving() const {
  const migration::Progress::View view = progress_.Read();
  return view.running.empty() ? TableProgress() : view.running.front();
}

std::optional<Traffic> JobRun::TrafficSoFar() const {
  if (!task_.traffic) return std::nullopt;
  Traffic traffic = *task_.traffic;
  for (const TableProgress& table : progress_.Read().running) {
    traffic.bytes_read += table.traffic.bytes_read;
    traffic.bytes_sent += table.traffic.bytes_sent;
  }
  return traffic;
}

std::optional<int64_t> JobRun::SqlSoFar() const {
  if (!Moving().by_sql) return task_.sql_ms;
  return task_.sql_ms.value_or(0) + std::max<int64_t>(peers_.steady_ms() - begun_ms_, 0);
}

std::optional<ShareTaken> JobRun::ShareSoFar() const {
  const std::lock_guard lock(mutex_);
  if (!share_ || !task_.unit_ms) return std::nullopt;
  ShareTaken taken = share_->taken();
  taken.unit_ms += *task_.unit_ms;
  return taken;
}

Status JobRun::Run() {
  std::shared_ptr<Instance> instance;
  const auto copy = [&]() -> Outcome {
    TRY(config_, peers_.store.GetJobConfig(task_.job_id));
    TRY(instance, peers_.connect());
    {
      const std::lock_guard lock(mutex_);
      share_ = instance->BeginShare();
    }
    // What is only compared again stays what it was meanwhile.
    if (!task_.compare_alone) TRY_VOID(SetObject(instance.get(), ObjectStatus::kDoing, nullptr));
    return Copy(*instance);
  };
  const Outcome outcome = copy();
  const Status ended = End(instance.get(), outcome);
  const std::lock_guard lock(mutex_);
  share_.reset();
  return ended;
}

std::string JobRun::PlaceOf(Instance& instance, const migration::TableEntry& table) const {
  return TargetName(task_.dst_project, task_.dst_schema, task_.dst_table) +
         ColumnMark(table, config_, instance.policy());
}

Status JobRun::ForgetCopied(Instance& instance) {
  TRY(const auto table, instance.metadata().FindTable(task_.table_name));
  if (!table) return OkStatus();
  TRY(const int64_t gone,
      instance.metadata().ForgetCopied(task_.table_name, PlaceOf(instance, *table)));
  // A job of all has them among its tasks.
  if (gone == 0 || !config_.increment) return OkStatus();
  return Error(ErrorKind::kConflict, "TARGET_TABLE_GONE",
               fmt::format("is not there any more, and with it {} that had been copied and that "
                           "this job leaves out as Completed; they count as not copied now: make "
                           "another job, which copies all of the table",
                           gone == 1 ? "1 partition" : fmt::format("{} partitions", gone)))
      .At("target table " + TargetName(task_.dst_project, task_.dst_schema, task_.dst_table));
}

Status JobRun::AddValues(Instance& instance, PartitionSelection* selection) {
  migration::Metadata::StatusChange planned;
  planned.table_name = task_.table_name;
  planned.whole = false;
  TRY_VOID(peers_.store.VisitTableValues(task_.job_id, task_.table_name,
                                         [&](int64_t task, std::string value) -> Status {
                                           if (task != task_.id && config_.data_migration)
                                             planned.values.push_back(value);
                                           selection->task_of.emplace(std::move(value), task);
                                           return OkStatus();
                                         }));
  // The plan takes them over from the job that copied them: should this one never come to it, the
  // next one has to.
  return instance.metadata().SetStatus(planned);
}

Result<bool> JobRun::LetGo(Instance& instance, const std::string& owner) {
  TRY(const bool free, HasGivenUp(peers_.store, instance.metadata(), task_.source_id, owner));
  if (!free) return false;
  // Should it come back, nothing of it is at the target any more.
  migration::Metadata::StatusChange nothing;
  nothing.table_name = owner;
  TRY_VOID(instance.metadata().SetStatus(nothing));
  return true;
}

Result<JobTaskOrder> JobRun::MakeOrder(Instance& instance) {
  const std::string id = "job " + std::to_string(task_.job_id);
  TRY(PartitionSelection selection, SelectionOf(task_, config_, id));
  const bool by_values = selection.whole_task == 0;
  if (by_values) {
    TRY(const auto table, instance.metadata().FindTable(task_.table_name));
    if (table) selection.columns = PartitionColumnNamesOf(*table);
  }
  TRY(JobTaskOrder order,
      OrderOf(task_, config_, std::make_shared<const PartitionSelection>(std::move(selection))));
  if (by_values) {
    order.add_values = [this, &instance](PartitionSelection* added) {
      return AddValues(instance, added);
    };
  }
  order.stopped = [this] { return IsStopped(); };
  order.on_missing = [this, &instance] { return ForgetCopied(instance); };
  order.yields = [this, &instance](const std::string& owner) { return LetGo(instance, owner); };
  return order;
}

JobRun::Outcome JobRun::Copy(Instance& instance) {
  TRY(const JobTaskOrder order, MakeOrder(instance));
  TRY(const auto workflow, instance.WorkflowFor({task_.dst_project, task_.dst_schema}));
  progress_.on_change = [this](const TableProgress& table) { Follow(table); };
  const auto log = [this](const char* action) {
    return [this, action](const std::string& text) {
      const std::lock_guard lock(mutex_);
      const Status kept = peers_.store.LogJobTask({task_.id, at_, action, text, peers_.now_ms()});
      if (!kept && !failure_) failure_ = kept.error();
    };
  };
  progress_.on_statement = [keep = log(kStatementAction)](const std::string& text,
                                                          const std::string& statement) {
    keep(text + ": " + maxcompute::StatementStart(statement, kStatementBytes));
  };
  progress_.on_note = log("note");
  Outcome result = workflow->RunJobTask(order, progress_);
  const std::lock_guard lock(mutex_);
  if (result && failure_) return *failure_;
  return result;
}

void JobRun::Follow(const TableProgress& table) {
  using Stage = TableProgress::Stage;
  const auto take = [&](JobTaskStatus status, const char* action, const std::string& message) {
    const Status kept = Step(status, action, message);
    const std::lock_guard lock(mutex_);
    if (!kept && !failure_) failure_ = kept.error();
  };
  switch (table.stage) {
    case Stage::kPlanning: return take(kSchemaDoing, "plan", "read the source's state");
    case Stage::kCreating:
      return take(kSchemaDoing, "create table",
                  fmt::format("{} partitions, {} bytes", table.units_total, table.bytes_total));
    case Stage::kCopying:
      take(kSchemaDone, "create table", "ok");
      return take(kDataDoing, "copy",
                  fmt::format("{} partitions, {} bytes", table.units_total, table.bytes_total));
    case Stage::kVerifying:
      if (task_.compare_alone) {
        return take(kVerificationDoing, "compare again",
                    fmt::format("{} partitions", table.units_total));
      }
      take(kDataDone, "copy", fmt::format("{} rows", table.rows_done));
      return take(kVerificationDoing, "compare", fmt::format("{} partitions", table.units_total));
    case Stage::kWaiting:
    case Stage::kDone:
    case Stage::kFailed:
    case Stage::kRefused: return;  // End has more to say
  }
}

Status JobRun::Step(JobTaskStatus status, const std::string& action, const std::string& message) {
  const std::lock_guard lock(mutex_);
  if (status < at_) return OkStatus();  // planned again: it does not go back
  TRY_VOID(peers_.store.StepJobTask({task_.id, status, action, message, peers_.now_ms()}));
  at_ = status;
  return OkStatus();
}

Status JobRun::SetObject(Instance* instance, ObjectStatus status, const JobTaskResult* result) {
  // Making tables alone says nothing of their rows.
  if (instance == nullptr || !config_.data_migration) return OkStatus();
  migration::Metadata::StatusChange change;
  change.table_name = task_.table_name;
  change.alone = !task_.whole_table && task_.partitions == 0;
  change.whole = task_.whole_table || change.alone;
  change.status = status;
  if (!change.whole) {
    TRY_VOID(peers_.store.VisitTaskValues(task_.id, [&](std::string value) -> Status {
      change.values.push_back(std::move(value));
      return OkStatus();
    }));
  }
  using Copied = migration::Metadata::Copied;
  if (result != nullptr && !result->by_sql) {
    change.brought = Copied{result->version, result->table_id, result->commit_mark};
    TRY(const auto dropped, DroppedOf(config_));
    change.brought_all =
        MeansWholeTables(config_) && dropped != migration::DroppedPartition::kReport;
  }
  // What stands there of an earlier version is as it was marked: the next job brings its changes.
  if (result != nullptr && result->totals.behind == 0) {
    change.copied = Copied{result->version, result->table_id, result->commit_mark};
    change.left_told = MeansWholeTables(config_);
  }
  if (result != nullptr) {
    TRY(change.copied_as, NamesOf(*instance, *result, change));
  }
  return instance->metadata().SetStatus(change);
}

Result<std::vector<std::string>> JobRun::NamesOf(
    Instance& instance, const JobTaskResult& result,
    const migration::Metadata::StatusChange& change) const {
  TRY(const auto table, instance.metadata().FindTable(task_.table_name));
  std::vector<std::string> names(change.whole ? 1 : change.values.size());
  // "" is no name: what was copied under other settings is copied again.
  if (!table || !result.named_as_now) return names;
  const std::string target = PlaceOf(instance, *table);
  if (change.whole) return std::vector{target};
  TRY(const std::optional<int> levels, LevelsOf(config_));
  const auto columns = PartitionColumnsOf(*table);
  for (size_t i = 0; i < names.size(); ++i) {
    names[i] =
        TargetName(target, columns, levels, change.values[i], instance.policy()).value_or("");
  }
  return names;
}

Result<int64_t> JobRun::TakenOver(Instance& instance, const JobTaskResult& result) {
  if (task_.whole_table) return 0;
  TRY(const std::optional<int> levels, LevelsOf(config_));
  TRY(const auto table, instance.metadata().FindTable(task_.table_name));
  if (!table) return 0;
  const MergedPartitions merged(PartitionColumnsOf(*table), levels, instance.policy());
  std::set<std::string> copied;  // that become one at the target count once
  TRY_VOID(peers_.store.VisitTaskValues(task_.id, [&](const std::string& value) -> Status {
    copied.insert(merged.IdentityOf(value));
    return OkStatus();
  }));
  return std::max<int64_t>(static_cast<int64_t>(copied.size()) - result.totals.units, 0);
}

/// It stays what it was, and tells that it was not compared.
Status JobRun::EndUncompared(const Error& error) {
  Store::JobTaskEnd end;
  end.id = task_.id;
  end.as_before = true;
  end.status = kVerificationDoing;
  end.error_json = migration::ErrorText(error);
  end.traffic = TrafficSoFar();
  end.share = ShareSoFar();
  end.sql_ms = SqlSoFar();
  end.now_ms = peers_.now_ms();
  end.action = "compare again";
  end.message = error.ToString();
  return peers_.store.EndJobTask(end);
}

Status JobRun::End(Instance* instance, const Outcome& outcome) {
  const Error* error = nullptr;
  if (!outcome) {
    error = &outcome.error();
  } else if (outcome->error) {
    error = &*outcome->error;
  }
  const JobTaskResult result = outcome ? *outcome : JobTaskResult();
  for (const std::string& warning : result.warnings) {
    TRY_VOID(peers_.store.LogJobTask({task_.id, kSchemaDone, "warning", warning, peers_.now_ms()}));
  }
  if (task_.compare_alone) {
    const bool differs = error != nullptr && error->code() == "VERIFY_MISMATCH";
    if (differs) TRY_VOID(SetObject(instance, ObjectStatus::kFailed, nullptr));
    if (result.totals.units > 0) {
      TRY(taken_over_, TakenOver(*instance, result));
    }
    // Of a part of it nothing follows for what a later job has.
    const bool all = error == nullptr && taken_over_ == 0;
    if (all) TRY_VOID(SetObject(instance, ObjectStatus::kDone, nullptr));
    if (error != nullptr && error->code() == "VERIFY_SUPERSEDED") return EndUncompared(*error);
  }
  if (error == nullptr) {
    // The object first: a crash between the two runs the task again, which finds all done.
    if (!task_.compare_alone) TRY_VOID(SetObject(instance, ObjectStatus::kDone, &result));
    return EndDone(result);
  }
  if (error->kind() == ErrorKind::kCancelled) {
    if (!task_.compare_alone) TRY_VOID(SetObject(instance, ObjectStatus::kInit, nullptr));
    return EndStopped("stopped");
  }
  if (error->code() == "STATE_DISK_FULL" || error->code() == "STATE_NOT_WRITABLE") {
    // Nothing is wrong with the table: it goes on when its ledger can be written again.
    TRY_VOID(EndStopped(error->ToString()));
    return *error;
  }
  if (!task_.compare_alone) TRY_VOID(SetObject(instance, ObjectStatus::kFailed, nullptr));
  return EndFailed(result, *error);
}

std::string JobRun::TakenOverText() const {
  if (taken_over_ == 0) return "";
  return fmt::format("without {} that later jobs have taken over since: ",
                     taken_over_ == 1 ? "1 partition" : fmt::format("{} partitions", taken_over_));
}

Status JobRun::EndDone(const JobTaskResult& result) {
  if (task_.compare_alone) {
    TRY_VOID(Step(kVerificationDone, "compare again", TakenOverText() + Verdict(result)));
  } else {
    TRY_VOID(Step(kSchemaDone, "create table", result.target_table));
  }
  if (config_.data_migration && !task_.compare_alone) {
    TRY_VOID(Step(kDataDone, "copy", Counts(result)));
    const bool compares = config_.verification;
    if (compares) TRY_VOID(Step(kVerificationDoing, "compare", "counts and checksums"));
    TRY_VOID(Step(kVerificationDone, "compare", compares ? Verdict(result) : "not asked for"));
  }
  Store::JobTaskEnd end;
  end.id = task_.id;
  end.status = kDone;
  end.rows_copied = result.totals.rows_copied;
  end.bytes_copied = result.totals.bytes_committed;
  end.traffic = TrafficSoFar();
  end.share = ShareSoFar();
  end.sql_ms = SqlSoFar();
  end.now_ms = peers_.now_ms();
  end.action = "end";
  end.message = "ok";
  return peers_.store.EndJobTask(end);
}

Status JobRun::EndFailed(const JobTaskResult& result, const Error& error) {
  Store::JobTaskEnd end;
  end.id = task_.id;
  end.status = FailedAt(result.reached);
  end.error_json = migration::ErrorText(error);
  end.traffic = TrafficSoFar();
  end.share = ShareSoFar();
  end.sql_ms = SqlSoFar();
  if (result.totals.committed > 0) {
    end.rows_copied = result.totals.rows_copied;
    end.bytes_copied = result.totals.bytes_committed;
  }
  end.now_ms = peers_.now_ms();
  end.action = "end";
  end.message = TakenOverText() + error.ToString() + result.partition_rows;
  if (const auto wait_ms = WaitBeforeRetry(error, task_.attempts)) {
    end.not_before_ms = peers_.steady_ms() + *wait_ms;
    end.message += fmt::format("; tried again in {} s", *wait_ms / 1000);
  }
  return peers_.store.EndJobTask(end);
}

Status JobRun::EndStopped(const std::string& why) {
  return peers_.store.ReturnJobTask(
      {task_.id, TrafficSoFar(), peers_.now_ms(), why, ShareSoFar(), SqlSoFar()});
}

bool JobRun::IsStopped() {
  if (peers_.ending()) return true;
  const int64_t now = peers_.steady_ms();
  {
    const std::lock_guard lock(mutex_);
    if (stopped_ || (now >= stop_looked_ms_ && now - stop_looked_ms_ < kLookMs)) return stopped_;
    stop_looked_ms_ = now;
  }
  const auto stopped = peers_.store.IsJobTaskStopped(task_.id);
  const std::lock_guard lock(mutex_);
  // A store that cannot be read stops nothing: the task's next step will tell.
  if (stopped && *stopped) stopped_ = true;
  return stopped_;
}

}  // namespace mms::service
