#include "sandbox/instance_store.h"

#include "sandbox/catalog.h"

namespace mms::sandbox {
namespace {

constexpr char kSchema[] = R"sql(
CREATE TABLE IF NOT EXISTS instances (
  id TEXT PRIMARY KEY, project TEXT NOT NULL, owner TEXT NOT NULL, task_name TEXT NOT NULL,
  job_text TEXT NOT NULL, state INTEGER NOT NULL, submitted_s INTEGER NOT NULL,
  ended_s INTEGER NOT NULL, is_select INTEGER NOT NULL, text TEXT NOT NULL,
  result_path TEXT NOT NULL);
)sql";

constexpr char kColumns[] =
    "SELECT id, project, owner, task_name, state, submitted_s, ended_s, is_select, text, "
    "result_path";

/// Whether its changes were made is not known: the commit and the instance's end are two steps.
constexpr char kLostText[] =
    "FAILED: ODPS-0010000:System internal error - the sandbox ended while this instance ran; what "
    "it was to change is changed whole or not at all: look, then submit it again";

InstanceView ReadInstance(const SqliteStatement& row) {
  InstanceView view;
  view.id = row.Text(0);
  view.project = row.Text(1);
  view.owner = row.Text(2);
  view.job.task_name = row.Text(3);
  view.state = static_cast<InstanceState>(row.Number(4));
  view.submitted_s = row.Number(5);
  view.ended_s = row.Number(6);
  view.is_select = row.Number(7) != 0;
  view.text = row.Text(8);
  view.result_path = row.Text(9);
  return view;
}

}  // namespace

Result<std::unique_ptr<InstanceStore>> InstanceStore::Open(const std::string& data_dir) {
  TRY(auto database, Sqlite::Open(data_dir + "/instances.sqlite"));
  TRY_VOID(database->Execute(kSchema));
  TRY_VOID(
      database->Prepare("UPDATE instances SET state = ?, ended_s = ?, text = ? WHERE state < ?")
          .Bind(static_cast<int64_t>(InstanceState::kFailed))
          .Bind(NowSeconds())
          .Bind(kLostText)
          .Bind(static_cast<int64_t>(InstanceState::kSuccess))
          .Run());
  return std::unique_ptr<InstanceStore>(new InstanceStore(std::move(database)));
}

Status InstanceStore::Add(const InstanceView& instance) {
  std::lock_guard lock(mutex_);
  return database_->Prepare("INSERT INTO instances VALUES (?, ?, ?, ?, ?, 0, ?, 0, 0, '', '')")
      .Bind(instance.id)
      .Bind(instance.project)
      .Bind(instance.owner)
      .Bind(instance.job.task_name)
      .Bind(instance.job.job_text)
      .Bind(instance.submitted_s)
      .Run();
}

Status InstanceStore::Finish(const InstanceView& instance) {
  std::lock_guard lock(mutex_);
  return database_
      ->Prepare(
          "UPDATE instances SET state = ?, ended_s = ?, is_select = ?, text = ?, result_path = ? "
          "WHERE id = ?")
      .Bind(static_cast<int64_t>(instance.state))
      .Bind(instance.ended_s)
      .Bind(static_cast<int64_t>(instance.is_select))
      .Bind(instance.text)
      .Bind(instance.result_path)
      .Bind(instance.id)
      .Run();
}

Result<std::optional<InstanceView>> InstanceStore::Find(const std::string& id) {
  std::lock_guard lock(mutex_);
  auto statement =
      database_->Prepare(std::string(kColumns) + ", job_text FROM instances WHERE id = ?");
  TRY(bool found, statement.Bind(id).Step());
  if (!found) return std::optional<InstanceView>();
  InstanceView view = ReadInstance(statement);
  view.job.job_text = statement.Text(10);
  return std::optional(std::move(view));
}

Result<std::vector<InstanceView>> InstanceStore::List(const std::string& project,
                                                      const InstanceFilter& filter) {
  std::string sql =
      std::string(kColumns) + " FROM instances WHERE project = ? AND submitted_s BETWEEN ? AND ?";
  if (!filter.owner.empty()) sql += " AND owner = ?";
  if (!filter.marker.empty()) sql += " AND id < ?";
  if (filter.finished) sql += *filter.finished ? " AND state >= 2" : " AND state < 2";
  std::lock_guard lock(mutex_);
  auto statement = database_->Prepare(sql + " ORDER BY id DESC LIMIT ?");
  statement.Bind(project).Bind(filter.from_s).Bind(filter.to_s);
  if (!filter.owner.empty()) statement.Bind(filter.owner);
  if (!filter.marker.empty()) statement.Bind(filter.marker);
  statement.Bind(static_cast<int64_t>(filter.limit));
  std::vector<InstanceView> views;
  while (true) {
    TRY(bool row, statement.Step());
    if (!row) return views;
    views.push_back(ReadInstance(statement));
  }
}

Result<std::vector<std::string>> InstanceStore::Forget(int64_t oldest_s, size_t most) {
  // Ids begin with their time: those after the newest `most` are the oldest.
  const std::string where =
      " FROM instances WHERE state >= 2 AND (ended_s < ?1 OR id <= "
      "(SELECT id FROM instances ORDER BY id DESC LIMIT 1 OFFSET ?2))";
  std::lock_guard lock(mutex_);
  std::vector<std::string> paths;
  TRY_VOID(database_->InTransaction([&]() -> Status {
    auto select = database_->Prepare("SELECT result_path" + where);
    select.Bind(oldest_s).Bind(static_cast<int64_t>(most));
    while (true) {
      TRY(bool row, select.Step());
      if (!row) break;
      if (!select.Text(0).empty()) paths.push_back(select.Text(0));
    }
    return database_->Prepare("DELETE" + where)
        .Bind(oldest_s)
        .Bind(static_cast<int64_t>(most))
        .Run();
  }));
  return paths;
}

Result<std::vector<std::string>> InstanceStore::ResultPaths() {
  std::lock_guard lock(mutex_);
  auto statement = database_->Prepare("SELECT result_path FROM instances WHERE result_path <> ''");
  std::vector<std::string> paths;
  while (true) {
    TRY(bool row, statement.Step());
    if (!row) return paths;
    paths.push_back(statement.Text(0));
  }
}

}  // namespace mms::sandbox
