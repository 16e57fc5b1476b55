// The tables of metadata.db, a script for each version: what a release has put down is never
// changed, only added to.
#pragma once

#include <array>

namespace mms::migration {

// A row of `partitions` is kept small: there are a million.
inline constexpr const char* kVersion1 = R"sql(
  CREATE TABLE scans (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    scope TEXT NOT NULL,
    started_ms BIGINT NOT NULL,
    ended_ms BIGINT,
    state INTEGER NOT NULL DEFAULT 0,
    progress INTEGER NOT NULL DEFAULT 0,
    result_json TEXT NOT NULL DEFAULT '');
  CREATE TABLE databases (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    comment TEXT NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0,
    seen_scan BIGINT NOT NULL);
  CREATE TABLE tables (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    database_name TEXT NOT NULL,
    table_name TEXT NOT NULL,
    kind TEXT NOT NULL,
    format TEXT NOT NULL,
    owner TEXT NOT NULL,
    location TEXT NOT NULL,
    comment TEXT NOT NULL,
    columns_json TEXT NOT NULL,
    catalog_id TEXT NOT NULL,
    catalog_updated_ms BIGINT,
    state INTEGER NOT NULL DEFAULT 0,
    error_json TEXT NOT NULL DEFAULT '',
    delta_id TEXT NOT NULL DEFAULT '',
    version BIGINT,
    commit_mark TEXT NOT NULL DEFAULT '',
    partition_columns TEXT NOT NULL DEFAULT '',
    column_mapping TEXT NOT NULL DEFAULT '',
    deletion_vectors INTEGER NOT NULL DEFAULT 0,
    data_version BIGINT,
    changed_ms BIGINT,
    row_count BIGINT,
    bytes BIGINT,
    files BIGINT,
    partitions BIGINT,
    count_source INTEGER NOT NULL DEFAULT 0,
    updated INTEGER NOT NULL DEFAULT 0,
    deleted INTEGER NOT NULL DEFAULT 0,
    seen_scan BIGINT NOT NULL DEFAULT 0,
    chosen_scan BIGINT NOT NULL DEFAULT 0,
    changed_scan BIGINT NOT NULL DEFAULT 0,
    change INTEGER NOT NULL DEFAULT 0);
  CREATE INDEX tables_of_database ON tables (database_name);
  CREATE TABLE partitions (
    id INTEGER NOT NULL PRIMARY KEY,
    table_id BIGINT NOT NULL REFERENCES tables (id),
    value_list TEXT NOT NULL,
    row_count BIGINT,
    bytes BIGINT NOT NULL,
    files BIGINT NOT NULL,
    data_version BIGINT NOT NULL,
    changed_ms BIGINT,
    fingerprint BIGINT NOT NULL,
    updated INTEGER NOT NULL DEFAULT 0,
    deleted INTEGER NOT NULL DEFAULT 0,
    UNIQUE (table_id, value_list));
)sql";

inline constexpr const char* kVersion2 = R"sql(
  ALTER TABLE tables ADD COLUMN status INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE partitions ADD COLUMN status INTEGER NOT NULL DEFAULT 0;
)sql";
inline constexpr int kVersionOfStatus = 2;

// Logs that may have something to warn of are read once more.
inline constexpr const char* kVersion3 = R"sql(
  ALTER TABLE tables ADD COLUMN warning TEXT NOT NULL DEFAULT '';
  UPDATE tables SET commit_mark = ''
  WHERE partition_columns NOT IN ('', '[]') AND columns_json LIKE '%timestamp%';
)sql";
inline constexpr int kVersionOfWarning = 3;

inline constexpr const char* kVersion4 = R"sql(
  ALTER TABLE tables ADD COLUMN copied_as TEXT;
  ALTER TABLE partitions ADD COLUMN copied_as TEXT;
)sql";
inline constexpr int kVersionOfCopiedAs = 4;

inline constexpr const char* kVersion5 = R"sql(
  ALTER TABLE tables ADD COLUMN copied_version BIGINT;
  ALTER TABLE tables ADD COLUMN copied_mark TEXT NOT NULL DEFAULT '';
  ALTER TABLE tables ADD COLUMN column_ids TEXT NOT NULL DEFAULT '';
)sql";
inline constexpr int kVersionOfCopied = 5;

inline constexpr std::array<const char*, 5> kMetadataMigrations = {kVersion1, kVersion2, kVersion3,
                                                                   kVersion4, kVersion5};

}  // namespace mms::migration
