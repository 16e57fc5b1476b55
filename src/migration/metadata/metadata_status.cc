// How far the migration of objects is: the jobs' side of metadata.h. Numbers in the statements are
// those of ObjectStatus: 0 INIT, 1 DOING, 2 DONE, 3 FAILED, 4 PART_DONE.
#include <utility>

#include "migration/metadata/metadata.h"
#include "migration/metadata/metadata_schema.h"
#include "migration/metadata/metadata_session.h"

namespace mms::migration {
namespace {

using soci::into;
using soci::use;

/// Of a table whose partitions tell it.
void Aggregate(soci::session& sql, long long table_id) {
  long long total = 0, doing = 0, done = 0, failed = 0;
  sql << "SELECT COUNT(*), COALESCE(SUM(status = 1), 0), COALESCE(SUM(status = 2), 0), "
         "COALESCE(SUM(status = 3), 0) FROM partitions WHERE table_id = :id AND deleted = 0",
      use(table_id), into(total), into(doing), into(done), into(failed);
  const int status = static_cast<int>(StatusOf(StatusCounts{total, doing, done, failed, 0}));
  sql << "UPDATE tables SET status = :status WHERE id = :id", use(status), use(table_id);
}

/// Whether what is known of the table is of the one that was copied.
bool IsSameTable(soci::session& sql, long long table_id, const Metadata::Copied& copied) {
  const long long version = copied.version;
  int same = 0;
  sql << "SELECT COUNT(*) FROM tables WHERE id = :id AND (version = -1) = (:version = -1) AND "
         "CASE :version WHEN -1 THEN commit_mark ELSE delta_id END = :table AND NOT (version = "
         ":version AND version <> -1 AND commit_mark <> '' AND :mark NOT IN ('', commit_mark))",
      use(table_id, "id"), use(version, "version"), use(copied.table_id, "table"),
      use(copied.commit_mark, "mark"), into(same);
  return same > 0;
}

bool HasLivePartitions(soci::session& sql, long long table_id) {
  int live = 0;
  sql << "SELECT EXISTS (SELECT 1 FROM partitions WHERE table_id = :id AND deleted = 0 AND "
         "value_list <> '[]')",
      use(table_id), into(live);
  return live != 0;
}

/// What left the source before the state that was copied.
void SetLeftTold(soci::session& sql, long long id, const Metadata::Copied& copied) {
  if (!IsSameTable(sql, id, copied)) return;
  const long long version = copied.version;
  sql << "UPDATE partitions SET status = 0 WHERE table_id = :id AND deleted = 1 AND EXISTS (SELECT "
         "1 FROM tables t WHERE t.id = :id AND t.version <= :version)",
      use(id, "id"), use(version, "version");
}

void SetWhole(soci::session& sql, long long id, const Metadata::StatusChange& change) {
  if (change.alone && HasLivePartitions(sql, id)) return;
  const int status = static_cast<int>(change.status);
  sql << "UPDATE tables SET status = :status WHERE id = :id", use(status), use(id);
  sql << "UPDATE partitions SET status = :status WHERE table_id = :id AND deleted = 0", use(status),
      use(id);
  if (change.settled) {
    sql << "UPDATE partitions SET updated = 0, copied_as = NULL WHERE table_id = :id", use(id);
    sql << "UPDATE tables SET updated = 0, copied_as = NULL WHERE id = :id", use(id);
  }
  if (!change.copied_as.empty()) {
    sql << "UPDATE tables SET copied_as = :name WHERE id = :id", use(change.copied_as.front()),
        use(id);
  }
  if (!change.copied || !IsSameTable(sql, id, *change.copied)) return;
  const long long version = change.copied->version;
  sql << "UPDATE partitions SET updated = 0 WHERE table_id = :id AND data_version <= :version",
      use(id), use(version);
  sql << "UPDATE tables SET updated = 0 WHERE id = :id AND data_version <= :version", use(id),
      use(version);
}

/// `statement` for each value that the change names, which it calls :value; :id is the table.
void EachValue(soci::session& sql, long long id, const Metadata::StatusChange& change,
               const std::string& statement) {
  std::string value;
  soci::statement prepared = (sql.prepare << statement, use(id, "id"), use(value, "value"));
  for (const std::string& named : change.values) {
    value = named;
    prepared.execute(true);
  }
}

/// A state that no scan has seen is kept, the latest of one history; of two nothing tells which.
void NoteBrought(soci::session& sql, long long id, const Metadata::StatusChange& change) {
  const Metadata::Copied& brought = *change.brought;
  const bool same = IsSameTable(sql, id, brought);
  const long long version = brought.version;
  int seen = 0;
  sql << "SELECT COUNT(*) FROM tables WHERE id = :id AND version >= :version", use(id, "id"),
      use(version, "version"), into(seen);
  if (same && seen > 0) return;
  const std::string mark = same ? brought.commit_mark : "";
  sql << "UPDATE tables SET copied_mark = CASE WHEN copied_version IS NULL THEN :mark WHEN "
         "copied_mark = '' OR :mark = '' THEN '' WHEN copied_version > :version THEN copied_mark "
         "ELSE :mark END, copied_version = MAX(COALESCE(copied_version, :version), :version) "
         "WHERE id = :id",
      use(mark, "mark"), use(version, "version"), use(id, "id");
  const std::string forget =
      "UPDATE partitions SET fingerprint = " + std::to_string(kNoFingerprint);
  if (change.whole || change.brought_all) {
    sql << forget + " WHERE table_id = :id", use(id);
  } else {
    EachValue(sql, id, change, forget + " WHERE table_id = :id AND value_list = :value");
  }
}

void SetNames(soci::session& sql, long long id, const Metadata::StatusChange& change) {
  if (change.copied_as.empty()) return;
  CHECK(change.copied_as.size() == change.values.size());
  std::string value, name;
  soci::statement prepared =
      (sql.prepare << "UPDATE partitions SET copied_as = :name WHERE table_id = :id AND "
                      "value_list = :value",
       use(name, "name"), use(id, "id"), use(value, "value"));
  for (size_t i = 0; i < change.values.size(); ++i) {
    value = change.values[i];
    name = change.copied_as[i];
    prepared.execute(true);
  }
}

void SetPartitions(soci::session& sql, long long id, const Metadata::StatusChange& change) {
  const std::string of_value = " WHERE table_id = :id AND value_list = :value";
  const std::string status = std::to_string(static_cast<int>(change.status));
  EachValue(sql, id, change, "UPDATE partitions SET status = " + status + of_value);
  SetNames(sql, id, change);
  Aggregate(sql, id);
  if (change.settled) {
    EachValue(sql, id, change, "UPDATE partitions SET updated = 0, copied_as = NULL" + of_value);
  } else if (change.copied && IsSameTable(sql, id, *change.copied)) {
    EachValue(sql, id, change,
              "UPDATE partitions SET updated = 0" + of_value +
                  " AND data_version <= " + std::to_string(change.copied->version));
  } else {
    return;
  }
  sql << "UPDATE tables SET updated = 0 WHERE id = :id AND NOT EXISTS (SELECT 1 FROM partitions "
         "WHERE table_id = :id AND updated = 1 AND deleted = 0) AND NOT EXISTS (SELECT 1 FROM "
         "partitions WHERE table_id = :id AND status <> 2 AND deleted = 0)",
      use(id, "id");
}

}  // namespace

Status Metadata::SetStatus(const StatusChange& change) { return SetStatuses({change}); }

Status Metadata::SetStatuses(const std::vector<StatusChange>& changes) {
  return Write([&](soci::session& sql) -> Status {
    for (const StatusChange& change : changes) {
      long long id = 0;
      sql << "SELECT id FROM tables WHERE name = :name", use(change.table_name), into(id);
      if (!sql.got_data()) continue;
      if (change.whole) {
        SetWhole(sql, id, change);
      } else {
        SetPartitions(sql, id, change);
      }
      if (change.brought) NoteBrought(sql, id, change);
      if (change.left_told && change.copied) SetLeftTold(sql, id, *change.copied);
    }
    return OkStatus();
  });
}

Result<int64_t> Metadata::CountLeft(int64_t table_id) {
  return Read([&](soci::session& sql) -> Result<int64_t> {
    if (state_->version < kVersionOfStatus) return int64_t{0};
    long long id = table_id, count = 0;
    // One whose last copy failed may be there from an earlier one.
    sql << "SELECT COUNT(*) FROM partitions WHERE table_id = :id AND deleted = 1 AND status IN (2, "
           "3)",
        use(id), into(count);
    return int64_t{count};
  });
}

Result<int64_t> Metadata::ForgetCopied(const std::string& table_name, const std::string& target) {
  long long forgotten = 0;
  TRY_VOID(Write([&](soci::session& sql) -> Status {
    long long id = 0;
    sql << "SELECT id FROM tables WHERE name = :name", use(table_name), into(id);
    if (!sql.got_data()) return OkStatus();
    const std::string place = target + "/";
    const std::string there =
        " FROM partitions WHERE table_id = :id AND status = 2 AND "
        "SUBSTR(copied_as, 1, LENGTH(:place)) = :place";
    sql << "SELECT COUNT(*)" + there + " AND deleted = 0", use(id, "id"), use(place, "place"),
        into(forgotten);
    sql << "UPDATE partitions SET status = 0, copied_as = NULL WHERE id IN (SELECT id" + there +
               ")",
        use(id, "id"), use(place, "place");
    if (forgotten > 0) Aggregate(sql, id);
    return OkStatus();
  }));
  return int64_t{forgotten};
}

Status Metadata::ResetDoing() {
  return Write([&](soci::session& sql) -> Status {
    std::vector<long long> tables;
    {
      long long id = 0;
      soci::statement statement =
          (sql.prepare << "SELECT id FROM tables WHERE status = 1", into(id));
      statement.execute();
      while (statement.fetch()) tables.push_back(id);
    }
    for (const long long id : tables) {
      const bool partitions = HasLivePartitions(sql, id);
      sql << "UPDATE partitions SET status = 0 WHERE table_id = :id AND status = 1", use(id);
      if (partitions) {
        Aggregate(sql, id);
      } else {
        sql << "UPDATE tables SET status = 0 WHERE id = :id", use(id);
      }
    }
    return OkStatus();
  });
}

}  // namespace mms::migration
