// What jobs hold back from others, in store.h: tables of their source, and tables at the target.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "base/lower_ascii.h"
#include "service/store_session.h"

namespace mms::service {
namespace {

using soci::into;
using soci::use;

constexpr size_t kNamedMax = 5;

std::string Named(const std::vector<std::string>& names, const char* separator) {
  const size_t shown = std::min(names.size(), kNamedMax);
  std::string text = fmt::format("{}", fmt::join(names.begin(), names.begin() + shown, separator));
  if (shown < names.size()) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

/// Tables of which another job has a task that is not ended.
std::vector<std::string> TablesInTwoJobs(soci::session& sql, int64_t job_id) {
  long long id = job_id;
  std::string name;
  soci::statement statement =
      (sql.prepare
           << "SELECT DISTINCT t.table_name FROM job_tasks t WHERE t.job_id = :id AND EXISTS "
              "(SELECT 1 FROM job_tasks o JOIN jobs j ON j.id = o.job_id WHERE "
              "o.source_id = t.source_id AND o.table_name = t.table_name AND "
              "o.job_id <> :id AND j.deleted = 0 AND "
              "(o.running = 1 OR o.status NOT IN (3, 6, 9, 10))) ORDER BY t.table_name",
       use(id, "id"), into(name));
  statement.execute();
  std::vector<std::string> names;
  while (statement.fetch()) names.push_back(name);
  return names;
}

/// Who has a table at the target, but for one job.
class HolderQuery {
 public:
  HolderQuery(soci::session& sql, int64_t but_job)
      : but_(but_job),
        statement_((sql.prepare << HoldersSql(), use(key_, "target"), use(source_, "source"),
                    use(table_, "table"), use(but_, "but"), into(job_), into(row_.job),
                    into(owner_), into(row_.source), into(row_.table_name), into(jobs_))) {}

  std::optional<Store::TargetHolder> Find(int64_t source_id, const std::string& table_name,
                                          const std::string& key) {
    source_ = source_id;
    table_ = table_name;
    key_ = key;
    if (!statement_.execute(true)) return std::nullopt;
    Store::TargetHolder holder = row_;
    holder.same_source = owner_ == source_id;
    holder.job_id = job_;
    holder.jobs = jobs_;
    return holder;
  }

 private:
  long long but_, source_ = 0, job_ = 0, owner_ = 0, jobs_ = 0;
  std::string table_, key_;
  Store::TargetHolder row_;
  soci::statement statement_;
};

/// Tables of the job that would go where those of another one go.
Status CheckTargets(soci::session& sql, int64_t job_id) {
  long long id = job_id, source = 0;
  std::string name, target, key;
  HolderQuery holders(sql, job_id);
  soci::statement statement =
      (sql.prepare << "SELECT DISTINCT source_id, table_name, dst_table, target FROM job_tasks "
                      "WHERE job_id = :id ORDER BY table_name",
       use(id), into(source), into(name), into(target), into(key));
  statement.execute();
  std::vector<std::string> pairs;
  bool same_source = true;
  while (statement.fetch()) {
    const auto holder = holders.Find(source, name, key);
    if (!holder) continue;
    pairs.push_back(name + " and " + holder->ToString() + ", both into " + target);
    same_source = same_source && holder->same_source;
  }
  if (pairs.empty()) return OkStatus();
  return TargetHeld("tables would become one: " + Named(pairs, "; "), same_source);
}

}  // namespace

std::string HoldersSql() {
  // Rows of the same table of the same source, which each of its jobs has, are not looked at.
  const auto beside = [](const char* side) {
    return fmt::format(
        "SELECT o.job_id, j.name AS job, o.source_id, d.name AS source, o.table_name "
        "FROM job_tasks o JOIN jobs j ON j.id = o.job_id JOIN data_sources d ON d.id = o.source_id "
        "WHERE o.target = :target AND (o.source_id, o.table_name) {} (:source, :table) "
        "AND j.deleted = 0 AND o.job_id <> :but "
        "AND (o.source_id <> :source OR o.running = 1 OR o.status NOT IN (3, 6, 9, 10))",
        side);
  };
  return "SELECT MAX(job_id), job, source_id, source, table_name, COUNT(DISTINCT job_id) FROM (" +
         beside("<") + " UNION ALL " + beside(">") + ") HAVING COUNT(*) > 0";
}

std::string TargetKey(const Job& job, const std::string& dst_table) {
  const std::string& schema = job.dst_schema.empty() ? "default" : job.dst_schema;
  return LowerAscii(job.dst_project + "." + schema + "." + dst_table);
}

std::string Store::TargetHolder::ToString() const {
  std::string text =
      fmt::format("{} of data source {}, job {} {}", table_name, source, job_id, job);
  if (jobs > 1) text += fmt::format(" and {} before it", jobs - 1);
  return text;
}

Error TargetHeld(const std::string& what, bool same_source) {
  return Error(ErrorKind::kConflict, "JOB_COLLISION",
               what + "; give one of them another name (--as), schema or project, leave it out, " +
                   (same_source ? "or wait until that job is done (mms job list)"
                                : "or, if its rows may be replaced, delete that job (mms job "
                                  "delete) or its data source"));
}

Status CheckJobConflicts(soci::session& sql, int64_t job_id) {
  const std::vector<std::string> names = TablesInTwoJobs(sql, job_id);
  if (names.empty()) return CheckTargets(sql, job_id);
  return Error(ErrorKind::kConflict, "JOB_CONFLICT",
               "another job is not done with " + Named(names, ", ") +
                   "; wait for it, delete it, or leave these tables out (mms job list)");
}

Result<std::vector<std::string>> Store::ListOpenTables(int64_t source_id) {
  return state_->Read([&](soci::session& sql) -> Result<std::vector<std::string>> {
    long long source = source_id;
    std::string name;
    soci::statement statement =
        (sql.prepare << "SELECT DISTINCT t.table_name FROM job_tasks t JOIN jobs j ON "
                        "j.id = t.job_id WHERE t.source_id = :source AND j.deleted = 0 AND "
                        "(t.running = 1 OR t.status NOT IN (3, 6, 9, 10))",
         use(source), into(name));
    statement.execute();
    std::vector<std::string> names;
    while (statement.fetch()) names.push_back(name);
    return names;
  });
}

Result<std::optional<Store::TargetHolder>> Store::FindTargetHolder(const JobTask& task) {
  return state_->Read([&](soci::session& sql) -> Result<std::optional<TargetHolder>> {
    Job into_it;
    into_it.dst_project = task.dst_project;
    into_it.dst_schema = task.dst_schema;
    const std::string key = TargetKey(into_it, task.dst_table);
    return HolderQuery(sql, 0).Find(task.source_id, task.table_name, key);
  });
}

}  // namespace mms::service
