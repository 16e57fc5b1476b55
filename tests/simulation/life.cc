#include "life.h"

#include <algorithm>
#include <ctime>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "audit.h"
#include "jobs_seen.h"
#include "link.h"
#include "migration/metadata/metadata.h"
#include "migration/transfer/job.h"
#include "service/service.h"

namespace mms::simulation {
namespace {

using migration::Metadata;
using nlohmann::json;
using service::AsyncRequest;
using service::AsyncType;
using service::Service;

constexpr const char* kName = "lake";
constexpr const char* kProject = "dw";

/// Real time, in which threads get on.
void Breathe() {
  const timespec pause{0, 700'000};
  clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, nullptr);
}

/// What the source's tables were at the last sync, brought up to date.
class Sync {
 public:
  Sync(Metadata& metadata, const json& tables) : metadata_(metadata), tables_(tables) {}

  Status Run() {
    const int64_t now = Link::Get().now_ms();
    TRY(scan_, metadata_.BeginScan("whole source", now));
    TRY_VOID(metadata_.SaveDatabase(scan_, "s", ""));
    for (const auto& [name, table] : tables_.items()) TRY_VOID(SaveTable(name, table));
    return metadata_.EndScan(scan_, {migration::ScanState::kDone, "{}", now});
  }

 private:
  Status SaveTable(const std::string& name, const json& table) {
    migration::ListedTable listed;
    listed.name = "main.s." + name;
    listed.database = "s";
    listed.table = name;
    listed.columns_json = R"([{"name":"id","type":"long"},{"name":"p","type":"string"}])";
    listed.catalog_id = name;
    TRY_VOID(metadata_.SaveListed(scan_, {listed}));
    TRY(const auto known, metadata_.FindTable(listed.name));
    CHECK(known.has_value());
    const int64_t version = table.at("version");
    if (known->version == version) return OkStatus();
    migration::TableRead read;
    read.table_id = known->id;
    read.change = known->version ? migration::TableChange::kUpdated : migration::TableChange::kNone;
    read.entry.version = read.entry.data_version = version;
    read.entry.delta_id = name;
    read.entry.rows = read.entry.bytes = 1;
    const bool partitioned = table.at("partitioned");
    read.entry.partition_columns = partitioned ? R"(["p"])" : "[]";
    if (partitioned) TRY_VOID(AddPartitions(table.at("partitions"), version, &read));
    return metadata_.SaveRead(scan_, read);
  }

  Status AddPartitions(const json& partitions, int64_t version, migration::TableRead* read) {
    read->entry.partitions = static_cast<int64_t>(partitions.size());
    std::map<std::string, migration::PartitionEntry> known;
    TRY(const auto before, metadata_.AllPartitions(read->table_id));
    for (const auto& entry : before) known[entry.values] = entry;
    for (const auto& [value, print] : partitions.items()) {
      migration::PartitionEntry entry = known[json::array({value}).dump()];
      if (entry.id != 0 && entry.fingerprint == print) continue;
      entry.values = json::array({value}).dump();
      entry.bytes = 1;
      entry.rows = 1;
      entry.data_version = version;
      entry.fingerprint = print;
      entry.updated = entry.id != 0;
      (entry.id != 0 ? read->updates : read->inserts).push_back(std::move(entry));
    }
    return OkStatus();
  }

  Metadata& metadata_;
  const json& tables_;
  int64_t scan_ = 0;
};

class Life {
 public:
  explicit Life(std::string folder) : folder_(std::move(folder)) {}

  Status Run() {
    const json orders = link_.Ask({{"call", "begin"}});
    service::ServiceOptions options;
    options.folder = folder_;
    options.now_ms = [this] { return link_.now_ms(); };
    options.workers = 1;
    TRY(service_, Service::Open(std::move(options)));
    TRY_VOID(SetUp(orders));
    jobs_ = std::make_unique<JobsSeen>(folder_);
    TRY_VOID(Tell(false));
    for (;;) {
      TRY(const bool ends, Turn());
      if (ends) break;
    }
    jobs_.reset();
    service_.reset();
    return OkStatus();
  }

 private:
  Status SetUp(const json& orders) {
    TRY(const auto sources, service_->store().ListSources({}, {1, 10}));
    if (sources.empty()) {
      service::NewDataSource source;
      source.name = kName;
      source.config = orders.at("settings");
      TRY(source_, service_->CreateDataSource(source));
    } else {
      source_ = sources.front().id;
    }
    TRY(const bool has_target, service_->store().HasTarget());
    if (!has_target) TRY_VOID(service_->UpdateTarget(orders.at("target")));
    TRY(const auto has_schemas, service_->store().FindProjectSchemas(kProject));
    if (!has_schemas) TRY_VOID(service_->store().KeepProjectSchemas(kProject, false));
    return SyncChanges(orders.at("tables"));
  }

  /// Unless the last sync saw the same.
  Status SyncChanges(const json& tables) {
    const std::string file = folder_ + "/synced.json";
    std::ifstream before(file);
    if (before && json::parse(before, nullptr, false) == tables) return OkStatus();
    // Its instance has the metadata open, once it has begun.
    const std::string source_folder = service::SourceFolder(folder_, source_);
    TRY(const auto metadata,
        before ? Metadata::OpenBeside(source_folder) : Metadata::Open(source_folder));
    TRY_VOID(Sync(*metadata, tables).Run());
    std::ofstream(file) << tables;
    return OkStatus();
  }

  Status Tell(bool over) {
    TRY(const json audit, Audit(service_->store(), {folder_, source_, over}));
    link_.Ask({{"call", "audit"}, {"over", over}, {"audit", audit}});
    return OkStatus();
  }

  /// Whether it was the last one.
  Result<bool> Turn() {
    TRY(const json seen, See());
    const json turn = link_.Ask(seen);
    for (const json& action : turn.at("actions")) {
      const Status done = Do(action);
      json told = {{"call", "did"}, {"action", action}};
      if (!done) told["error"] = migration::ToJson(done.error());
      link_.Ask(told);
    }
    if (turn.value("ends", false)) {
      const bool over = turn.value("over", false);
      if (!over) return true;      // the next life begins with what this one leaves
      TRY_VOID(service_->Tick());  // tells what a task's thread has failed at
      TRY_VOID(Tell(true));
      return true;
    }
    const Waits waiting = seen.at("open") > 0 ? WaitingTasks() : Waits();
    TRY_VOID(service_->Tick());
    CheckWaits(waiting);
    if (turn.value("waits", false)) service_->WaitForJobTasks();
    if (seen.at("running") > 0 || seen.at("starting") > 0) Breathe();
    return false;
  }

  Result<json> See() {
    json jobs = json::array();
    for (const JobsSeen::Job& job : jobs_->Jobs()) {
      jobs.push_back({{"id", job.id},
                      {"name", job.name},
                      {"stopped", job.stopped},
                      {"done", job.done},
                      {"failed", job.failed}});
    }
    const auto all = jobs_->Tasks();
    const auto open = std::count_if(all.begin(), all.end(),
                                    [](const JobsSeen::Task& task) { return task.IsOpen(); });
    TRY(const int64_t tasks, service_->store().CountOpenTasks());
    return json{{"call", "turn"},
                {"jobs", jobs},
                {"open", open},
                {"starting", tasks},
                {"running", service_->MovingTasks().size()}};
  }

  /// Tasks that are to be tried again, and not before when.
  using Waits = std::map<int64_t, int64_t>;
  Waits WaitingTasks() {
    Waits waiting;
    for (const JobsSeen::Task& task : jobs_->Tasks()) {
      if (!task.running && task.not_before_ms > 0) waiting[task.id] = task.not_before_ms;
    }
    return waiting;
  }

  /// None of them began too early. The clock may have been moved on meanwhile, never back.
  void CheckWaits(const Waits& waiting) {
    if (waiting.empty()) return;
    const int64_t now = link_.now_ms();
    for (const JobsSeen::Task& task : jobs_->Tasks()) {
      const auto found = waiting.find(task.id);
      if (found == waiting.end() || !task.running || now >= found->second) continue;
      link_.Violate("task " + std::to_string(task.id) + " began " +
                    std::to_string(found->second - now) + " ms before it was to be tried again");
    }
  }

  Status Do(const json& action) {
    const std::string what = action.at("do");
    service::Store& store = service_->store();
    if (what == "make job") return MakeJob(action);
    if (what == "sync") return SyncChanges(action.at("tables"));
    if (what == "stop source") return service_->StopDataSource(source_);
    if (what == "start source") return service_->StartDataSource(source_);
    const int64_t id = action.at("id");
    if (what == "stop job") return store.StopJob(id);
    if (what == "start job") return store.StartJob(id);
    if (what == "verify job") {
      TRY_VOID(store.VerifyJob(id, {}, link_.now_ms()));
      return OkStatus();
    }
    CHECK(what == "retry job");
    TRY_VOID(store.RetryJob(id));
    return OkStatus();
  }

  Status MakeJob(const json& action) {
    AsyncRequest request{source_, AsyncType::kTaskCreate};
    service::NewJob job;
    job.source_id = source_;
    job.name = action.at("name");
    job.src_db = "s";
    job.config.tables = action.at("tables").get<std::vector<std::string>>();
    job.config.increment = action.at("increment");
    job.config.others["verification.method"] = action.at("method");
    request.job = std::move(job);
    return service_->RunTask(request);
  }

  Link& link_ = Link::Get();
  const std::string folder_;
  int64_t source_ = 0;
  std::unique_ptr<Service> service_;
  std::unique_ptr<JobsSeen> jobs_;
};

}  // namespace

Status Prepare(const std::string& folder) {
  service::ServiceOptions options;
  options.folder = folder;
  return Service::Open(std::move(options)).has_value()
             ? OkStatus()
             : Status(Error(ErrorKind::kInternal, "PREPARE", "cannot be made").At(folder));
}

void Live(const std::string& folder) {
  Life life(folder);
  const Status lived = life.Run();
  if (!lived) {
    Link::Get().Violate("the service cannot go on: " + lived.error().ToString());
  }
}

}  // namespace mms::simulation
