#include "sandbox/instances.h"

#include <array>
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
               "the instance '" + id + "' does not exist (instances do not survive a restart)");
}

}  // namespace

Instances::Instances(Catalog* catalog, Storage* storage)
    : storage_(storage),
      engine_(storage->Absolute(Storage::ResultPath("spill"))),
      executor_(catalog, storage, &engine_) {
  for (size_t i = 0; i < kWorkers; ++i) workers_.emplace_back([this] { Work(); });
}

Instances::~Instances() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    for (auto& [id, instance] : instances_) instance->cancelled = true;
  }
  changed_.notify_all();
  ended_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

std::string Instances::Submit(const User& user, const std::string& project,
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
    Forget();
    instances_[instance->view.id] = instance;
    queue_.push_back(instance);
  }
  changed_.notify_one();
  return instance->view.id;
}

/// Drops old finished instances. The mutex is held.
void Instances::Forget() {
  int64_t oldest_s = NowSeconds() - kKeepSeconds;
  for (auto at = instances_.begin(); at != instances_.end();) {
    const InstanceView& view = at->second->view;
    bool drop = view.finished() && (view.ended_s < oldest_s || instances_.size() > kInstancesMax);
    if (!drop) {
      if (instances_.size() <= kInstancesMax)
        return;  // ids begin with their time: the rest is newer
      ++at;
      continue;
    }
    if (!view.result_path.empty()) storage_->Retire({view.result_path});
    at = instances_.erase(at);
  }
}

Result<std::shared_ptr<Instances::Instance>> Instances::FindLocked(const User& user,
                                                                   const std::string& project,
                                                                   const std::string& id) {
  auto found = instances_.find(id);
  if (found == instances_.end() || found->second->view.project != project) {
    return NoSuchInstance(id);
  }
  if (found->second->view.owner == user.name || user.Has(Right::kOwner, project)) {
    return found->second;
  }
  return Error(ErrorKind::kDenied, "NoPermission",
               "ODPS-0420095: Access Denied - the instance '" + id + "' is another user's");
}

Result<InstanceView> Instances::Find(const User& user, const std::string& project,
                                     const std::string& id, bool is_poll) {
  std::lock_guard lock(mutex_);
  TRY(auto instance, FindLocked(user, project, id));
  InstanceView view = instance->view;
  if (is_poll && !instance->polled) {
    instance->polled = true;
    view.state = InstanceState::kRunning;
  }
  return view;
}

Status Instances::Cancel(const User& user, const std::string& project, const std::string& id) {
  std::lock_guard lock(mutex_);
  TRY(auto instance, FindLocked(user, project, id));
  if (instance->view.finished()) {
    return Error(ErrorKind::kConflict, "InvalidStateSetting",
                 "the instance '" + id + "' has ended already");
  }
  instance->cancelled = true;
  return OkStatus();
}

Status Instances::WaitForEnd(const User& user, const std::string& project, const std::string& id,
                             std::chrono::milliseconds longest) {
  std::unique_lock lock(mutex_);
  TRY(auto instance, FindLocked(user, project, id));
  ended_.wait_for(lock, longest, [&] { return stopping_ || instance->view.finished(); });
  return OkStatus();
}

std::vector<InstanceView> Instances::List(const User& user, const std::string& project,
                                          const InstanceFilter& filter) {
  std::lock_guard lock(mutex_);
  bool owns_all = user.Has(Right::kOwner, project) && !filter.only_own;
  std::vector<InstanceView> views;
  for (auto at = instances_.rbegin(); at != instances_.rend(); ++at) {
    const InstanceView& view = at->second->view;
    bool wanted = view.project == project && (owns_all || view.owner == user.name) &&
                  (filter.marker.empty() || view.id < filter.marker) &&
                  filter.finished.value_or(view.finished()) == view.finished() &&
                  view.submitted_s >= filter.from_s && view.submitted_s <= filter.to_s;
    if (wanted) views.push_back(view);
    if (views.size() == filter.limit) break;
  }
  return views;
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
  ended_.notify_all();
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
