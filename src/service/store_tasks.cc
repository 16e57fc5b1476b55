#include "service/store_session.h"

namespace mms::service {
namespace {

using soci::into;
using soci::use;

using Found = std::vector<AsyncTask>;

struct TaskQuery {
  int64_t id = 0;  ///< 0 = any; so of source_id
  int64_t source_id = 0;
  int type = -1;  ///< -1 = any
  PageOf page = {1, 1};
};

Found Run(soci::session& sql, const TaskQuery& query) {
  long long source = query.source_id, wanted = query.id, limit = query.page.size;
  long long offset = (query.page.number - 1) * query.page.size;
  AsyncTask row;
  long long id = 0, source_id = 0, ended = 0, object = 0;
  long long started = 0;
  int type = 0, status = 0;
  soci::indicator has_ended = soci::i_null, has_object = soci::i_null;
  soci::statement statement =
      (sql.prepare << "SELECT id, source_id, type, cause, status, started_ms, ended_ms, result, "
                      "error, object_id "
                      "FROM async_tasks WHERE (:id = 0 OR id = :id) AND (:source = 0 OR "
                      "source_id = :source) AND (:type < 0 OR type = :type) "
                      "ORDER BY id DESC LIMIT :limit OFFSET :offset",
       use(wanted, "id"), use(source, "source"), use(query.type, "type"), use(limit, "limit"),
       use(offset, "offset"), into(id), into(source_id), into(type), into(row.cause), into(status),
       into(started), into(ended, has_ended), into(row.result), into(row.error_json),
       into(object, has_object));
  statement.execute();
  Found found;
  while (statement.fetch()) {
    AsyncTask made = row;
    made.id = id;
    made.source_id = source_id;
    made.type = static_cast<AsyncType>(type);
    made.status = static_cast<TaskStatus>(status);
    made.started_ms = started;
    made.ended_ms = migration::Optional(ended, has_ended);
    made.object_id = migration::Optional(object, has_object);
    found.push_back(std::move(made));
  }
  return found;
}

Error NoTask(int64_t id) {
  return Error(ErrorKind::kNotFound, "TASK_NOT_FOUND", "no such task; its source may be removed")
      .At("task " + std::to_string(id));
}

}  // namespace

std::string_view TypeName(AsyncType type) {
  constexpr std::string_view kNames[] = {"SOURCE_START", "SOURCE_STOP", "CONFIG_TEST",
                                         "CONFIG_UPDATE", "TASK_CREATE"};
  return kNames[static_cast<size_t>(type)];
}

Result<Store::Asked> Store::AddTask(const AsyncTask& task) {
  return state_->Write([&](soci::session& sql) -> Result<Asked> {
    long long source = task.source_id, started = task.started_ms, id = 0;
    const int type = static_cast<int>(task.type);
    int known = 0;
    sql << "SELECT COUNT(*) FROM data_sources WHERE id = :id", use(source), into(known);
    if (known == 0) {
      return Error(ErrorKind::kNotFound, "SOURCE_NOT_FOUND",
                   "no such data source; mms source list names those there are")
          .At("data source " + std::to_string(source));
    }
    const bool joins = task.type == AsyncType::kSourceStart || task.type == AsyncType::kSourceStop;
    if (joins) {
      sql << "SELECT id FROM async_tasks WHERE source_id = :source AND type = :type AND status = 1",
          use(source), use(type), into(id);
      if (sql.got_data()) return Asked{id, true};
    }
    sql << "INSERT INTO async_tasks (source_id, type, cause, status, started_ms) "
           "VALUES (:source, :type, :cause, 1, :started) RETURNING id",
        use(source), use(type), use(task.cause), use(started), into(id);
    return Asked{id, false};
  });
}

Result<AsyncTask> Store::GetTask(int64_t id) {
  return state_->Read([&](soci::session& sql) -> Result<AsyncTask> {
    Found found = Run(sql, {.id = id});
    if (found.empty()) return NoTask(id);
    return std::move(found.front());
  });
}

Result<std::vector<AsyncTask>> Store::ListTasks(int64_t source_id, const PageOf& page) {
  return state_->Read([&](soci::session& sql) -> Result<Found> {
    return Run(sql, {.source_id = source_id, .page = page});
  });
}

Result<std::optional<AsyncTask>> Store::LastTask(int64_t source_id, AsyncType type) {
  using Last = std::optional<AsyncTask>;
  return state_->Read([&](soci::session& sql) -> Result<Last> {
    Found found = Run(sql, {.source_id = source_id, .type = static_cast<int>(type)});
    return found.empty() ? Last() : Last(std::move(found.front()));
  });
}

Result<int64_t> Store::CountOpenTasks() {
  return state_->Read([&](soci::session& sql) -> Result<int64_t> {
    long long count = 0;
    sql << "SELECT COUNT(*) FROM async_tasks WHERE status = 1", into(count);
    return int64_t{count};
  });
}

Status Store::EndTask(int64_t task_id, const TaskEnd& end) {
  return state_->Write([&](soci::session& sql) -> Status {
    long long id = task_id, now = end.now_ms, touched = 0;
    const int status = static_cast<int>(end.status);
    long long object = end.object_id.value_or(0);
    soci::indicator has_object = end.object_id ? soci::i_ok : soci::i_null;
    sql << "UPDATE async_tasks SET status = :status, ended_ms = MAX(started_ms, :now), "
           "result = :result, error = :error, object_id = :object "
           "WHERE id = :id AND status = 1 RETURNING id",
        use(status), use(now), use(end.result), use(end.error_json), use(object, has_object),
        use(id), into(touched);
    return touched == id ? OkStatus() : Status(NoTask(task_id));
  });
}

}  // namespace mms::service
