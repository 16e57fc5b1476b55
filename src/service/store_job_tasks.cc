// Tasks of jobs in store.h: their states are those of JobTaskStatus. A task waits while it does not
// run, is not stopped, and is INIT, SCHEMA_DONE, or DATA_DONE to be compared again: the index
// `tasks_waiting` is of these.
#include <utility>

#include "base/secret.h"
#include "service/store_session.h"

namespace mms::service {
namespace {

using soci::into;
using soci::use;
using enum JobTaskStatus;

Error NoTask(int64_t id) {
  return Error(ErrorKind::kNotFound, "TASK_NOT_FOUND",
               "no such task of a job; mms job tasks names those there are")
      .At("task " + std::to_string(id));
}

Error WrongState(int64_t id, const char* wanted) {
  return Error(ErrorKind::kConflict, "TASK_STATE",
               std::string("is in another state than this needs: it must ") + wanted)
      .At("task " + std::to_string(id));
}

constexpr const char* kSelect =
    "SELECT t.id, t.job_id, t.source_id, j.name, j.src_db, t.src_table, t.table_name, "
    "j.dst_project, j.dst_schema, t.dst_table, t.whole_table, t.partitions, t.bytes, t.rows, "
    "t.status, t.running, t.stopped, t.retried, t.attempts, t.not_before_ms, t.turn, "
    "t.created_ms, t.started_ms, t.ended_ms, t.rows_copied, t.bytes_copied, t.error, "
    "t.compare_alone, t.bytes_read, t.bytes_sent, t.unit_ms, t.sql_ms "
    "FROM job_tasks t JOIN jobs j ON j.id = t.job_id ";

struct TaskRow {
  JobTask task;
  struct Known {
    long long value = 0;
    soci::indicator known = soci::i_null;
    std::optional<int64_t> get() const { return migration::Optional(value, known); }
  };
  long long id = 0, job = 0, source = 0, partitions = 0, retried = 0, attempts = 0;
  long long not_before = 0, turn = 0, created = 0;
  int whole = 0, status = 0, running = 0, stopped = 0, compare_alone = 0;
  Known bytes, rows, started, ended, rows_copied, bytes_copied, bytes_read, bytes_sent, units,
      sql_ms;

  void Bind(soci::statement& to) {
    for (long long* number : {&id, &job, &source}) to.exchange(into(*number));
    for (std::string* text : {&task.job_name, &task.src_db, &task.src_table, &task.table_name,
                              &task.dst_project, &task.dst_schema, &task.dst_table}) {
      to.exchange(into(*text));
    }
    to.exchange(into(whole));
    to.exchange(into(partitions));
    for (Known* number : {&bytes, &rows}) to.exchange(into(number->value, number->known));
    for (int* number : {&status, &running, &stopped}) to.exchange(into(*number));
    for (long long* number : {&retried, &attempts, &not_before, &turn, &created}) {
      to.exchange(into(*number));
    }
    for (Known* number : {&started, &ended, &rows_copied, &bytes_copied}) {
      to.exchange(into(number->value, number->known));
    }
    to.exchange(into(task.error_json));
    to.exchange(into(compare_alone));
    for (Known* number : {&bytes_read, &bytes_sent, &units, &sql_ms}) {
      to.exchange(into(number->value, number->known));
    }
  }
  JobTask Make() const {
    JobTask made = task;
    made.id = id;
    made.job_id = job;
    made.source_id = source;
    made.whole_table = whole != 0;
    made.partitions = partitions;
    made.bytes = bytes.get();
    made.rows = rows.get();
    made.status = static_cast<JobTaskStatus>(status);
    made.running = running != 0;
    made.stopped = stopped != 0;
    made.retried = retried;
    made.attempts = attempts;
    made.not_before_ms = not_before;
    made.turn = turn;
    made.created_ms = created;
    made.started_ms = started.get();
    made.ended_ms = ended.get();
    made.rows_copied = rows_copied.get();
    made.bytes_copied = bytes_copied.get();
    made.compare_alone = compare_alone != 0;
    const bool counted = bytes_read.get() && bytes_sent.get();
    made.unit_ms = units.get();
    made.sql_ms = sql_ms.get();
    made.traffic.reset();
    if (counted) made.traffic = migration::Traffic{*bytes_read.get(), *bytes_sent.get()};
    return made;
  }
};

constexpr const char* kWhere =
    "WHERE j.deleted = 0 AND (:source = 0 OR t.source_id = :source) "
    "AND (:job = 0 OR t.job_id = :job) AND j.name LIKE :name ESCAPE '\\' "
    "AND (:db = '' OR j.src_db = :db) AND (:src = '' OR t.src_table = :src) "
    "AND (:project = '' OR j.dst_project = :project) AND (:dst = '' OR t.dst_table = :dst) "
    "AND (:partition = '' OR EXISTS (SELECT 1 FROM task_partitions p WHERE p.task_id = t.id "
    "AND p.value LIKE :like ESCAPE '\\')) AND (:status < 0 OR t.status = :status) "
    "AND (:running < 0 OR t.running = :running) "
    "AND (:failed = 0 OR (t.running = 0 AND t.status IN (3, 6, 9))) "
    "AND (:uncompared = 0 OR (t.running = 0 AND t.status = 10 AND t.error <> '')) ";

struct BoundFilter {
  std::string name, db, src, project, dst, partition, like;
  long long source = 0, job = 0;
  int status = -1, running = -1, failed = 0, uncompared = 0;

  explicit BoundFilter(const Store::TaskFilter& filter)
      : name(LikePart(filter.job_name)),
        db(filter.src_db),
        src(filter.src_table),
        project(filter.dst_db),
        dst(filter.dst_table),
        partition(filter.partition),
        like(LikePart(filter.partition)),
        source(filter.source_id),
        job(filter.job_id),
        status(filter.status ? static_cast<int>(*filter.status) : -1),
        running(filter.running ? static_cast<int>(*filter.running) : -1),
        failed(filter.failed ? 1 : 0),
        uncompared(filter.uncompared ? 1 : 0) {}

  void Bind(soci::statement& to) {
    to.exchange(use(source, "source"));
    to.exchange(use(job, "job"));
    to.exchange(use(name, "name"));
    to.exchange(use(db, "db"));
    to.exchange(use(src, "src"));
    to.exchange(use(project, "project"));
    to.exchange(use(dst, "dst"));
    to.exchange(use(partition, "partition"));
    to.exchange(use(like, "like"));
    to.exchange(use(status, "status"));
    to.exchange(use(running, "running"));
    to.exchange(use(failed, "failed"));
    to.exchange(use(uncompared, "uncompared"));
  }
};

/// The two columns' values, to be bound.
struct BoundTraffic {
  long long read, sent;
  soci::indicator known;

  explicit BoundTraffic(const std::optional<migration::Traffic>& traffic)
      : read(traffic ? traffic->bytes_read : 0),
        sent(traffic ? traffic->bytes_sent : 0),
        known(traffic ? soci::i_ok : soci::i_null) {}
};

/// The column's value, to be bound, and NULL to leave it as it is.
struct BoundShare {
  long long unit_ms, until_ms;
  soci::indicator taken;

  explicit BoundShare(const std::optional<ShareTaken>& share)
      : unit_ms(share ? share->unit_ms : 0),
        until_ms(share ? share->until_ms : 0),
        taken(share ? soci::i_ok : soci::i_null) {}
};

/// Likewise.
struct BoundTime {
  long long ms;
  soci::indicator known;

  explicit BoundTime(const std::optional<int64_t>& time)
      : ms(time.value_or(0)), known(time ? soci::i_ok : soci::i_null) {}
};

/// What a task has of the instance is in the instance's own account too, also after a kill.
void NoteInstance(soci::session& sql, int64_t task_id, BoundShare& share) {
  if (share.taken != soci::i_ok) return;
  long long id = task_id;
  sql << "UPDATE instance_uses SET heartbeat_ms = MAX(heartbeat_ms, :until) WHERE ended_ms IS NULL "
         "AND source_id = (SELECT source_id FROM job_tasks WHERE id = :id)",
      use(share.until_ms), use(id);
}

void AddLog(soci::session& sql, const Store::TaskStep& line) {
  long long id = line.id, now = line.now_ms;
  const int status = static_cast<int>(line.status);
  const std::string message = ScrubSecrets(line.message);  // a peer may echo anything
  sql << "INSERT INTO task_logs (task_id, status, action, message, created_ms) "
         "VALUES (:id, :status, :action, :message, :now)",
      use(id), use(status), use(line.action), use(message), use(now);
  if (line.action != kStatementAction) return;
  sql << "UPDATE job_tasks SET statements = statements + 1 WHERE id = :id", use(id);
}

/// With its last task a job ends, and its evidence is due.
void NoteEndOfJob(soci::session& sql, int64_t task_id) {
  long long id = task_id;
  sql << "UPDATE jobs SET evidence_due = evidence_due + 1 WHERE deleted = 0 AND id = (SELECT "
         "job_id FROM job_tasks WHERE id = :id) AND NOT EXISTS (SELECT 1 FROM job_tasks t WHERE "
         "t.job_id = jobs.id AND (t.running = 1 OR t.status NOT IN (3, 6, 9, 10)))",
      use(id);
}

Result<JobTask> TaskOf(soci::session& sql, int64_t task_id) {
  soci::statement statement(sql);
  long long id = task_id;
  statement.exchange(use(id));
  auto tasks = FetchRows<TaskRow>(statement, std::string(kSelect) + "WHERE t.id = :id");
  if (tasks.empty()) return NoTask(task_id);
  return std::move(tasks.front());
}

/// Where a task that is to be gone on with begins: its table once made stays made.
JobTaskStatus ResumedFrom(JobTaskStatus status) {
  return status < kSchemaDone || status == kSchemaFailed ? kInit : kSchemaDone;
}

}  // namespace

int64_t RetryFailed(soci::session& sql, const char* column, int64_t of) {
  long long id = of;
  soci::statement statement =
      (sql.prepare << std::string(
                          "UPDATE job_tasks SET status = CASE status WHEN 3 THEN 0 ELSE 2 "
                          "END, retried = retried + 1, attempts = 0, not_before_ms = 0, "
                          "goes_first = 1, stopped = 0, compare_alone = 0, ended_ms = NULL, "
                          "error = '' "
                          "WHERE running = 0 AND status IN (3, 6, 9) AND ") +
                          column + " = :id",
       use(id));
  statement.execute(true);
  return statement.get_affected_rows();
}

void ReturnRunning(soci::session& sql, int64_t now_ms) {
  long long now = now_ms;
  sql << "INSERT INTO task_logs (task_id, status, action, message, created_ms) "
         "SELECT id, status, 'end', 'its process ended; to be gone on with', :now FROM job_tasks "
         "WHERE running = 1",
      use(now);
  sql << "UPDATE job_tasks SET running = 0, attempts = MAX(attempts - 1, 0), goes_first = 1, "
         "status = CASE WHEN compare_alone = 1 THEN 5 WHEN status IN (0, 1, 3) THEN 0 ELSE 2 END "
         "WHERE running = 1";
}

Result<std::vector<JobTask>> Store::ListJobTasks(const TaskFilter& filter, const PageOf& page) {
  return state_->Read([&](soci::session& sql) -> Result<std::vector<JobTask>> {
    soci::statement statement(sql);
    BoundFilter bound(filter);
    long long limit = page.size, offset = (page.number - 1) * page.size;
    bound.Bind(statement);
    statement.exchange(use(limit, "limit"));
    statement.exchange(use(offset, "offset"));
    return FetchRows<TaskRow>(
        statement, std::string(kSelect) + kWhere + "ORDER BY t.id LIMIT :limit OFFSET :offset");
  });
}

Result<int64_t> Store::CountJobTasks(const TaskFilter& filter) {
  return state_->Read([&](soci::session& sql) -> Result<int64_t> {
    soci::statement statement(sql);
    BoundFilter bound(filter);
    bound.Bind(statement);
    return FetchCount(statement, std::string("SELECT COUNT(*) FROM job_tasks t JOIN jobs j ON "
                                             "j.id = t.job_id ") +
                                     kWhere);
  });
}

Result<JobTask> Store::GetJobTask(int64_t task_id) {
  return state_->Read([&](soci::session& sql) { return TaskOf(sql, task_id); });
}

Result<bool> Store::IsJobTaskStopped(int64_t task_id) {
  return state_->Read([&](soci::session& sql) -> Result<bool> {
    long long id = task_id;
    int stopped = 0;
    sql << "SELECT stopped FROM job_tasks WHERE id = :id", use(id), into(stopped);
    if (!sql.got_data()) return NoTask(task_id);
    return stopped != 0;
  });
}

Status Store::VisitTaskValues(int64_t task_id, const std::function<Status(std::string)>& visit) {
  return state_->Read([&](soci::session& sql) -> Status {
    long long id = task_id;
    std::string value;
    soci::statement statement =
        (sql.prepare << "SELECT value FROM task_partitions WHERE task_id = :id ORDER BY value",
         use(id), into(value));
    statement.execute();
    while (statement.fetch()) TRY_VOID(visit(value));
    return OkStatus();
  });
}

Status Store::VisitTableValues(
    int64_t job_id, const std::string& table_name,
    const std::function<Status(int64_t task, std::string value)>& visit) {
  return state_->Read([&](soci::session& sql) -> Status {
    long long job = job_id, task = 0;
    std::string value;
    soci::statement statement =
        (sql.prepare << "SELECT t.id, p.value FROM job_tasks t JOIN task_partitions p ON "
                        "p.task_id = t.id WHERE t.job_id = :job AND t.table_name = :name AND "
                        "t.compare_alone = 0 AND (t.running = 1 OR t.status <> 10)",
         use(job), use(table_name), into(task), into(value));
    statement.execute();
    while (statement.fetch()) TRY_VOID(visit(task, value));
    return OkStatus();
  });
}

Status Store::RetryTask(int64_t task_id, int64_t now_ms) {
  return state_->Write([&](soci::session& sql) -> Status {
    long long id = task_id, job = 0;
    sql << "SELECT t.job_id FROM job_tasks t JOIN jobs j ON j.id = t.job_id WHERE t.id = :id AND "
           "j.deleted = 0",
        use(id), into(job);
    if (!sql.got_data()) return NoTask(task_id);
    TRY_VOID(CheckJobConflicts(sql, job));
    if (RetryFailed(sql, "id", task_id) != 1) return WrongState(task_id, "have failed");
    AddLog(sql, {task_id, kInit, "retry", "asked for by a user", now_ms});
    return OkStatus();
  });
}

Result<std::optional<JobTask>> Store::NextJobTask(int64_t source_id, int64_t steady_ms) {
  using Next = std::optional<JobTask>;
  return state_->Read([&](soci::session& sql) -> Result<Next> {
    long long source = source_id, now = steady_ms, id = 0;
    // In the index's order and words, so that it is the index that answers.
    sql << "SELECT id FROM job_tasks t WHERE source_id = :source AND running = 0 AND stopped = 0 "
           "AND status IN (0, 2, 5) AND not_before_ms <= :now AND NOT EXISTS (SELECT 1 FROM jobs j "
           "JOIN job_tasks d ON d.job_id = j.id WHERE j.source_id = t.source_id AND "
           "j.evidence_due > 0 AND d.table_name = t.table_name) "
           "ORDER BY eta, job_id, goes_first DESC, turn, bytes DESC, id LIMIT 1",
        use(source), use(now), into(id);
    if (!sql.got_data()) return Next();
    TRY(JobTask next, TaskOf(sql, id));
    return Next(std::move(next));
  });
}

Result<JobTask> Store::BeginJobTask(int64_t task_id, int64_t now_ms) {
  JobTask begun;
  TRY_VOID(state_->Write([&](soci::session& sql) -> Status {
    long long id = task_id, now = now_ms;
    soci::statement statement =
        (sql.prepare << "UPDATE job_tasks SET running = 1, attempts = attempts + 1, "
                        "not_before_ms = 0, started_ms = COALESCE(started_ms, :now), "
                        "ended_ms = NULL, error = '' WHERE id = :id AND running = 0 AND "
                        "stopped = 0 AND status IN (0, 2, 5)",
         use(now, "now"), use(id, "id"));
    statement.execute(true);
    if (statement.get_affected_rows() != 1) return WrongState(task_id, "wait to begin");
    TRY(begun, TaskOf(sql, task_id));
    return OkStatus();
  }));
  return begun;
}

Status Store::StepJobTask(const TaskStep& step) {
  return state_->Write([&](soci::session& sql) -> Status {
    long long id = step.id;
    const int status = static_cast<int>(step.status);
    soci::statement statement = (sql.prepare << "UPDATE job_tasks SET status = :status WHERE "
                                                "id = :id AND running = 1",
                                 use(status), use(id));
    statement.execute(true);
    if (statement.get_affected_rows() != 1) return WrongState(step.id, "run");
    AddLog(sql, step);
    return OkStatus();
  });
}

Status Store::LogJobTask(const TaskStep& line) {
  return state_->Write([&](soci::session& sql) -> Status {
    AddLog(sql, line);
    return OkStatus();
  });
}

Status Store::SetJobTaskProgress(const std::map<int64_t, Moved>& moved) {
  return state_->Write([&](soci::session& sql) -> Status {
    for (const auto& [task_id, amount] : moved) {
      long long id = task_id, rows = amount.rows, bytes = amount.bytes;
      BoundTraffic traffic(amount.traffic);
      BoundShare share(amount.share);
      BoundTime sql_ms(amount.sql_ms);
      sql << "UPDATE job_tasks SET "
             "rows_copied = CASE compare_alone WHEN 1 THEN rows_copied ELSE :rows END, "
             "bytes_copied = CASE compare_alone WHEN 1 THEN bytes_copied ELSE :bytes END, "
             "bytes_read = :read, bytes_sent = :sent, unit_ms = COALESCE(:units, unit_ms), "
             "sql_ms = COALESCE(:sql, sql_ms) WHERE id = :id AND running = 1",
          use(rows), use(bytes), use(traffic.read, traffic.known), use(traffic.sent, traffic.known),
          use(share.unit_ms, share.taken), use(sql_ms.ms, sql_ms.known), use(id);
      NoteInstance(sql, task_id, share);
    }
    return OkStatus();
  });
}

Status Store::EndJobTask(const JobTaskEnd& end) {
  return state_->Write([&](soci::session& sql) -> Status {
    long long id = end.id, now = end.now_ms, not_before = end.not_before_ms;
    const bool again = not_before > 0;
    const int status = static_cast<int>(again ? ResumedFrom(end.status) : end.status);
    const int is_end = again ? 0 : 1, as_before = end.as_before ? 1 : 0;
    BoundTime sql_ms(end.sql_ms);
    BoundTraffic traffic(end.traffic);
    BoundShare share(end.share);
    long long rows = end.rows_copied.value_or(0), bytes = end.bytes_copied.value_or(0);
    soci::indicator has_rows = end.rows_copied ? soci::i_ok : soci::i_null;
    soci::indicator has_bytes = end.bytes_copied ? soci::i_ok : soci::i_null;
    soci::statement statement =
        (sql.prepare << "UPDATE job_tasks SET running = 0, "
                        "status = CASE WHEN :end = 0 AND compare_alone = 1 THEN 5 "
                        "WHEN :before = 1 THEN COALESCE((SELECT l.status FROM task_logs l WHERE "
                        "l.task_id = :id AND l.action = 'end' AND l.status IN (9, 10) "
                        "ORDER BY l.id DESC LIMIT 1), 10) ELSE :status END, compare_alone = CASE "
                        ":end WHEN 1 THEN 0 ELSE compare_alone END, "
                        "not_before_ms = :wait, error = :error, "
                        "rows_copied = CASE compare_alone WHEN 1 THEN rows_copied ELSE :rows END, "
                        "bytes_copied = CASE compare_alone WHEN 1 THEN bytes_copied ELSE :bytes "
                        "END, bytes_read = :read, bytes_sent = :sent, "
                        "unit_ms = COALESCE(:units, unit_ms), goes_first = 0, "
                        "sql_ms = COALESCE(:sql, sql_ms), "
                        "ended_ms = CASE :end WHEN 1 THEN MAX(started_ms, :now) END "
                        "WHERE id = :id AND running = 1",
         use(status, "status"), use(not_before, "wait"), use(end.error_json, "error"),
         use(rows, has_rows, "rows"), use(bytes, has_bytes, "bytes"),
         use(sql_ms.ms, sql_ms.known, "sql"), use(traffic.read, traffic.known, "read"),
         use(traffic.sent, traffic.known, "sent"), use(share.unit_ms, share.taken, "units"),
         use(is_end, "end"), use(as_before, "before"), use(now, "now"), use(id, "id"));
    statement.execute(true);
    if (statement.get_affected_rows() != 1) return WrongState(end.id, "run");
    NoteInstance(sql, end.id, share);
    AddLog(sql, {end.id, end.status, end.action, end.message, end.now_ms});
    if (!again) NoteEndOfJob(sql, end.id);
    return OkStatus();
  });
}

Status Store::ReturnJobTask(const JobTaskReturn& returned) {
  return state_->Write([&](soci::session& sql) -> Status {
    long long id = returned.id;
    BoundTraffic traffic(returned.traffic);
    BoundShare share(returned.share);
    BoundTime sql_ms(returned.sql_ms);
    int status = 0, compare_alone = 0;
    sql << "SELECT status, compare_alone FROM job_tasks WHERE id = :id AND running = 1", use(id),
        into(status), into(compare_alone);
    if (!sql.got_data()) return WrongState(returned.id, "run");
    const int resumed = static_cast<int>(
        compare_alone != 0 ? kDataDone : ResumedFrom(static_cast<JobTaskStatus>(status)));
    sql << "UPDATE job_tasks SET running = 0, status = :status, goes_first = 1, "
           "attempts = MAX(attempts - 1, 0), bytes_read = :read, bytes_sent = :sent, "
           "unit_ms = COALESCE(:units, unit_ms), sql_ms = COALESCE(:sql, sql_ms) WHERE id = :id",
        use(resumed), use(traffic.read, traffic.known), use(traffic.sent, traffic.known),
        use(share.unit_ms, share.taken), use(sql_ms.ms, sql_ms.known), use(id);
    NoteInstance(sql, returned.id, share);
    AddLog(sql, {returned.id, static_cast<JobTaskStatus>(resumed), "stop", returned.message,
                 returned.now_ms});
    return OkStatus();
  });
}

Result<std::vector<TaskLog>> Store::ListTaskLogs(int64_t task_id) {
  return state_->Read([&](soci::session& sql) -> Result<std::vector<TaskLog>> {
    long long task = task_id, id = 0, created = 0;
    int status = 0;
    TaskLog row;
    soci::statement statement =
        (sql.prepare << "SELECT id, status, action, message, created_ms FROM task_logs "
                        "WHERE task_id = :id ORDER BY id",
         use(task), into(id), into(status), into(row.action), into(row.message), into(created));
    statement.execute();
    std::vector<TaskLog> logs;
    while (statement.fetch()) {
      TaskLog made = row;
      made.id = id;
      made.task_id = task;
      made.status = static_cast<JobTaskStatus>(status);
      made.created_ms = created;
      logs.push_back(std::move(made));
    }
    return logs;
  });
}

Result<bool> Store::HasOpenJobTasks(int64_t source_id) {
  return state_->Read([&](soci::session& sql) -> Result<bool> {
    long long source = source_id;
    int open = 0;
    // In the words of the two indexes, so that it is they that answer.
    sql << "SELECT EXISTS (SELECT 1 FROM job_tasks WHERE source_id = :source AND running = 1) OR "
           "EXISTS (SELECT 1 FROM job_tasks WHERE source_id = :source AND running = 0 AND "
           "stopped = 0 AND status IN (0, 2, 5))",
        use(source, "source"), into(open);
    return open != 0;
  });
}

}  // namespace mms::service
