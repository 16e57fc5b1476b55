// What jobs that are not done hold back from others, in store.h: tables of their source, and tables
// at the target.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <utility>

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

/// Target tables of jobs that are not done, but for one. In a project with schemas "" is `default`,
/// and where there are none nothing is called so.
std::vector<Store::OpenTarget> OpenTargets(soci::session& sql, const Store::Destination& into_it,
                                           int64_t but_job) {
  long long but = but_job, source = 0, job = 0;
  Store::OpenTarget row;
  soci::statement statement =
      (sql.prepare
           << "SELECT DISTINCT t.source_id, d.name, t.table_name, t.dst_table, j.id, j.name FROM "
              "jobs j JOIN job_tasks t ON t.job_id = j.id JOIN data_sources d ON d.id = "
              "t.source_id WHERE j.deleted = 0 AND j.id <> :but AND j.dst_project = :project "
              "COLLATE NOCASE AND COALESCE(NULLIF(j.dst_schema, ''), 'default') = "
              "COALESCE(NULLIF(:schema, ''), 'default') COLLATE NOCASE AND "
              "(t.running = 1 OR t.status NOT IN (3, 6, 9, 10)) ORDER BY j.id, t.table_name",
       use(but, "but"), use(into_it.project, "project"), use(into_it.schema, "schema"),
       into(source), into(row.source), into(row.table_name), into(row.dst_table), into(job),
       into(row.job));
  statement.execute();
  std::vector<Store::OpenTarget> targets;
  while (statement.fetch()) {
    targets.push_back(row);
    targets.back().source_id = source;
    targets.back().job_id = job;
  }
  return targets;
}

/// Tables of the job that would go where those of another one go.
Status CheckTargets(soci::session& sql, int64_t job_id) {
  long long id = job_id, source = 0;
  Store::Destination destination;
  std::string name, target;
  sql << "SELECT dst_project, dst_schema FROM jobs WHERE id = :id", use(id),
      into(destination.project), into(destination.schema);
  std::map<std::string, Store::OpenTarget> held;
  for (Store::OpenTarget& one : OpenTargets(sql, destination, job_id)) {
    held.emplace(one.dst_table, std::move(one));
  }
  if (held.empty()) return OkStatus();
  soci::statement statement =
      (sql.prepare << "SELECT DISTINCT source_id, table_name, dst_table FROM job_tasks WHERE "
                      "job_id = :id ORDER BY table_name",
       use(id), into(source), into(name), into(target));
  statement.execute();
  std::vector<std::string> pairs;
  while (statement.fetch()) {
    const auto found = held.find(target);
    if (found == held.end() || found->second.Holds(source, name)) continue;
    pairs.push_back(name + " and " + found->second.ToString());
  }
  if (pairs.empty()) return OkStatus();
  return TargetHeld("tables would become one: " + Named(pairs, "; "));
}

}  // namespace

bool Store::OpenTarget::Holds(int64_t of_source, const std::string& table) const {
  return source_id == of_source && table_name == table;
}

std::string Store::OpenTarget::ToString() const {
  return fmt::format("{} of data source {}, job {} {}, both into {}", table_name, source, job_id,
                     job, dst_table);
}

Error TargetHeld(const std::string& what) {
  return Error(ErrorKind::kConflict, "JOB_COLLISION",
               what +
                   "; give one of them another name (--as), schema or project, leave it out, or "
                   "wait until that job is done (mms job list)");
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

Result<std::vector<Store::OpenTarget>> Store::ListOpenTargets(const Destination& destination) {
  return state_->Read([&](soci::session& sql) -> Result<std::vector<OpenTarget>> {
    return OpenTargets(sql, destination, 0);
  });
}

}  // namespace mms::service
