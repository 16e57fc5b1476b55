// Partitions, data files, upload and download sessions of the catalog.
#include "sandbox/catalog.h"

namespace mms::sandbox {
namespace {

constexpr char kPartitionColumns[] =
    "SELECT p.spec, p.created_s, p.modified_s, p.version, "
    "COALESCE((SELECT SUM(f.rows) FROM files f WHERE f.table_id = p.table_id AND f.spec = p.spec), "
    "0), COALESCE((SELECT SUM(f.bytes) FROM files f WHERE f.table_id = p.table_id AND "
    "f.spec = p.spec), 0) FROM partitions p WHERE p.table_id = ? ";

PartitionInfo ReadPartition(const SqliteStatement& row) {
  return {row.Text(0), row.Number(1), row.Number(2), row.Number(3), row.Number(4), row.Number(5)};
}

Error NoSuchPartition(const Table& table, const PartitionSpec& spec) {
  return Error(ErrorKind::kNotFound, "NoSuchPartition",
               "the partition '" + spec + "' of table " + table.name.ToText() + " does not exist");
}

Error NoSuchUpload(const std::string& id) {
  return Error(ErrorKind::kNotFound, "NoSuchUpload",
               "the upload session '" + id + "' does not exist");
}

Error SessionClosed(const std::string& id) {
  return Error(ErrorKind::kConflict, "StatusConflict",
               "the upload session '" + id + "' is committed already");
}

}  // namespace

/// Removes the files from the catalog and returns their paths; `spec` nullptr = of all partitions.
Result<std::vector<std::string>> Catalog::TakeFiles(const Table& table, const PartitionSpec* spec) {
  std::string where = spec ? "WHERE table_id = ? AND spec = ?" : "WHERE table_id = ?";
  auto select = database_->Prepare("SELECT path FROM files " + where);
  auto remove = database_->Prepare("DELETE FROM files " + where);
  select.Bind(table.id);
  remove.Bind(table.id);
  if (spec) {
    select.Bind(*spec);
    remove.Bind(*spec);
  }
  std::vector<std::string> paths;
  while (true) {
    TRY(bool row, select.Step());
    if (!row) break;
    paths.push_back(select.Text(0));
  }
  TRY_VOID(remove.Run());
  return paths;
}

Result<bool> Catalog::HasPartition(const Table& table, const PartitionSpec& spec) {
  auto statement = database_->Prepare("SELECT 1 FROM partitions WHERE table_id = ? AND spec = ?");
  return statement.Bind(table.id).Bind(spec).Step();
}

Status Catalog::InsertPartition(const Table& table, const PartitionSpec& spec) {
  return database_->Prepare("INSERT INTO partitions VALUES (?, ?, ?, ?, 1)")
      .Bind(table.id)
      .Bind(spec)
      .Bind(NowSeconds())
      .Bind(NowSeconds())
      .Run();
}

Status Catalog::TouchPartition(const Table& table, const PartitionSpec& spec) {
  TRY_VOID(database_->Prepare("UPDATE tables SET modified_s = ? WHERE id = ?")
               .Bind(NowSeconds())
               .Bind(table.id)
               .Run());
  return database_
      ->Prepare(
          "UPDATE partitions SET modified_s = ?, version = version + 1 "
          "WHERE table_id = ? AND spec = ?")
      .Bind(NowSeconds())
      .Bind(table.id)
      .Bind(spec)
      .Run();
}

Status Catalog::AddPartitions(const Table& table, const std::vector<PartitionSpec>& specs,
                              bool if_not_exists) {
  std::lock_guard lock(mutex_);
  return database_->InTransaction([&]() -> Status {
    for (const PartitionSpec& spec : specs) {
      TRY(bool there, HasPartition(table, spec));
      if (there && if_not_exists) continue;
      if (there) {
        return Error(ErrorKind::kConflict, "ODPS-0110061",
                     "Failed to run ddltask - AlreadyExistsException: partition " + spec +
                         " of table " + table.name.ToText() + " already exists");
      }
      TRY_VOID(InsertPartition(table, spec));
    }
    return CheckPartitionLimit(table);
  });
}

Status Catalog::CheckPartitionLimit(const Table& table) {
  auto count = database_->Prepare("SELECT COUNT(*) FROM partitions WHERE table_id = ?");
  TRY(bool row, count.Bind(table.id).Step());
  if (!row || count.Number(0) <= static_cast<int64_t>(kPartitionsMax)) return OkStatus();
  return Error(ErrorKind::kLimitReached, "ODPS-0110061",
               "Failed to run ddltask - table " + table.name.ToText() +
                   " would have more than 60000 partitions");
}

Result<std::vector<std::string>> Catalog::DropPartitions(const Table& table,
                                                         const std::vector<PartitionSpec>& specs,
                                                         bool if_exists) {
  std::lock_guard lock(mutex_);
  std::vector<std::string> paths;
  TRY_VOID(database_->InTransaction([&]() -> Status {
    for (const PartitionSpec& spec : specs) {
      TRY(bool there, HasPartition(table, spec));
      if (!there && if_exists) continue;
      if (!there) return NoSuchPartition(table, spec);
      TRY(auto files, TakeFiles(table, &spec));
      paths.insert(paths.end(), files.begin(), files.end());
      TRY_VOID(database_->Prepare("DELETE FROM partitions WHERE table_id = ? AND spec = ?")
                   .Bind(table.id)
                   .Bind(spec)
                   .Run());
    }
    return OkStatus();
  }));
  return paths;
}

Result<std::vector<std::string>> Catalog::Truncate(const Table& table,
                                                   const std::vector<PartitionSpec>& specs) {
  std::lock_guard lock(mutex_);
  std::vector<std::string> paths;
  TRY_VOID(database_->InTransaction([&]() -> Status {
    if (specs.empty()) {
      TRY(paths, TakeFiles(table, nullptr));
      return database_
          ->Prepare(
              "UPDATE partitions SET modified_s = ?, version = version + 1 "
              "WHERE table_id = ?")
          .Bind(NowSeconds())
          .Bind(table.id)
          .Run();
    }
    for (const PartitionSpec& spec : specs) {
      TRY(bool there, HasPartition(table, spec));
      if (!there) return NoSuchPartition(table, spec);
      TRY(auto files, TakeFiles(table, &spec));
      paths.insert(paths.end(), files.begin(), files.end());
      TRY_VOID(TouchPartition(table, spec));
    }
    return OkStatus();
  }));
  return paths;
}

Result<PartitionInfo> Catalog::GetPartition(const Table& table, const PartitionSpec& spec) {
  std::lock_guard lock(mutex_);
  auto statement = database_->Prepare(std::string(kPartitionColumns) + "AND p.spec = ?");
  TRY(bool found, statement.Bind(table.id).Bind(spec).Step());
  if (!found) return NoSuchPartition(table, spec);
  return ReadPartition(statement);
}

Result<std::vector<PartitionInfo>> Catalog::ListPartitions(const Table& table,
                                                           const std::string& marker,
                                                           size_t limit) {
  std::lock_guard lock(mutex_);
  auto statement =
      database_->Prepare(std::string(kPartitionColumns) + "AND p.spec > ? ORDER BY p.spec LIMIT ?");
  statement.Bind(table.id).Bind(marker).Bind(static_cast<int64_t>(limit));
  std::vector<PartitionInfo> list;
  while (true) {
    TRY(bool row, statement.Step());
    if (!row) return list;
    list.push_back(ReadPartition(statement));
  }
}

Result<std::vector<DataFile>> Catalog::Files(const Table& table,
                                             const std::optional<PartitionSpec>& spec) {
  std::lock_guard lock(mutex_);
  std::string sql = "SELECT path, spec, rows, bytes FROM files WHERE table_id = ?";
  auto statement = database_->Prepare(sql + (spec ? " AND spec = ? ORDER BY id" : " ORDER BY id"));
  statement.Bind(table.id);
  if (spec) statement.Bind(*spec);
  std::vector<DataFile> files;
  while (true) {
    TRY(bool row, statement.Step());
    if (!row) return files;
    files.push_back(
        {statement.Text(0), statement.Text(1), statement.Number(2), statement.Number(3)});
  }
}

Result<Upload> Catalog::CreateUpload(const Table& table, Upload upload) {
  std::lock_guard lock(mutex_);
  upload.table_id = table.id;
  upload.created_s = NowSeconds();
  TRY_VOID(database_->InTransaction([&]() -> Status {
    TRY(bool there, HasPartition(table, upload.spec));
    if (!there && !upload.create_partition) return NoSuchPartition(table, upload.spec);
    if (!there) {
      TRY_VOID(InsertPartition(table, upload.spec));
      TRY_VOID(CheckPartitionLimit(table));
    }
    return database_->Prepare("INSERT INTO uploads VALUES (?, ?, ?, ?, ?, 0, ?, ?)")
        .Bind(upload.id)
        .Bind(table.id)
        .Bind(upload.spec)
        .Bind(static_cast<int64_t>(upload.overwrite))
        .Bind(static_cast<int64_t>(upload.create_partition))
        .Bind(upload.created_s)
        .Bind(upload.slots)
        .Run();
  }));
  return upload;
}

Result<Upload> Catalog::GetUpload(const Table& table, const std::string& id) {
  std::lock_guard lock(mutex_);
  auto statement = database_->Prepare(
      "SELECT spec, overwrite, create_partition, status, created_s, upsert_slots FROM uploads "
      "WHERE id = ? AND table_id = ?");
  TRY(bool found, statement.Bind(id).Bind(table.id).Step());
  if (!found) return NoSuchUpload(id);
  Upload upload;
  upload.id = id;
  upload.table_id = table.id;
  upload.spec = statement.Text(0);
  upload.overwrite = statement.Number(1) != 0;
  upload.create_partition = statement.Number(2) != 0;
  upload.status = static_cast<UploadStatus>(statement.Number(3));
  upload.created_s = statement.Number(4);
  upload.slots = statement.Number(5);
  upload.upsert = upload.slots > 0;
  return upload;
}

Result<std::vector<Block>> Catalog::Blocks(const std::string& upload_id) {
  std::lock_guard lock(mutex_);
  auto statement = database_->Prepare(
      "SELECT id, path, rows, bytes, created_s FROM blocks WHERE upload_id = ? ORDER BY id");
  statement.Bind(upload_id);
  std::vector<Block> blocks;
  while (true) {
    TRY(bool row, statement.Step());
    if (!row) return blocks;
    blocks.push_back({statement.Number(0), statement.Text(1), statement.Number(2),
                      statement.Number(3), statement.Number(4)});
  }
}

Result<std::string> Catalog::PutBlock(const Upload& upload, const Block& block) {
  std::lock_guard lock(mutex_);
  std::string replaced;
  TRY_VOID(database_->InTransaction([&]() -> Status {
    auto session = database_->Prepare("SELECT status FROM uploads WHERE id = ?");
    TRY(bool found, session.Bind(upload.id).Step());
    if (!found) return NoSuchUpload(upload.id);
    if (session.Number(0) != 0) return SessionClosed(upload.id);
    int64_t id = block.id;
    if (id == kNextBlock) {
      auto last =
          database_->Prepare("SELECT COALESCE(MAX(id), -1) FROM blocks WHERE upload_id = ?");
      TRY(bool any, last.Bind(upload.id).Step());
      id = any ? last.Number(0) + 1 : 0;
    }
    auto old = database_->Prepare("SELECT path FROM blocks WHERE upload_id = ? AND id = ?");
    TRY(bool there, old.Bind(upload.id).Bind(id).Step());
    if (there) replaced = old.Text(0);
    return database_->Prepare("INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?, ?, ?)")
        .Bind(upload.id)
        .Bind(id)
        .Bind(block.path)
        .Bind(block.rows)
        .Bind(block.bytes)
        .Bind(NowSeconds())
        .Run();
  }));
  return replaced;
}

Status Catalog::InsertFiles(const Table& table, const std::vector<DataFile>& files) {
  auto insert = database_->Prepare(
      "INSERT INTO files (table_id, spec, path, rows, bytes) VALUES (?, ?, ?, ?, ?)");
  for (const DataFile& file : files) {
    TRY_VOID(insert.Bind(table.id)
                 .Bind(file.spec)
                 .Bind(file.path)
                 .Bind(file.rows)
                 .Bind(file.bytes)
                 .Run());
  }
  return OkStatus();
}

Result<std::vector<std::string>> Catalog::CommitUpload(const Table& table, const Upload& upload,
                                                       const std::vector<DataFile>& files) {
  std::lock_guard lock(mutex_);
  std::vector<std::string> replaced;
  TRY_VOID(database_->InTransaction([&]() -> Status {
    TRY_VOID(database_->Prepare("UPDATE uploads SET status = 1 WHERE id = ? AND status = 0")
                 .Bind(upload.id)
                 .Run());
    if (database_->changes() == 0) return SessionClosed(upload.id);
    TRY(bool there, HasPartition(table, upload.spec));
    if (!there && !upload.create_partition) return NoSuchPartition(table, upload.spec);
    if (!there) TRY_VOID(InsertPartition(table, upload.spec));
    if (upload.overwrite) {
      TRY(replaced, TakeFiles(table, &upload.spec));
    }
    TRY_VOID(InsertFiles(table, files));
    return TouchPartition(table, upload.spec);
  }));
  return replaced;
}

Result<std::vector<std::string>> Catalog::CommitUpsert(const Table& table, const Upload& upload,
                                                       const DataFile& file, int64_t version) {
  std::lock_guard lock(mutex_);
  std::vector<std::string> replaced;
  TRY_VOID(database_->InTransaction([&]() -> Status {
    auto now = database_->Prepare("SELECT version FROM partitions WHERE table_id = ? AND spec = ?");
    TRY(bool there, now.Bind(table.id).Bind(upload.spec).Step());
    if (!there) return NoSuchPartition(table, upload.spec);
    if (now.Number(0) != version) {
      return Error(ErrorKind::kConflict, "DataVersionConflict",
                   "the rows of table " + table.name.ToText() + " changed meanwhile; commit again");
    }
    TRY_VOID(database_->Prepare("UPDATE uploads SET status = 1 WHERE id = ? AND status = 0")
                 .Bind(upload.id)
                 .Run());
    if (database_->changes() == 0) return SessionClosed(upload.id);
    TRY(replaced, TakeFiles(table, &upload.spec));
    TRY_VOID(InsertFiles(table, {file}));
    return TouchPartition(table, upload.spec);
  }));
  return replaced;
}

Result<std::vector<std::string>> Catalog::AbortUpload(const Upload& upload) {
  std::lock_guard lock(mutex_);
  TRY_VOID(database_->Prepare("UPDATE uploads SET status = 2 WHERE id = ? AND status = 0")
               .Bind(upload.id)
               .Run());
  std::vector<std::string> paths;
  if (database_->changes() == 0) return paths;
  auto blocks = database_->Prepare("SELECT path FROM blocks WHERE upload_id = ?");
  blocks.Bind(upload.id);
  while (true) {
    TRY(bool row, blocks.Step());
    if (!row) return paths;
    paths.push_back(blocks.Text(0));
  }
}

/// Rows were shaped for `table`: after an ALTER or DROP they may no longer fit.
Status Catalog::CheckUnchanged(const Table& table) {
  auto statement = database_->Prepare("SELECT description FROM tables WHERE id = ?");
  TRY(bool there, statement.Bind(table.id).Step());
  if (there && statement.Text(0) == TableToJson(table)) return OkStatus();
  return Error(ErrorKind::kConflict, "ODPS-0110061",
               "Failed to run ddltask - table " + table.name.ToText() +
                   " was changed or dropped while the statement ran; run it again");
}

Result<std::vector<std::string>> Catalog::CommitRows(const Table& table,
                                                     const std::vector<RowChange>& changes) {
  std::lock_guard lock(mutex_);
  std::vector<std::string> replaced;
  TRY_VOID(database_->InTransaction([&]() -> Status {
    TRY_VOID(CheckUnchanged(table));
    for (const RowChange& change : changes) {
      auto version =
          database_->Prepare("SELECT version FROM partitions WHERE table_id = ? AND spec = ?");
      TRY(bool there, version.Bind(table.id).Bind(change.spec).Step());
      if (change.version && *change.version != (there ? version.Number(0) : 0)) {
        return Error(ErrorKind::kConflict, kRowsChanged,
                     "another statement changed partition '" + change.spec + "' of table " +
                         table.name.ToText() + " meanwhile; run the statement again");
      }
      if (!there) TRY_VOID(InsertPartition(table, change.spec));
      if (change.replace) {
        TRY(auto files, TakeFiles(table, &change.spec));
        replaced.insert(replaced.end(), files.begin(), files.end());
      }
      TRY_VOID(InsertFiles(table, change.files));
      TRY_VOID(TouchPartition(table, change.spec));
    }
    return CheckPartitionLimit(table);
  }));
  return replaced;
}

Status Catalog::PutDownload(const std::string& id, const std::string& session, int64_t age_s) {
  std::lock_guard lock(mutex_);
  return database_->InTransaction([&]() -> Status {
    TRY_VOID(database_->Prepare("DELETE FROM downloads WHERE created_s < ?")
                 .Bind(NowSeconds() - age_s)
                 .Run());
    return database_->Prepare("INSERT INTO downloads VALUES (?, ?, ?)")
        .Bind(id)
        .Bind(session)
        .Bind(NowSeconds())
        .Run();
  });
}

Result<std::string> Catalog::GetDownload(const std::string& id, int64_t age_s) {
  std::lock_guard lock(mutex_);
  auto statement =
      database_->Prepare("SELECT session FROM downloads WHERE id = ? AND created_s >= ?");
  TRY(bool found, statement.Bind(id).Bind(NowSeconds() - age_s).Step());
  if (found) return statement.Text(0);
  return Error(ErrorKind::kNotFound, "NoSuchDownload",
               "the download session '" + id + "' does not exist");
}

Result<std::vector<std::string>> Catalog::LivePaths() {
  std::lock_guard lock(mutex_);
  auto statement = database_->Prepare(
      "SELECT path FROM files UNION ALL SELECT b.path FROM blocks b JOIN uploads u "
      "ON u.id = b.upload_id WHERE u.status = 0");
  std::vector<std::string> paths;
  while (true) {
    TRY(bool row, statement.Step());
    if (!row) return paths;
    paths.push_back(statement.Text(0));
  }
}

Result<std::vector<std::string>> Catalog::ExpireUploads(int64_t age_s) {
  std::lock_guard lock(mutex_);
  std::vector<std::string> paths;
  int64_t limit = NowSeconds() - age_s;
  TRY_VOID(database_->InTransaction([&]() -> Status {
    auto old = database_->Prepare(
        "SELECT b.path FROM blocks b JOIN uploads u ON u.id = b.upload_id WHERE u.created_s < ?");
    old.Bind(limit);
    while (true) {
      TRY(bool row, old.Step());
      if (!row) break;
      paths.push_back(old.Text(0));
    }
    return database_->Prepare("DELETE FROM uploads WHERE created_s < ?").Bind(limit).Run();
  }));
  return paths;
}

}  // namespace mms::sandbox
