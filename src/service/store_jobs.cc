// Jobs in store.h.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "service/store_session.h"

namespace mms::service {
namespace {

using nlohmann::json;
using soci::into;
using soci::use;

constexpr const char* kNoEta = "~";
/// Statuses of a task that is not ended: see JobTaskStatus.
constexpr const char* kOpen = "(running = 1 OR status NOT IN (3, 6, 9, 10))";

Error NoJob(int64_t id) {
  return Error(ErrorKind::kNotFound, "JOB_NOT_FOUND",
               "no such job, or it was deleted; mms job list names those there are")
      .At("job " + std::to_string(id));
}

Status CheckThere(soci::session& sql, int64_t job_id) {
  long long id = job_id;
  int count = 0;
  sql << "SELECT COUNT(*) FROM jobs WHERE id = :id AND deleted = 0", use(id), into(count);
  return count > 0 ? OkStatus() : Status(NoJob(job_id));
}

struct JobRow {
  Job job;
  std::string config;
  long long id = 0, source_id = 0, timer = 0, created = 0, ended = 0;
  long long total = 0, running = 0, done = 0, failed = 0;
  int type = 0, stopped = 0;
  soci::indicator has_timer = soci::i_null, has_ended = soci::i_null;

  void Bind(soci::statement& to) {
    to.exchange(into(id));
    to.exchange(into(source_id));
    for (std::string* text : {&job.name, &job.src_db, &job.dst_project, &job.dst_schema}) {
      to.exchange(into(*text));
    }
    to.exchange(into(type));
    to.exchange(into(config));
    to.exchange(into(job.eta));
    to.exchange(into(stopped));
    to.exchange(into(job.stop_reason));
    to.exchange(into(job.stop_remedy));
    to.exchange(into(timer, has_timer));
    to.exchange(into(created));
    for (long long* count : {&total, &running, &done, &failed}) to.exchange(into(*count));
    to.exchange(into(ended, has_ended));
  }
  Result<Job> Make() const {
    Job made = job;
    made.id = id;
    made.source_id = source_id;
    made.type = static_cast<JobType>(type);
    TRY(made.config, JobConfigFromJson(json::parse(config, nullptr, false)));
    made.stopped = stopped != 0;
    made.timer_id = migration::Optional(timer, has_timer);
    made.created_ms = created;
    made.tasks = {total, total - running - done - failed, running, done, failed};
    const bool ended_all = made.tasks.waiting == 0 && running == 0;
    if (ended_all) made.ended_ms = migration::Optional(ended, has_ended);
    return made;
  }
};

constexpr const char* kSelectJobs =
    "SELECT j.id, j.source_id, j.name, j.src_db, j.dst_project, j.dst_schema, j.type, j.config, "
    "j.eta, j.stopped, j.stop_reason, j.stop_remedy, j.timer_id, j.created_ms, COUNT(t.id), "
    "COALESCE(SUM(t.running), 0) AS running, "
    "COALESCE(SUM(t.running = 0 AND t.status = 10), 0) AS done, "
    "COALESCE(SUM(t.running = 0 AND t.status IN (3, 6, 9)), 0) AS failed, MAX(t.ended_ms) ";

/// Of a filter's fields, all bound by name.
constexpr const char* kFromJobs =
    "FROM jobs j LEFT JOIN job_tasks t ON t.job_id = j.id WHERE j.deleted = 0 "
    "AND (:source = 0 OR j.source_id = :source) AND j.name LIKE :name ESCAPE '\\' "
    "AND (:db = '' OR j.src_db = :db) AND (:dst = '' OR j.dst_project = :dst) "
    "AND (:stopped < 0 OR j.stopped = :stopped) AND (:timer = 0 OR j.timer_id = :timer) "
    "AND (:table = '' OR EXISTS (SELECT 1 FROM job_tasks s WHERE s.job_id = j.id AND "
    "s.src_table = :table)) AND (:into = '' OR EXISTS (SELECT 1 FROM job_tasks s WHERE "
    "s.job_id = j.id AND s.dst_table = :into)) GROUP BY j.id ";
/// JobStatus of the row's counts, as StatusOf has it.
constexpr const char* kHaving =
    "HAVING :status < 0 OR :status = CASE WHEN SUM(t.running) > 0 THEN 1 "
    "WHEN SUM(t.status NOT IN (3, 6, 9, 10)) > 0 THEN "
    "SUM(t.status NOT IN (3, 6, 9, 10)) < COUNT(t.id) "
    "WHEN SUM(t.status IN (3, 6, 9)) > 0 THEN 3 ELSE 2 END ";

struct BoundFilter {
  std::string name, db, dst, table, target;
  long long source = 0, timer = 0;
  int stopped = -1, status = -1;

  explicit BoundFilter(const Store::JobFilter& filter)
      : name(LikePart(filter.name)),
        db(filter.src_db),
        dst(filter.dst_db),
        table(filter.src_table),
        target(filter.dst_table),
        source(filter.source_id),
        timer(filter.timer_id.value_or(0)),
        stopped(filter.stopped ? static_cast<int>(*filter.stopped) : -1),
        status(filter.status ? static_cast<int>(*filter.status) : -1) {}

  void Bind(soci::statement& to) {
    to.exchange(use(source, "source"));
    to.exchange(use(name, "name"));
    to.exchange(use(db, "db"));
    to.exchange(use(dst, "dst"));
    to.exchange(use(stopped, "stopped"));
    to.exchange(use(timer, "timer"));
    to.exchange(use(table, "table"));
    to.exchange(use(target, "into"));
    to.exchange(use(status, "status"));
  }
};

Result<std::vector<Job>> FetchJobs(soci::statement& statement, const std::string& query) {
  std::vector<Job> jobs;
  for (Result<Job>& made : FetchRows<JobRow>(statement, query)) {
    TRY(Job job, std::move(made));
    jobs.push_back(std::move(job));
  }
  return jobs;
}

/// The statements of AddJob that run once a task and once a partition.
class TaskWriter {
 public:
  TaskWriter(soci::session& sql, long long job_id, const Job& job)
      : sql_(sql),
        job_id_(job_id),
        source_(job.source_id),
        created_(job.created_ms),
        job_(job),
        eta_(job.eta.empty() ? kNoEta : job.eta),
        insert_((sql.prepare << "INSERT INTO job_tasks (job_id, source_id, src_table, table_name, "
                                "dst_table, target, eta, whole_table, partitions, bytes, rows, "
                                "turn, created_ms) VALUES (:job, :source, :src, :name, :dst, "
                                ":target, :eta, :whole, :partitions, :bytes, :rows, :turn, "
                                ":created)",
                 use(job_id_), use(source_), use(src_), use(name_), use(dst_), use(target_),
                 use(eta_), use(whole_), use(partitions_), use(bytes_, has_bytes_),
                 use(rows_, has_rows_), use(turn_), use(created_))),
        value_((sql.prepare << "INSERT INTO task_partitions (task_id, value) VALUES (:id, :value)",
                use(task_id_), use(text_))) {}

  void Add(const Store::NewTask& made) {
    const JobTask& task = made.task;
    src_ = task.src_table;
    name_ = task.table_name;
    dst_ = task.dst_table;
    target_ = TargetKey(job_, dst_);
    whole_ = task.whole_table ? 1 : 0;
    partitions_ = task.partitions;
    bytes_ = task.bytes.value_or(0);
    has_bytes_ = task.bytes ? soci::i_ok : soci::i_null;
    rows_ = task.rows.value_or(0);
    has_rows_ = task.rows ? soci::i_ok : soci::i_null;
    turn_ = task.turn;
    insert_.execute(true);
    task_id_ = sqlite_api::sqlite3_last_insert_rowid(migration::Connection(sql_));
    for (const std::string& value : made.values) {
      text_ = value;
      value_.execute(true);
    }
  }

 private:
  soci::session& sql_;
  long long job_id_, source_, created_;
  const Job& job_;
  std::string eta_, src_, name_, dst_, target_, text_;
  int whole_ = 0;
  long long partitions_ = 0, bytes_ = 0, rows_ = 0, turn_ = 0, task_id_ = 0;
  soci::indicator has_bytes_ = soci::i_null, has_rows_ = soci::i_null;
  soci::statement insert_, value_;
};

}  // namespace

Result<int64_t> Store::AddJob(const Job& job,
                              const std::function<Status(const AddJobTask& add)>& tasks,
                              const std::optional<TimerLogEnd>& firing) {
  return state_->Write([&](soci::session& sql) -> Result<int64_t> {
    long long source = job.source_id, created = job.created_ms, id = 0;
    long long timer = job.timer_id.value_or(0);
    soci::indicator has_timer = job.timer_id ? soci::i_ok : soci::i_null;
    int known = 0;
    sql << "SELECT COUNT(*) FROM data_sources WHERE id = :id", use(source), into(known);
    if (known == 0) {
      return Error(ErrorKind::kNotFound, "SOURCE_NOT_FOUND",
                   "no such data source; mms source list names those there are")
          .At("data source " + std::to_string(source));
    }
    const int type = static_cast<int>(job.type);
    const std::string config = ToJson(job.config).dump();
    sql << "INSERT INTO jobs (source_id, name, src_db, dst_project, dst_schema, type, config, eta, "
           "timer_id, created_ms) VALUES (:source, :name, :db, :project, :schema, :type, :config, "
           ":eta, :timer, :created) RETURNING id",
        use(source), use(job.name), use(job.src_db), use(job.dst_project), use(job.dst_schema),
        use(type), use(config), use(job.eta), use(timer, has_timer), use(created), into(id);
    {
      TaskWriter writer(sql, id, job);
      TRY_VOID(tasks([&](const NewTask& task) -> Status {
        writer.Add(task);
        return OkStatus();
      }));
    }
    TRY_VOID(CheckJobConflicts(sql, id));
    if (firing) EndFiring(sql, *firing);
    return int64_t{id};
  });
}

Result<bool> Store::HasJobs() {
  return state_->Read([&](soci::session& sql) -> Result<bool> {
    int any = 0;
    sql << "SELECT EXISTS (SELECT 1 FROM jobs)", into(any);
    return any != 0;
  });
}

Result<Job> Store::GetJob(int64_t id) {
  return state_->Read([&](soci::session& sql) -> Result<Job> {
    soci::statement statement(sql);
    long long wanted = id;
    statement.exchange(use(wanted, "id"));
    TRY(auto jobs, FetchJobs(statement, std::string(kSelectJobs) +
                                            "FROM jobs j LEFT JOIN job_tasks t ON t.job_id = j.id "
                                            "WHERE j.id = :id AND j.deleted = 0 GROUP BY j.id"));
    if (jobs.empty()) return NoJob(id);
    return std::move(jobs.front());
  });
}

Result<JobConfig> Store::GetJobConfig(int64_t job_id) {
  return state_->Read([&](soci::session& sql) -> Result<JobConfig> {
    long long id = job_id;
    std::string config;
    sql << "SELECT config FROM jobs WHERE id = :id AND deleted = 0", use(id), into(config);
    if (!sql.got_data()) return NoJob(job_id);
    return JobConfigFromJson(json::parse(config, nullptr, false));
  });
}

Result<std::vector<Job>> Store::ListJobs(const JobFilter& filter, const PageOf& page) {
  return state_->Read([&](soci::session& sql) -> Result<std::vector<Job>> {
    soci::statement statement(sql);
    BoundFilter bound(filter);
    long long limit = page.size, offset = (page.number - 1) * page.size;
    bound.Bind(statement);
    statement.exchange(use(limit, "limit"));
    statement.exchange(use(offset, "offset"));
    return FetchJobs(statement, std::string(kSelectJobs) + kFromJobs + kHaving +
                                    "ORDER BY j.id DESC LIMIT :limit OFFSET :offset");
  });
}

Result<int64_t> Store::CountJobs(const JobFilter& filter) {
  return state_->Read([&](soci::session& sql) -> Result<int64_t> {
    soci::statement statement(sql);
    BoundFilter bound(filter);
    long long count = 0;
    bound.Bind(statement);
    statement.exchange(into(count));
    statement.alloc();
    statement.prepare(std::string("SELECT COUNT(*) FROM (SELECT j.id ") + kFromJobs + kHaving +
                      ")");
    statement.define_and_bind();
    statement.execute(true);
    return int64_t{count};
  });
}

Status Store::StopJob(int64_t job_id, const StopCause& why) {
  return state_->Write([&](soci::session& sql) -> Status {
    TRY_VOID(CheckThere(sql, job_id));
    long long id = job_id;
    sql << "UPDATE jobs SET stopped = 1, stop_reason = :reason, stop_remedy = :remedy "
           "WHERE id = :id",
        use(why.reason), use(why.remedy), use(id);
    sql << std::string("UPDATE job_tasks SET stopped = 1 WHERE job_id = :id AND ") + kOpen, use(id);
    return OkStatus();
  });
}

namespace {

Result<JobConfig> ConfigOf(soci::session& sql, int64_t job_id) {
  long long id = job_id;
  std::string text;
  sql << "SELECT config FROM jobs WHERE id = :id", use(id), into(text);
  return JobConfigFromJson(json::parse(text, nullptr, false));
}

void SaveConfig(soci::session& sql, int64_t job_id, const JobConfig& config) {
  const long long id = job_id;
  const std::string text = ToJson(config).dump();
  sql << "UPDATE jobs SET config = :config WHERE id = :id", use(text), use(id);
}

Status SetOthers(soci::session& sql, int64_t job_id,
                 const std::map<std::string, std::string>& others) {
  if (others.empty()) return OkStatus();
  TRY(JobConfig config, ConfigOf(sql, job_id));
  static const std::set<std::string> kChangeable = {"max_cost", "max_egress_gb",
                                                    "on_dropped_partition", "on_extra_column",
                                                    "verification.method"};
  for (const auto& [key, value] : others) {
    if (!kChangeable.contains(key)) {
      return Error(
          ErrorKind::kInvalidInput, "JOB_CONFIG",
          fmt::format("others.{} is nothing to set of a job that is there; {} can be, what "
                      "else it has stays as it is: its tasks were made by it",
                      key, fmt::join(kChangeable, ", ")));
    }
    config.others[key] = value;
  }
  TRY_VOID(BudgetOf(config));
  TRY_VOID(MethodOf(config));
  TRY_VOID(DroppedOf(config));
  TRY_VOID(AddsColumns(config));
  SaveConfig(sql, job_id, config);
  return OkStatus();
}

Status SetOnce(soci::session& sql, int64_t job_id, const std::string& method) {
  TRY(JobConfig config, ConfigOf(sql, job_id));
  config.others.erase(kOnceMethod);
  if (!method.empty()) config.others[kOnceMethod] = method;
  TRY_VOID(MethodOf(config, true));
  SaveConfig(sql, job_id, config);
  return OkStatus();
}

void Unstop(soci::session& sql, int64_t job_id) {
  long long id = job_id;
  sql << "UPDATE jobs SET stopped = 0, stop_reason = '', stop_remedy = '' WHERE id = :id", use(id);
  sql << "UPDATE job_tasks SET goes_first = 1 WHERE job_id = :id AND stopped = 1 AND attempts > 0",
      use(id);
  sql << "UPDATE job_tasks SET stopped = 0 WHERE job_id = :id AND stopped = 1", use(id);
}

}  // namespace

Status Store::StartJob(int64_t job_id, const std::map<std::string, std::string>& others) {
  return state_->Write([&](soci::session& sql) -> Status {
    TRY_VOID(CheckThere(sql, job_id));
    TRY_VOID(SetOthers(sql, job_id, others));
    Unstop(sql, job_id);
    return OkStatus();
  });
}

Result<int64_t> Store::RetryJob(int64_t job_id) {
  return state_->Write([&](soci::session& sql) -> Result<int64_t> {
    TRY_VOID(CheckThere(sql, job_id));
    TRY_VOID(CheckJobConflicts(sql, job_id));
    const int64_t tasks = RetryFailed(sql, "job_id", job_id);
    if (tasks > 0) Unstop(sql, job_id);
    return tasks;
  });
}

Result<int64_t> Store::VerifyJob(int64_t job_id, const std::string& method, int64_t now_ms) {
  TRY(const Job job, GetJob(job_id));
  return state_->Write([&](soci::session& sql) -> Result<int64_t> {
    TRY_VOID(CheckThere(sql, job_id));
    TRY_VOID(CheckJobConflicts(sql, job_id));
    TRY_VOID(SetOnce(sql, job_id, method));
    long long id = job_id, now = now_ms;
    soci::statement statement =
        (sql.prepare << "UPDATE job_tasks SET status = 5, compare_alone = 1, attempts = 0, "
                        "not_before_ms = 0, ended_ms = NULL, error = '' "
                        "WHERE running = 0 AND status IN (9, 10) AND job_id = :id",
         use(id));
    statement.execute(true);
    const int64_t tasks = job.config.data_migration ? statement.get_affected_rows() : 0;
    if (tasks == 0) {
      return Error(ErrorKind::kConflict, "JOB_STATE",
                   "none of its tasks has copied anything that could be compared again")
          .At("job " + std::to_string(job_id));
    }
    long long waiting = 0;
    sql << "SELECT COUNT(*) FROM job_tasks WHERE job_id = :id AND stopped = 1 AND compare_alone = "
           "0",
        use(id), into(waiting);
    if (waiting > 0) {
      return Error(ErrorKind::kConflict, "JOB_STATE",
                   "is stopped while " + std::to_string(waiting) +
                       " of its tasks wait, which would go on; start it, and compare what it has "
                       "copied once it has ended")
          .At("job " + std::to_string(job_id));
    }
    Unstop(sql, job_id);
    sql << "INSERT INTO task_logs (task_id, status, action, message, created_ms) SELECT id, 5, "
           "'verify', 'asked for by a user', :now FROM job_tasks WHERE job_id = :id AND "
           "compare_alone = 1",
        use(now), use(id);
    return tasks;
  });
}

Status Store::DeleteJob(int64_t job_id) {
  return state_->Write([&](soci::session& sql) -> Status {
    TRY_VOID(CheckThere(sql, job_id));
    long long id = job_id;
    sql << "UPDATE jobs SET deleted = 1, stopped = 1, evidence_due = 0 WHERE id = :id", use(id);
    sql << "UPDATE job_tasks SET stopped = 1 WHERE job_id = :id", use(id);
    return OkStatus();
  });
}

Result<std::vector<Store::OpenJob>> Store::ListOpenJobs() {
  using Found = std::vector<OpenJob>;
  return state_->Read([&](soci::session& sql) -> Result<Found> {
    long long id = 0;
    int waits = 0, running = 0;
    soci::statement statement =
        (sql.prepare << "SELECT id, EXISTS (SELECT 1 FROM job_tasks t WHERE t.job_id = jobs.id AND "
                        "(t.running = 1 OR t.status NOT IN (3, 6, 9, 10)) AND t.running = 0 AND "
                        "t.stopped = 0), id IN (SELECT job_id FROM job_tasks WHERE running = 1) "
                        "FROM jobs WHERE deleted = 0 AND EXISTS (SELECT 1 FROM job_tasks t "
                        "WHERE t.job_id = jobs.id AND (t.running = 1 OR t.status NOT IN (3, 6, 9, "
                        "10))) ORDER BY id",
         into(id), into(waits), into(running));
    statement.execute();
    Found found;
    while (statement.fetch()) found.push_back({id, waits != 0, running != 0});
    return found;
  });
}

Result<JobUse> Store::UseOfJob(int64_t job_id) {
  return state_->Read([&](soci::session& sql) -> Result<JobUse> {
    long long id = job_id, planned = 0, known = 0, tasks = 0, read = 0, sent = 0, counted = 0,
              sql_ms = 0, units = 0, shared = 0, copied = 0, statements = 0;
    // What arrived was read, where that was not counted yet.
    sql << "SELECT COALESCE(SUM(bytes), 0), COUNT(bytes), COUNT(*), "
           "COALESCE(SUM(COALESCE(bytes_read, bytes_copied, 0)), 0), "
           "COALESCE(SUM(bytes_sent), 0), COUNT(bytes_sent), COALESCE(SUM(sql_ms), 0), "
           "COALESCE(SUM(unit_ms), 0), COUNT(unit_ms), COALESCE(SUM(bytes_copied), 0), "
           "COALESCE(SUM(statements), 0) FROM job_tasks WHERE job_id = :id",
        use(id), into(planned), into(known), into(tasks), into(read), into(sent), into(counted),
        into(sql_ms), into(units), into(shared), into(copied), into(statements);
    JobUse use;
    if (known == tasks) use.bytes_planned = planned;
    use.bytes_read = read;
    use.bytes_sent = counted == tasks ? std::optional<int64_t>(sent) : std::nullopt;
    use.statements = statements;
    use.sql_ms = sql_ms;
    use.bytes_copied = copied;
    use.unit_ms = shared == tasks ? std::optional<int64_t>(units) : std::nullopt;
    return use;
  });
}

Result<std::vector<Job>> Store::ListBudgeted(int64_t source_id) {
  return state_->Read([&](soci::session& sql) -> Result<std::vector<Job>> {
    soci::statement statement(sql);
    long long source = source_id;
    statement.exchange(use(source, "source"));
    return FetchJobs(statement,
                     std::string(kSelectJobs) +
                         "FROM jobs j JOIN job_tasks t ON t.job_id = j.id WHERE j.deleted = 0 AND "
                         "j.source_id = :source AND j.config LIKE '%\"max\\_%' ESCAPE '\\' "
                         "GROUP BY j.id HAVING SUM(t.stopped = 0 AND "
                         "(t.running = 1 OR t.status NOT IN (3, 6, 9, 10))) > 0");
  });
}

Result<std::optional<JobRate>> Store::LastRate(int64_t source_id, int64_t before_job) {
  using Found = std::optional<JobRate>;
  return state_->Read([&](soci::session& sql) -> Result<Found> {
    long long source = source_id, before = before_job, job = 0, tasks = 0, sent = 0, units = 0;
    long long started = 0, ended = 0, bytes = 0, until = 0, counted = 0, shared = 0;
    sql << "SELECT MAX(t.job_id) FROM job_tasks t WHERE t.source_id = :source AND "
           "t.job_id < :before AND t.status = 10 "
           "AND t.bytes_copied > 0 AND t.started_ms IS NOT NULL AND NOT EXISTS (SELECT 1 FROM "
           "job_tasks o WHERE o.job_id = t.job_id AND (o.running = 1 OR o.status NOT IN (3, 6, 9, "
           "10))) HAVING MAX(t.job_id) IS NOT NULL",
        use(source), use(before), into(job);
    if (!sql.got_data()) return Found();
    JobRate rate;
    sql << "SELECT COUNT(*), COALESCE(SUM(bytes_sent), 0), COUNT(bytes_sent), "
           "COALESCE(SUM(unit_ms), 0), COUNT(unit_ms) FROM job_tasks WHERE job_id = :job",
        use(job), into(tasks), into(sent), into(counted), into(units), into(shared);
    if (counted == tasks) rate.bytes_sent = sent;
    if (shared == tasks) rate.unit_ms = units;
    soci::statement statement =
        (sql.prepare << "SELECT started_ms, ended_ms, COALESCE(bytes_copied, 0) FROM job_tasks "
                        "WHERE job_id = :job AND started_ms IS NOT NULL AND ended_ms IS NOT NULL "
                        "ORDER BY started_ms",
         use(job), into(started), into(ended), into(bytes));
    statement.execute();
    while (statement.fetch()) {
      rate.bytes += bytes;
      rate.duration_ms += std::max(ended - std::max(started, until), 0LL);
      until = std::max(until, ended);
    }
    return rate.duration_ms > 0 ? Found(rate) : Found();
  });
}

Result<int64_t> Store::CountOpenJobsOfTimer(int64_t timer_id) {
  return state_->Read([&](soci::session& sql) -> Result<int64_t> {
    long long timer = timer_id, count = 0;
    sql << "SELECT COUNT(*) FROM jobs j WHERE j.timer_id = :timer AND j.deleted = 0 AND EXISTS "
           "(SELECT 1 FROM job_tasks t WHERE t.job_id = j.id AND (t.running = 1 OR "
           "t.status NOT IN (3, 6, 9, 10)))",
        use(timer), into(count);
    return int64_t{count};
  });
}

}  // namespace mms::service
