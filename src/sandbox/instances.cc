#include "sandbox/instances.h"

#include <array>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "sandbox/call.h"
#include "sandbox/csv_rows.h"
#include "sandbox/parquet_file.h"
#include "sandbox/sql/parser.h"
#include "sandbox/value_text.h"

namespace mms::sandbox {
namespace {

constexpr size_t kWorkers = 4;
constexpr size_t kInstancesMax = 20'000;
constexpr int64_t kKeepSeconds = 24 * 3600;
constexpr int64_t kForgetEverySeconds = 60;

/// Values may be JSON strings, booleans or numbers.
std::map<std::string, std::string> ParseSettings(const std::string& text) {
  std::map<std::string, std::string> flags;
  auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return flags;  // as the service: settings it cannot read are ignored
  for (const auto& [key, value] : json.items()) {
    flags[key] = value.is_string() ? value.get<std::string>() : value.dump();
  }
  return flags;
}

/// "20261123140000123g" and random letters: the form of real instance ids.
std::string MakeId() {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  time_t seconds = ms / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> text;
  size_t size = std::strftime(text.data(), text.size(), "%Y%m%d%H%M%S", &utc);
  return std::string(text.data(), size) + std::to_string(1000 + ms % 1000).substr(1) + "g" +
         RandomHex(4);
}

Error NoSuchInstance(const std::string& id) {
  // By this code PyODPS 0.13 (exist_instance) knows that it is only not there.
  return Error(ErrorKind::kNotFound, "NoSuchObject",
               "the instance '" + id + "' does not exist (the sandbox keeps them for 24 hours)");
}

}  // namespace

Instances::Instances(Catalog* catalog, Storage* storage, InstanceStore* store)
    : storage_(storage),
      store_(store),
      engine_(storage->Absolute(Storage::ResultPath("spill"))),
      executor_(catalog, storage, &engine_) {
  for (size_t i = 0; i < kWorkers; ++i) workers_.emplace_back([this] { Work(); });
}

Instances::~Instances() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    for (auto& [id, instance] : running_) instance->cancelled = true;
  }
  changed_.notify_all();
  ended_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

Result<std::string> Instances::Submit(const User& user, const std::string& project,
                                      const std::string& schema, SubmittedJob job) {
  auto instance = std::make_shared<Instance>();
  instance->view.id = MakeId();
  instance->view.project = project;
  instance->view.owner = user.name;
  instance->user = &user;
  instance->view.job = std::move(job);
  instance->view.submitted_s = NowSeconds();
  instance->schema = schema.empty() ? "default" : LowerName(schema);
  {
    std::lock_guard lock(mutex_);
    TRY_VOID(Forget());
    TRY_VOID(store_->Add(instance->view));
    running_[instance->view.id] = instance;
    unpolled_.insert(instance->view.id);
    queue_.push_back(instance);
  }
  changed_.notify_one();
  return instance->view.id;
}

/// Once a minute drops old instances. The mutex is held.
Status Instances::Forget() {
  int64_t now_s = NowSeconds();
  if (now_s - forgot_s_ < kForgetEverySeconds) return OkStatus();
  forgot_s_ = now_s;
  TRY(auto results, store_->Forget(now_s - kKeepSeconds, kInstancesMax));
  storage_->Retire(results);
  while (unpolled_.size() > kInstancesMax) unpolled_.erase(unpolled_.begin());
  return OkStatus();
}

Result<InstanceView> Instances::FindLocked(const User& user, const std::string& project,
                                           const std::string& id) {
  std::optional<InstanceView> view;
  auto running = running_.find(id);
  if (running != running_.end()) {
    view = running->second->view;
  } else {
    TRY(view, store_->Find(id));
  }
  if (!view || view->project != project) return NoSuchInstance(id);
  if (view->owner == user.name || user.Has(Right::kOwner, project)) return *std::move(view);
  return Error(ErrorKind::kDenied, "NoPermission",
               "ODPS-0420095: Access Denied - the instance '" + id + "' is another user's");
}

Result<InstanceView> Instances::Find(const User& user, const std::string& project,
                                     const std::string& id, bool is_poll) {
  std::lock_guard lock(mutex_);
  TRY(InstanceView view, FindLocked(user, project, id));
  if (is_poll && unpolled_.erase(id) > 0) view.state = InstanceState::kRunning;
  return view;
}

Status Instances::Cancel(const User& user, const std::string& project, const std::string& id) {
  std::lock_guard lock(mutex_);
  TRY(InstanceView view, FindLocked(user, project, id));
  if (view.finished()) {
    return Error(ErrorKind::kConflict, "InvalidStateSetting",
                 "the instance '" + id + "' has ended already");
  }
  running_.at(id)->cancelled = true;
  return OkStatus();
}

Status Instances::WaitForEnd(const User& user, const std::string& project, const std::string& id,
                             std::chrono::milliseconds longest) {
  std::unique_lock lock(mutex_);
  TRY(InstanceView view, FindLocked(user, project, id));
  if (view.finished()) return OkStatus();
  ended_.wait_for(lock, longest, [&] {
    auto running = running_.find(id);
    return stopping_ || running == running_.end() || running->second->view.finished();
  });
  return OkStatus();
}

Result<std::vector<InstanceView>> Instances::List(const User& user, const std::string& project,
                                                  InstanceFilter filter) {
  if (!user.Has(Right::kOwner, project)) filter.owner = user.name;
  return store_->List(project, filter);
}

void Instances::Work() {
  while (true) {
    std::shared_ptr<Instance> instance;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      instance = queue_.front();
      queue_.pop_front();
      instance->view.state = InstanceState::kRunning;
    }
    Run(instance.get());
  }
}

void Instances::Run(Instance* instance) {
  Result<sql::SqlOutcome> outcome = Execute(instance);
  std::lock_guard lock(mutex_);
  if (stopping_ && !outcome) return;  // nobody cancelled it: it is lost with the process
  InstanceView& view = instance->view;
  view.ended_s = NowSeconds();
  if (outcome) {
    view.state = InstanceState::kSuccess;
    view.is_select = outcome->is_select;
    view.text = std::move(outcome->text);
    view.result_path = std::move(outcome->result_path);
  } else {
    view.state = instance->cancelled ? InstanceState::kCancelled : InstanceState::kFailed;
    view.text = sql::FailureText(outcome.error());
  }
  Keep(instance);
  ended_.notify_all();
}

/// Hands an ended instance to the store. If the disk does not take it, it stays in memory, so that
/// its client learns how it ended. The mutex is held.
void Instances::Keep(Instance* instance) {
  Status kept = store_->Finish(instance->view);
  if (kept) {
    running_.erase(instance->view.id);
    return;
  }
  std::fprintf(stderr, "mms sandbox: instance %s will not outlive a restart: %s\n",
               instance->view.id.c_str(), kept.error().ToString().c_str());
}

Result<sql::SqlOutcome> Instances::Execute(Instance* instance) {
  if (instance->cancelled) {
    return Error(ErrorKind::kCancelled, "ODPS-0010000", "the instance was cancelled");
  }
  TRY(auto statements, sql::ParseStatements(instance->view.job.query));
  sql::SqlContext context;
  context.project = instance->view.project;
  context.schema = instance->schema;
  context.flags = ParseSettings(instance->view.job.settings);
  auto schema = context.flags.find("odps.default.schema");
  if (schema != context.flags.end()) context.schema = LowerName(schema->second);
  context.user = instance->user;
  context.instance_id = instance->view.id;
  context.cancelled = &instance->cancelled;
  sql::SqlOutcome outcome;
  for (size_t i = 0; i < statements.size(); ++i) {
    bool is_set = std::holds_alternative<sql::SetFlag>(statements[i]);
    if (!is_set && i + 1 < statements.size()) {
      return Error(ErrorKind::kInvalidInput, "ODPS-0130161",
                   "[1,1] Parse exception - only SET statements may precede the statement; "
                   "submit one statement per instance");
    }
    TRY(outcome, executor_.Run(statements[i], &context));
  }
  return outcome;
}

Result<std::string> Instances::Csv(const InstanceView& instance) const {
  std::string absolute_path = storage_->Absolute(instance.result_path);
  TRY(auto shape, ReadParquetShape(absolute_path));
  RowRange range{{{absolute_path, shape.second}}, 0, std::min(shape.second, kCsvRowsMax)};
  return CsvRows(shape.first->field_names(), range, shape.first);
}

}  // namespace mms::sandbox
