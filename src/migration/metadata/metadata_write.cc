#include <utility>

#include "migration/metadata/metadata.h"
#include "migration/metadata/metadata_session.h"

namespace mms::migration {
namespace {

// Numbers in the statements below are those of the enumerations in metadata.h: states 0 listed,
// 1 read, 2 refused, 3 failed; changes 1 new, 2 updated, 3 deleted.

// Right-hand sides see the row as it was. Another object or place under the same name is another
// table: its version is forgotten, so that its log is read from the beginning.
constexpr const char* kSaveListed = R"sql(
  INSERT INTO tables (name, database_name, table_name, kind, format, owner, location, comment,
                      columns_json, catalog_id, catalog_updated_ms, state, error_json, seen_scan,
                      chosen_scan, changed_scan, change)
  VALUES (:name, :database, :table, :kind, :format, :owner, :location, :comment, :columns,
          :catalog_id, :updated_ms, CASE WHEN :error = '' THEN 0 ELSE 2 END, :error, :scan, :scan,
          :scan, 1)
  ON CONFLICT (name) DO UPDATE SET
    kind = excluded.kind, format = excluded.format, owner = excluded.owner,
    location = excluded.location, comment = excluded.comment,
    columns_json = CASE WHEN excluded.columns_json = '' THEN columns_json
                        ELSE excluded.columns_json END,
    catalog_id = excluded.catalog_id, catalog_updated_ms = excluded.catalog_updated_ms,
    version = CASE WHEN catalog_id = excluded.catalog_id AND location = excluded.location
                   THEN version END,
    state = CASE WHEN excluded.error_json <> '' THEN 2
                 WHEN state <> 2 THEN state
                 WHEN version IS NULL THEN 0 ELSE 1 END,
    error_json = CASE WHEN excluded.error_json <> '' THEN excluded.error_json
                      WHEN state = 2 THEN '' ELSE error_json END,
    updated = updated OR deleted OR (excluded.columns_json NOT IN ('', columns_json)
                                     AND columns_json <> ''),
    status = CASE WHEN catalog_id = excluded.catalog_id THEN status ELSE 0 END,
    change = CASE WHEN deleted THEN 1
                  WHEN excluded.columns_json NOT IN ('', columns_json) AND columns_json <> ''
                  THEN 2 ELSE change END,
    changed_scan = CASE WHEN deleted OR (excluded.columns_json NOT IN ('', columns_json)
                                         AND columns_json <> '')
                        THEN excluded.changed_scan ELSE changed_scan END,
    deleted = 0, seen_scan = excluded.seen_scan, chosen_scan = excluded.chosen_scan
)sql";

// A table that the same scan found new stays so. What a job has copied since the table was looked
// up is the next scan's to compare.
constexpr const char* kSaveRead = R"sql(
  UPDATE tables SET state = 1, error_json = '', delta_id = :delta_id, version = :version,
    commit_mark = :mark, partition_columns = :partition_columns, column_mapping = :mapping,
    column_ids = :column_ids,
    deletion_vectors = :vectors, data_version = :data_version, changed_ms = :changed_ms,
    row_count = :row_count, bytes = :bytes, files = :files, partitions = :partitions,
    count_source = :count_source, warning = :warning,
    copied_version = CASE WHEN copied_version = :seen THEN NULL ELSE copied_version END,
    columns_json = CASE WHEN columns_json = '' THEN :columns ELSE columns_json END,
    updated = updated OR :change = 2,
    changed_scan = CASE WHEN :change = 2 THEN :scan ELSE changed_scan END,
    change = CASE WHEN :change <> 2 OR (change = 1 AND changed_scan = :scan) THEN change
                  ELSE 2 END
  WHERE id = :id
)sql";

/// The statements of SaveRead that run once a partition, and what they are bound to.
class PartitionWriter {
 public:
  PartitionWriter(soci::session& sql, int64_t table_id)
      : table_id_(table_id),
        insert_((sql.prepare << "INSERT INTO partitions (table_id, value_list, row_count, bytes, "
                                "files, data_version, changed_ms, fingerprint) VALUES (:table, "
                                ":values, :rows, :bytes, :files, :version, :changed, :print)",
                 soci::use(table_id_), soci::use(values_), soci::use(rows_.value, rows_.known),
                 soci::use(bytes_), soci::use(files_), soci::use(version_),
                 soci::use(changed_.value, changed_.known), soci::use(fingerprint_))),
        update_((sql.prepare << "UPDATE partitions SET row_count = :rows, bytes = :bytes, files = "
                                ":files, data_version = :version, changed_ms = :changed, "
                                "fingerprint = :print, updated = updated OR :updated, deleted = 0 "
                                "WHERE id = :id",
                 soci::use(rows_.value, rows_.known), soci::use(bytes_), soci::use(files_),
                 soci::use(version_), soci::use(changed_.value, changed_.known),
                 soci::use(fingerprint_), soci::use(updated_), soci::use(id_))),
        vanish_(
            (sql.prepare << "UPDATE partitions SET deleted = 1 WHERE id = :id", soci::use(id_))) {}

  void Insert(const PartitionEntry& entry) {
    Bind(entry);
    values_ = entry.values;
    insert_.execute(true);
  }
  void Update(const PartitionEntry& entry) {
    Bind(entry);
    id_ = entry.id;
    updated_ = entry.updated ? 1 : 0;
    update_.execute(true);
  }
  void Vanish(int64_t id) {
    id_ = id;
    vanish_.execute(true);
  }

 private:
  void Bind(const PartitionEntry& entry) {
    rows_.Set(entry.rows);
    bytes_ = entry.bytes;
    files_ = entry.files;
    version_ = entry.data_version;
    changed_.Set(entry.changed_ms);
    fingerprint_ = entry.fingerprint;
  }

  long long table_id_;
  long long id_ = 0, bytes_ = 0, files_ = 0, version_ = 0, fingerprint_ = 0;
  int updated_ = 0;
  Nullable rows_, changed_;
  std::string values_;
  soci::statement insert_, update_, vanish_;
};

}  // namespace

Result<int64_t> Metadata::BeginScan(const std::string& scope, int64_t now_ms) {
  int64_t id = 0;
  TRY_VOID(Write([&](soci::session& sql) -> Status {
    const long long now = now_ms;
    sql << "UPDATE scans SET state = 4 WHERE state = 0";
    sql << "INSERT INTO scans (scope, started_ms) VALUES (:scope, :now)", soci::use(scope),
        soci::use(now);
    id = sqlite_api::sqlite3_last_insert_rowid(Connection(sql));
    return OkStatus();
  }));
  return id;
}

Status Metadata::SetProgress(int64_t scan, int hundredths) {
  return Write([&](soci::session& sql) -> Status {
    const long long id = scan;
    sql << "UPDATE scans SET progress = :progress WHERE id = :id", soci::use(hundredths),
        soci::use(id);
    return OkStatus();
  });
}

Status Metadata::EndScan(int64_t scan, const ScanEnd& end) {
  return Write([&](soci::session& sql) -> Status {
    const long long id = scan, now = end.now_ms;
    const int state = static_cast<int>(end.state);
    sql << "UPDATE scans SET state = :state, ended_ms = :now, result_json = :result, "
           "progress = CASE WHEN :state = 1 THEN 10000 ELSE progress END WHERE id = :id",
        soci::use(state, "state"), soci::use(now, "now"), soci::use(end.result_json, "result"),
        soci::use(id, "id");
    return OkStatus();
  });
}

Status Metadata::SaveDatabase(int64_t scan, const std::string& name, const std::string& comment) {
  return Write([&](soci::session& sql) -> Status {
    const long long seen = scan;
    sql << "INSERT INTO databases (name, comment, seen_scan) VALUES (:name, :comment, :scan) "
           "ON CONFLICT (name) DO UPDATE SET deleted = 0, comment = "
           "CASE WHEN excluded.comment = '' THEN comment ELSE excluded.comment END, "
           "seen_scan = excluded.seen_scan",
        soci::use(name), soci::use(comment), soci::use(seen);
    return OkStatus();
  });
}

Status Metadata::TouchDatabase(int64_t scan, const std::string& name) {
  return Write([&](soci::session& sql) -> Status {
    const long long seen = scan;
    sql << "UPDATE databases SET seen_scan = :scan WHERE name = :name AND deleted = 0",
        soci::use(seen), soci::use(name);
    return OkStatus();
  });
}

Status Metadata::SaveListed(int64_t scan, const std::vector<ListedTable>& tables) {
  return Write([&](soci::session& sql) -> Status {
    using soci::use;
    ListedTable table;
    Nullable updated;
    long long id = scan;
    soci::statement statement =
        (sql.prepare << kSaveListed, use(table.name, "name"), use(table.database, "database"),
         use(table.table, "table"), use(table.kind, "kind"), use(table.format, "format"),
         use(table.owner, "owner"), use(table.location, "location"), use(table.comment, "comment"),
         use(table.columns_json, "columns"), use(table.catalog_id, "catalog_id"),
         use(updated.value, updated.known, "updated_ms"), use(table.error_json, "error"),
         use(id, "scan"));
    for (const ListedTable& listed : tables) {
      table = listed;
      updated.Set(listed.catalog_updated_ms);
      statement.execute(true);
    }
    return OkStatus();
  });
}

Status Metadata::Touch(int64_t scan, const std::vector<std::string>& names) {
  if (names.empty()) return OkStatus();
  return Write([&](soci::session& sql) -> Status {
    long long id = scan;
    std::string name;
    soci::statement statement =
        (sql.prepare << "UPDATE tables SET seen_scan = :scan WHERE name = :name AND deleted = 0",
         soci::use(id), soci::use(name));
    for (const std::string& touched : names) {
      name = touched;
      statement.execute(true);
    }
    return OkStatus();
  });
}

Status Metadata::MarkVanishedTables(int64_t scan, const std::string& database) {
  CHECK(!database.empty());  // tables without one come from no listing
  return Write([&](soci::session& sql) -> Status {
    const long long id = scan;
    sql << "UPDATE tables SET deleted = 1, change = 3, changed_scan = :scan "
           "WHERE database_name = :database AND seen_scan <> :scan AND deleted = 0",
        soci::use(id, "scan"), soci::use(database, "database");
    return OkStatus();
  });
}

Status Metadata::MarkVanishedDatabases(int64_t scan) {
  return Write([&](soci::session& sql) -> Status {
    const long long id = scan;
    sql << "UPDATE databases SET deleted = 1 WHERE seen_scan <> :scan AND deleted = 0",
        soci::use(id);
    sql << "UPDATE tables SET deleted = 1, change = 3, changed_scan = :scan WHERE deleted = 0 AND "
           "database_name IN (SELECT name FROM databases WHERE deleted = 1)",
        soci::use(id);
    return OkStatus();
  });
}

Status Metadata::MarkDatabaseDeleted(int64_t scan, const std::string& name) {
  return Write([&](soci::session& sql) -> Status {
    const long long id = scan;
    sql << "UPDATE databases SET deleted = 1 WHERE name = :name", soci::use(name);
    sql << "UPDATE tables SET deleted = 1, change = 3, changed_scan = :scan WHERE deleted = 0 AND "
           "database_name = :name",
        soci::use(id), soci::use(name);
    return OkStatus();
  });
}

Status Metadata::MarkDeleted(int64_t scan, const std::string& table_name) {
  return Write([&](soci::session& sql) -> Status {
    const long long id = scan;
    sql << "UPDATE tables SET deleted = 1, change = 3, changed_scan = :scan "
           "WHERE name = :name AND deleted = 0",
        soci::use(id), soci::use(table_name);
    return OkStatus();
  });
}

Status Metadata::SaveRead(int64_t scan, const TableRead& read) {
  return Write([&](soci::session& sql) -> Status {
    using soci::use;
    const TableEntry& entry = read.entry;
    Nullable version, data_version, changed, rows, bytes, files, partitions, seen;
    version.Set(entry.version);
    seen.Set(entry.copied_version);
    data_version.Set(entry.data_version);
    changed.Set(entry.changed_ms);
    rows.Set(entry.rows);
    bytes.Set(entry.bytes);
    files.Set(entry.files);
    partitions.Set(entry.partitions);
    const int vectors = entry.deletion_vectors ? 1 : 0;
    const int source = static_cast<int>(entry.count_source);
    const int change = static_cast<int>(read.change);
    const long long id = read.table_id, scan_id = scan;
    sql << kSaveRead, use(entry.delta_id, "delta_id"), use(version.value, version.known, "version"),
        use(entry.commit_mark, "mark"), use(entry.partition_columns, "partition_columns"),
        use(entry.column_mapping, "mapping"), use(entry.column_ids, "column_ids"),
        use(vectors, "vectors"), use(data_version.value, data_version.known, "data_version"),
        use(changed.value, changed.known, "changed_ms"), use(rows.value, rows.known, "row_count"),
        use(bytes.value, bytes.known, "bytes"), use(files.value, files.known, "files"),
        use(partitions.value, partitions.known, "partitions"), use(source, "count_source"),
        use(entry.warning, "warning"), use(seen.value, seen.known, "seen"),
        use(entry.listed.columns_json, "columns"), use(change, "change"), use(scan_id, "scan"),
        use(id, "id");
    PartitionWriter writer(sql, read.table_id);
    for (const PartitionEntry& partition : read.inserts) writer.Insert(partition);
    for (const PartitionEntry& partition : read.updates) writer.Update(partition);
    for (const int64_t vanished : read.vanished) writer.Vanish(vanished);
    return OkStatus();
  });
}

Status Metadata::SaveUnchanged(const TableEntry& table) {
  if (table.state == ReadState::kRead) return OkStatus();
  return Write([&](soci::session& sql) -> Status {
    const long long id = table.id;
    sql << "UPDATE tables SET state = 1, error_json = '' WHERE id = :id", soci::use(id);
    return OkStatus();
  });
}

Status Metadata::SaveFailure(const TableEntry& table, ReadState state,
                             const std::string& error_json) {
  return Write([&](soci::session& sql) -> Status {
    const long long id = table.id;
    const int number = static_cast<int>(state);
    sql << "UPDATE tables SET state = :state, error_json = :error WHERE id = :id",
        soci::use(number), soci::use(error_json), soci::use(id);
    return OkStatus();
  });
}

}  // namespace mms::migration
