// Migration timers in store.h.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "service/store_session.h"

namespace mms::service {
namespace {

using nlohmann::json;
using soci::into;
using soci::use;

Error NoTimer(int64_t id) {
  return Error(ErrorKind::kNotFound, "TIMER_NOT_FOUND",
               "no such timer; mms timer list names those there are")
      .At("timer " + std::to_string(id));
}

constexpr const char* kSelect =
    "SELECT id, source_id, name, src_db, config, schedule, value, zone, refresh, stopped, "
    "trigger_asked, created_ms, updated_ms, match_ms FROM timers ";

Result<std::vector<JobTimer>> Fetch(soci::statement& statement, const std::string& query) {
  JobTimer row;
  std::string config;
  long long id = 0, source = 0, created = 0, updated = 0, match = 0;
  int refresh = 0, stopped = 0, asked = 0;
  soci::indicator has_updated = soci::i_null, has_match = soci::i_null;
  statement.exchange(into(id));
  statement.exchange(into(source));
  for (std::string* text :
       {&row.name, &row.src_db, &config, &row.schedule, &row.value, &row.zone}) {
    statement.exchange(into(*text));
  }
  for (int* flag : {&refresh, &stopped, &asked}) statement.exchange(into(*flag));
  statement.exchange(into(created));
  statement.exchange(into(updated, has_updated));
  statement.exchange(into(match, has_match));
  statement.alloc();
  statement.prepare(query);
  statement.define_and_bind();
  statement.execute();
  std::vector<JobTimer> timers;
  while (statement.fetch()) {
    JobTimer made = row;
    made.id = id;
    made.source_id = source;
    TRY(made.config, JobConfigFromJson(json::parse(config, nullptr, false)));
    made.refresh = refresh != 0;
    made.stopped = stopped != 0;
    made.trigger_asked = asked != 0;
    made.created_ms = created;
    made.updated_ms = migration::Optional(updated, has_updated);
    made.match_ms = migration::Optional(match, has_match);
    timers.push_back(std::move(made));
  }
  return timers;
}

constexpr const char* kWhere =
    "WHERE (:source = 0 OR source_id = :source) AND name LIKE :name ESCAPE '\\' "
    "AND (:stopped < 0 OR stopped = :stopped) ";

struct BoundFilter {
  std::string name;
  long long source = 0;
  int stopped = -1;

  explicit BoundFilter(const Store::TimerFilter& filter)
      : name(LikePart(filter.name)),
        source(filter.source_id),
        stopped(filter.stopped ? static_cast<int>(*filter.stopped) : -1) {}
};

constexpr const char* kDied = "the process that was at it died";
constexpr const char* kAgain = "; it is fired again";

/// Timers whose line of the log (`log_id`; 0 = any) is at work are asked to fire again.
void AskAgain(soci::session& sql, int64_t log_id, const std::string& why) {
  long long id = log_id;
  const std::string again = why + kAgain, stopped = why + "; the timer is stopped";
  sql << "UPDATE timers SET trigger_asked = 1 WHERE stopped = 0 AND id IN (SELECT timer_id FROM "
         "timer_logs WHERE status = 1 AND (:id = 0 OR id = :id))",
      use(id, "id");
  sql << "UPDATE timer_logs SET status = 3, message = CASE (SELECT stopped FROM timers t WHERE "
         "t.id = timer_id) WHEN 0 THEN :again ELSE :stopped END "
         "WHERE status = 1 AND (:id = 0 OR id = :id)",
      use(again, "again"), use(stopped, "stopped"), use(id, "id");
}

/// One row is to be touched.
Status Touch(soci::statement statement, int64_t id) {
  statement.execute(true);
  return statement.get_affected_rows() == 1 ? OkStatus() : Status(NoTimer(id));
}

}  // namespace

Result<int64_t> Store::AddTimer(const JobTimer& timer) {
  return state_->Write([&](soci::session& sql) -> Result<int64_t> {
    long long source = timer.source_id, created = timer.created_ms, id = 0;
    const int refresh = timer.refresh ? 1 : 0, stopped = timer.stopped ? 1 : 0;
    int known = 0;
    sql << "SELECT COUNT(*) FROM data_sources WHERE id = :id", use(source), into(known);
    if (known == 0) {
      return Error(ErrorKind::kNotFound, "SOURCE_NOT_FOUND",
                   "no such data source; mms source list names those there are")
          .At("data source " + std::to_string(source));
    }
    const std::string config = ToJson(timer.config).dump();
    sql << "INSERT INTO timers (source_id, name, src_db, config, schedule, value, zone, refresh, "
           "stopped, created_ms, match_ms) VALUES (:source, :name, :db, :config, :schedule, "
           ":value, :zone, :refresh, :stopped, :created, :created) RETURNING id",
        use(source, "source"), use(timer.name, "name"), use(timer.src_db, "db"),
        use(config, "config"), use(timer.schedule, "schedule"), use(timer.value, "value"),
        use(timer.zone, "zone"), use(refresh, "refresh"), use(stopped, "stopped"),
        use(created, "created"), into(id);
    return int64_t{id};
  });
}

Result<JobTimer> Store::GetTimer(int64_t timer_id) {
  return state_->Read([&](soci::session& sql) -> Result<JobTimer> {
    soci::statement statement(sql);
    long long id = timer_id;
    statement.exchange(use(id));
    TRY(auto timers, Fetch(statement, std::string(kSelect) + "WHERE id = :id"));
    if (timers.empty()) return NoTimer(timer_id);
    return std::move(timers.front());
  });
}

Result<std::vector<JobTimer>> Store::ListTimers(const TimerFilter& filter, const PageOf& page) {
  return state_->Read([&](soci::session& sql) -> Result<std::vector<JobTimer>> {
    soci::statement statement(sql);
    const BoundFilter bound(filter);
    long long limit = page.size, offset = (page.number - 1) * page.size;
    statement.exchange(use(bound.source, "source"));
    statement.exchange(use(bound.name, "name"));
    statement.exchange(use(bound.stopped, "stopped"));
    statement.exchange(use(limit, "limit"));
    statement.exchange(use(offset, "offset"));
    return Fetch(statement,
                 std::string(kSelect) + kWhere + "ORDER BY id LIMIT :limit OFFSET :offset");
  });
}

Result<int64_t> Store::CountTimers(const TimerFilter& filter) {
  return state_->Read([&](soci::session& sql) -> Result<int64_t> {
    const BoundFilter bound(filter);
    long long count = 0;
    sql << std::string("SELECT COUNT(*) FROM timers ") + kWhere, use(bound.source, "source"),
        use(bound.name, "name"), use(bound.stopped, "stopped"), into(count);
    return int64_t{count};
  });
}

Status Store::SaveTimer(const JobTimer& timer) {
  return state_->Write([&](soci::session& sql) -> Status {
    long long id = timer.id, updated = timer.updated_ms.value_or(0);
    long long match = timer.match_ms.value_or(0);
    soci::indicator has_updated = timer.updated_ms ? soci::i_ok : soci::i_null;
    soci::indicator has_match = timer.match_ms ? soci::i_ok : soci::i_null;
    const int refresh = timer.refresh ? 1 : 0, stopped = timer.stopped ? 1 : 0;
    const std::string config = ToJson(timer.config).dump();
    return Touch(
        (sql.prepare << "UPDATE timers SET name = :name, config = :config, "
                        "schedule = :schedule, value = :value, zone = :zone, "
                        "refresh = :refresh, stopped = :stopped, updated_ms = :updated, "
                        "match_ms = :match WHERE id = :id",
         use(timer.name), use(config), use(timer.schedule), use(timer.value), use(timer.zone),
         use(refresh), use(stopped), use(updated, has_updated), use(match, has_match), use(id)),
        timer.id);
  });
}

Status Store::RemoveTimer(int64_t timer_id) {
  return state_->Write([&](soci::session& sql) -> Status {
    long long id = timer_id;
    return Touch((sql.prepare << "DELETE FROM timers WHERE id = :id", use(id)), timer_id);
  });
}

Status Store::AskTrigger(int64_t timer_id) {
  return state_->Write([&](soci::session& sql) -> Status {
    long long id = timer_id;
    return Touch((sql.prepare << "UPDATE timers SET trigger_asked = 1 WHERE id = :id", use(id)),
                 timer_id);
  });
}

Result<int64_t> Store::AnswerTimer(int64_t match_ms, const TimerLog& log) {
  return state_->Write([&](soci::session& sql) -> Result<int64_t> {
    long long timer = log.timer_id, match = match_ms, created = log.created_ms, id = 0;
    const int status = static_cast<int>(log.status);
    TRY_VOID(Touch((sql.prepare << "UPDATE timers SET trigger_asked = 0, match_ms = :match "
                                   "WHERE id = :id",
                    use(match), use(timer)),
                   log.timer_id));
    sql << "INSERT INTO timer_logs (timer_id, action, message, status, created_ms) "
           "VALUES (:timer, :action, :message, :status, :created) RETURNING id",
        use(timer), use(log.action), use(log.message), use(status), use(created), into(id);
    return int64_t{id};
  });
}

Status Store::SetTimerLogTask(int64_t log_id, int64_t async_id) {
  return state_->Write([&](soci::session& sql) -> Status {
    long long id = log_id, async = async_id;
    sql << "UPDATE timer_logs SET async_id = :async WHERE id = :id", use(async), use(id);
    return OkStatus();
  });
}

void EndFiring(soci::session& sql, const TimerLogEnd& end) {
  long long id = end.id;
  const int status = static_cast<int>(end.status);
  sql << "UPDATE timer_logs SET status = :status, message = :message WHERE id = :id", use(status),
      use(end.message), use(id);
}

Status Store::EndTimerLog(const TimerLogEnd& end) {
  return state_->Write([&](soci::session& sql) -> Status {
    EndFiring(sql, end);
    return OkStatus();
  });
}

Status Store::ReturnTimerLog(int64_t log_id) {
  return state_->Write([&](soci::session& sql) -> Status {
    AskAgain(sql, log_id, "the process ended before the job was made");
    return OkStatus();
  });
}

void ReturnFirings(soci::session& sql, int interruptions_max) {
  const std::string again = std::string(kDied) + kAgain;
  const std::string given_up =
      std::string(kDied) + fmt::format(
                               " {} times, making this timer's job; see the system's "
                               "log, then: mms timer trigger",
                               interruptions_max + 1);
  sql << "UPDATE timer_logs SET status = 3, message = :given_up WHERE status = 1 AND "
         "(SELECT COUNT(*) FROM timer_logs e WHERE e.timer_id = timer_logs.timer_id AND "
         "e.message = :again AND e.id > COALESCE((SELECT MAX(o.id) FROM timer_logs o WHERE "
         "o.timer_id = timer_logs.timer_id AND o.status <> 1 AND o.message <> :again), 0)) >= "
         ":most",
      use(given_up, "given_up"), use(again, "again"), use(interruptions_max, "most");
  AskAgain(sql, 0, kDied);
}

Result<std::vector<TimerLog>> Store::ListTimerLogs(int64_t timer_id, const PageOf& page) {
  return state_->Read([&](soci::session& sql) -> Result<std::vector<TimerLog>> {
    long long timer = timer_id, id = 0, created = 0, async = 0;
    long long limit = page.size, offset = (page.number - 1) * page.size;
    int status = 0;
    soci::indicator has_async = soci::i_null;
    TimerLog row;
    soci::statement statement =
        (sql.prepare << "SELECT id, action, message, status, created_ms, async_id FROM timer_logs "
                        "WHERE timer_id = :timer ORDER BY id DESC LIMIT :limit OFFSET :offset",
         use(timer), use(limit), use(offset), into(id), into(row.action), into(row.message),
         into(status), into(created), into(async, has_async));
    statement.execute();
    std::vector<TimerLog> logs;
    while (statement.fetch()) {
      TimerLog made = row;
      made.id = id;
      made.timer_id = timer;
      made.status = static_cast<JobStatus>(status);
      made.created_ms = created;
      made.async_id = migration::Optional(async, has_async);
      logs.push_back(std::move(made));
    }
    return logs;
  });
}

}  // namespace mms::service
