#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "migration/workflow/engine.h"
#include "service/store_session.h"

namespace mms::service {
namespace {

using soci::into;
using soci::use;

std::string TextOf(const std::vector<std::string>& names) { return nlohmann::json(names).dump(); }

Error NoSource(int64_t id) {
  return Error(ErrorKind::kNotFound, "SOURCE_NOT_FOUND",
               "no such data source; mms source list names those there are")
      .At("data source " + std::to_string(id));
}

Status CheckNameFree(soci::session& sql, const std::string& name, int64_t but_id) {
  long long but = but_id;
  int count = 0;
  sql << "SELECT COUNT(*) FROM data_sources WHERE name = :name AND id <> :id", use(name), use(but),
      into(count);
  if (count == 0) return OkStatus();
  return Error(ErrorKind::kConflict, "NAME_EXISTS",
               "another data source has this name; choose another one")
      .At("data source " + name);
}

void PutSetting(soci::session& sql, int64_t source_id, const std::string& key, int sealed,
                const std::string& value) {
  long long id = source_id;
  sql << "INSERT INTO settings (source_id, key, sealed, value) VALUES (:id, :key, :sealed, :value)",
      use(id), use(key), use(sealed), use(value);
}

Status WriteConfig(soci::session& sql, const Vault& vault, const DataSource& source) {
  long long id = source.id;
  sql << "DELETE FROM settings WHERE source_id = :id", use(id);
  for (const auto& [key, value] : source.config.values) PutSetting(sql, id, key, 0, value);
  for (const auto& [key, secret] : source.config.secrets) {
    CHECK(!secret.empty());  // of a source that was not unsealed
    TRY(const std::string sealed, vault.Seal(secret, SecretContext(id, key)));
    PutSetting(sql, id, key, 1, sealed);
  }
  return OkStatus();
}

long long Affected(soci::statement& statement) {
  statement.execute(true);
  return statement.get_affected_rows();
}

Result<SourceStatus> StatusOf(soci::session& sql, int64_t source_id) {
  long long id = source_id;
  int status = -1;
  sql << "SELECT status FROM data_sources WHERE id = :id", use(id), into(status);
  if (!sql.got_data()) return NoSource(source_id);
  return static_cast<SourceStatus>(status);
}

Error WrongState(int64_t source_id, SourceStatus is, const std::vector<SourceStatus>& wanted) {
  std::vector<std::string_view> names;
  for (const SourceStatus status : wanted) names.push_back(StatusName(status));
  return Error(ErrorKind::kConflict, "SOURCE_STATE",
               fmt::format("is {}, and must be {} for that", StatusName(is),
                           fmt::join(names, " or ")))
      .At("data source " + std::to_string(source_id));
}

void BeginUse(soci::session& sql, const Store::Step& step) {
  long long id = step.source_id, units = step.compute_units, now = step.now_ms;
  sql << "INSERT INTO instance_uses (source_id, source_name, compute_units, started_ms, "
         "heartbeat_ms) SELECT id, name, :units, :now, :now FROM data_sources WHERE id = :id",
      use(units, "units"), use(now, "now"), use(id, "id");
}

/// Never before it was seen: a clock may have been set back.
void EndUse(soci::session& sql, int64_t source_id, int64_t now_ms) {
  long long id = source_id, now = now_ms;
  sql << "UPDATE instance_uses SET ended_ms = MAX(heartbeat_ms, :now), "
         "heartbeat_ms = MAX(heartbeat_ms, :now) WHERE source_id = :id AND ended_ms IS NULL",
      use(now, "now"), use(id, "id");
}

/// The id of one of the same scope that waits, or of a new one.
Result<int64_t> InsertScan(soci::session& sql, const ScanTask& scan) {
  TRY_VOID(StatusOf(sql, scan.source_id));
  long long source = scan.source_id, created = scan.created_ms, id = 0;
  const std::string names = TextOf(scan.table_names);
  sql << "SELECT id FROM scans WHERE source_id = :source AND status = 0 AND db_name = :db "
         "AND table_names = :names ORDER BY id LIMIT 1",
      use(source), use(scan.db_name), use(names), into(id);
  if (sql.got_data()) return int64_t{id};
  sql << "INSERT INTO scans (source_id, cause, db_name, table_names, status, created_ms) "
         "VALUES (:source, :cause, :db, :names, 0, :created) RETURNING id",
      use(source), use(scan.cause), use(scan.db_name), use(names), use(created), into(id);
  return int64_t{id};
}

Error WrongScanState(int64_t id) {
  return Error(ErrorKind::kConflict, "SCAN_STATE", "is in another state than this needs")
      .At("scan " + std::to_string(id));
}

}  // namespace

Result<int64_t> Store::AddSource(const DataSource& source) {
  return state_->Write([&](soci::session& sql) -> Result<int64_t> {
    TRY_VOID(CheckNameFree(sql, source.name, 0));
    TRY_VOID(CheckNetworkLink(sql, source.networklink));
    long long created = source.created_ms, timer = source.created_ms, id = 0;
    sql << "INSERT INTO data_sources (name, type, networklink, status, created_ms, timer_ms) "
           "VALUES (:name, :type, :link, 0, :created, :timer) RETURNING id",
        use(source.name), use(source.type), use(source.networklink), use(created), use(timer),
        into(id);
    DataSource added = source;
    added.id = id;
    TRY_VOID(WriteConfig(sql, *state_->vault, added));
    return int64_t{id};
  });
}

Status Store::SaveSource(const DataSource& source) {
  return state_->Write([&](soci::session& sql) -> Status {
    TRY_VOID(CheckNetworkLink(sql, source.networklink));
    long long id = source.id, timer = source.timer_ms.value_or(source.created_ms);
    soci::statement update =
        (sql.prepare << "UPDATE data_sources SET networklink = :link, timer_ms = :timer "
                        "WHERE id = :id",
         use(source.networklink), use(timer), use(id));
    if (Affected(update) == 0) return NoSource(source.id);
    return WriteConfig(sql, *state_->vault, source);
  });
}

Status Store::RenameSource(int64_t source_id, const std::string& name) {
  return state_->Write([&](soci::session& sql) -> Status {
    TRY_VOID(CheckNameFree(sql, name, source_id));
    long long id = source_id;
    soci::statement update =
        (sql.prepare << "UPDATE data_sources SET name = :name WHERE id = :id", use(name), use(id));
    return Affected(update) == 1 ? OkStatus() : Status(NoSource(source_id));
  });
}

Status Store::RemoveSource(int64_t source_id) {
  return state_->Write([&](soci::session& sql) -> Status {
    TRY(const SourceStatus status, StatusOf(sql, source_id));
    using enum SourceStatus;
    if (status == kStarting || status == kStarted || status == kStopping) {
      return WrongState(source_id, status, {kStopped, kInit});
    }
    long long id = source_id;
    int tasks = 0;
    sql << "SELECT COUNT(*) FROM async_tasks WHERE source_id = :id AND status = 1", use(id),
        into(tasks);
    if (tasks > 0) {
      return Error(ErrorKind::kConflict, "SOURCE_STATE",
                   "a task of it is in work; wait for its end (mms source tasks)")
          .At("data source " + std::to_string(source_id));
    }
    sql << "DELETE FROM data_sources WHERE id = :id", use(id);
    return OkStatus();
  });
}

Status Store::Take(const Step& step) {
  return state_->Write([&](soci::session& sql) -> Status {
    TRY(const SourceStatus is, StatusOf(sql, step.source_id));
    if (std::find(step.from.begin(), step.from.end(), is) == step.from.end()) {
      return WrongState(step.source_id, is, step.from);
    }
    long long id = step.source_id;
    int to = static_cast<int>(step.to);
    sql << "UPDATE data_sources SET status = :to, error = :error WHERE id = :id", use(to),
        use(step.error), use(id);
    using enum SourceStatus;
    if (step.to == kStarted) BeginUse(sql, step);
    if (step.to == kStopped || step.to == kStartFailed) {
      EndUse(sql, step.source_id, step.now_ms);
      sql << "UPDATE data_sources SET stop_asked = 0 WHERE id = :id", use(id);
    }
    return OkStatus();
  });
}

Status Store::FireTimer(const ScanTask& scan, int64_t match_ms) {
  return state_->Write([&](soci::session& sql) -> Status {
    TRY_VOID(InsertScan(sql, scan));
    long long id = scan.source_id, match = match_ms;
    sql << "UPDATE data_sources SET timer_ms = :match WHERE id = :id", use(match), use(id);
    return OkStatus();
  });
}

Status Store::AskStop(int64_t source_id, bool asked) {
  return state_->Write([&](soci::session& sql) -> Status {
    long long id = source_id;
    int flag = asked ? 1 : 0;
    sql << "UPDATE data_sources SET stop_asked = :flag WHERE id = :id", use(flag), use(id);
    return OkStatus();
  });
}

Result<int64_t> Store::AddScan(const ScanTask& scan) {
  return state_->Write([&](soci::session& sql) { return InsertScan(sql, scan); });
}

Status Store::BeginScan(int64_t scan_id, int64_t now_ms) {
  return state_->Write([&](soci::session& sql) -> Status {
    long long id = scan_id, now = now_ms;
    // One at a time per source.
    soci::statement update =
        (sql.prepare << "UPDATE scans SET status = 1, started_ms = :now, progress = 0 "
                        "WHERE id = :id AND status = 0 AND NOT EXISTS (SELECT 1 FROM scans other "
                        "WHERE other.source_id = scans.source_id AND other.status = 1)",
         use(now), use(id));
    return Affected(update) == 1 ? OkStatus() : Status(WrongScanState(scan_id));
  });
}

Status Store::SetScanProgress(int64_t source_id, int hundredths) {
  return state_->Write([&](soci::session& sql) -> Status {
    long long id = source_id;
    sql << "UPDATE scans SET progress = :progress "
           "WHERE source_id = :id AND status = 1 AND progress < :progress",
        use(hundredths, "progress"), use(id, "id");
    return OkStatus();
  });
}

Status Store::ReturnScan(int64_t scan_id) {
  return state_->Write([&](soci::session& sql) -> Status {
    long long id = scan_id;
    sql << "UPDATE scans SET status = 0, progress = 0 WHERE id = :id AND status = 1", use(id);
    return OkStatus();
  });
}

Status Store::FailWaitingScans(int64_t source_id, const std::string& error_json, int64_t now_ms) {
  return state_->Write([&](soci::session& sql) -> Status {
    long long id = source_id, now = now_ms;
    sql << "UPDATE scans SET status = 3, error = :error, ended_ms = :now "
           "WHERE source_id = :id AND status = 0",
        use(error_json), use(now), use(id);
    return OkStatus();
  });
}

Status Store::EndScan(int64_t scan_id, const ScanEnd& end) {
  return state_->Write([&](soci::session& sql) -> Status {
    long long id = scan_id, now = end.now_ms;
    int status = static_cast<int>(end.status);
    const bool done = end.status == TaskStatus::kDone;
    soci::statement update =
        (sql.prepare << "UPDATE scans SET status = :status, ended_ms = :now, result = :result, "
                        "error = :error WHERE id = :id AND status IN (0, 1)",
         use(status), use(now), use(end.result), use(end.error_json), use(id));
    if (Affected(update) != 1) return WrongScanState(scan_id);
    if (!done) return OkStatus();
    sql << "UPDATE scans SET progress = 10000 WHERE id = :id", use(id);
    sql << "UPDATE data_sources SET updated_ms = :now WHERE id = (SELECT source_id FROM scans "
           "WHERE id = :id)",
        use(now), use(id);
    return OkStatus();
  });
}

Status Store::Heartbeat(int64_t now_ms) {
  return state_->Write([&](soci::session& sql) -> Status {
    long long now = now_ms;
    sql << "UPDATE instance_uses SET heartbeat_ms = MAX(heartbeat_ms, :now) "
           "WHERE ended_ms IS NULL",
        use(now);
    return OkStatus();
  });
}

Status Store::Recover(int interruptions_max, int64_t now_ms) {
  return state_->Write([&](soci::session& sql) -> Status {
    long long now = now_ms;
    const std::string error_json = migration::ErrorText(
        Error(ErrorKind::kInternal, "SCAN_INTERRUPTED",
              fmt::format("the process that ran it died {} times; see the system's log, then scan "
                          "again",
                          interruptions_max + 1)));
    const std::string interrupted = migration::ErrorText(
        Error(ErrorKind::kUnavailable, "TASK_INTERRUPTED",
              "the process that was at it ended; what it had not stored is not: ask for it again"));
    sql << "UPDATE async_tasks SET status = 3, ended_ms = MAX(started_ms, :now), error = :error "
           "WHERE status = 1",
        use(now), use(interrupted);
    sql << "UPDATE instance_uses SET ended_ms = heartbeat_ms WHERE ended_ms IS NULL";
    sql << "UPDATE data_sources SET status = 4 WHERE status IN (1, 2, 3)";
    sql << "UPDATE data_sources SET stop_asked = 0";
    sql << "UPDATE scans SET status = 3, ended_ms = :now, error = :error "
           "WHERE status = 1 AND interruptions >= :most",
        use(now), use(error_json), use(interruptions_max);
    sql << "UPDATE scans SET status = 0, progress = 0, interruptions = interruptions + 1 "
           "WHERE status = 1";
    ReturnRunning(sql, now_ms);
    ReturnFirings(sql, interruptions_max);
    for (const char* table : {"scans", "async_tasks"}) {
      const std::string name = table;
      sql << "DELETE FROM " + name + " WHERE status >= 2 AND (SELECT COUNT(*) FROM " + name +
                 " newer WHERE newer.source_id = " + name + ".source_id AND newer.id > " + name +
                 ".id) >= " + std::to_string(kRecordsKept);
    }
    return OkStatus();
  });
}

}  // namespace mms::service
