#include "sandbox/tunnel_upsert.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "sandbox/block_file.h"
#include "sandbox/body_coding.h"
#include "sandbox/documents.h"
#include "sandbox/record_block.h"
#include "sandbox/tunnel_upload.h"
#include "sandbox/upsert_merge.h"

namespace mms::sandbox {
namespace {

constexpr size_t kBucketsUsual = 16;
constexpr size_t kBucketsMax = 4'096;
constexpr int kMergeAttempts = 5;
constexpr size_t kStreamsMax = 10'000;

Error NotAllowed(const Call& call) {
  return Error(ErrorKind::kInvalidInput, "MethodNotAllowed",
               call.http->method + " is not possible at " + call.path);
}

Error NoUpsert(const std::string& id) {
  return Error(ErrorKind::kNotFound, "UpsertSessionNotFound",
               "the upsert session '" + id + "' does not exist, or its life is over");
}

/// A number of a parameter or property; `usual` when it is none within 1 to `most`.
size_t CountOf(const std::string& text, size_t usual, size_t most) {
  size_t count = 0;
  auto parsed = std::from_chars(text.data(), text.data() + text.size(), count);
  bool good = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
  return good && count >= 1 && count <= most ? count : usual;
}

size_t BucketsOf(const Table& table) {
  auto found = table.properties.find("write.bucket.num");
  return found == table.properties.end() ? kBucketsUsual
                                         : CountOf(found->second, kBucketsUsual, kBucketsMax);
}

/// Clients send records to the slot's address: the one they know us by.
std::string AddressOf(const Call& call) {
  const std::string* host = call.http->FindHeader("host");
  return host == nullptr ? "localhost:80" : *host;
}

nlohmann::json SchemaOf(const Table& table) {
  auto schema = nlohmann::json::parse(TunnelSchemaJson(table.columns, table.partition_columns));
  size_t id = 0;
  for (auto& column : schema["columns"]) column["column_id"] = std::to_string(id++);
  return schema;
}

std::string_view StatusText(UploadStatus status) {
  switch (status) {
    case UploadStatus::kNormal: return "normal";
    case UploadStatus::kClosed: return "committed";
    case UploadStatus::kAborted: return "aborted";
  }
  return "critical";
}

/// Reads the records of a body into a file.
Result<BlockFile::Written> Receive(const Call& call, const Table& shape, BlockFile* file,
                                   const BatchVisitor& check) {
  const std::string* coding = call.http->FindHeader("content-encoding");
  TRY(auto decoder, MakeDecoder(coding ? *coding : "", call.http->body));
  ByteSource* body = decoder ? decoder.get() : call.http->body;
  TRY_VOID(ReadRecordBlock(body, shape, [&](const arrow::RecordBatch& batch) -> Status {
    TRY_VOID(check(batch));
    return file->Write(batch);
  }));
  char rest;
  TRY(size_t more, call.http->body->Read(&rest, 1));
  if (more != 0) {
    return Error(ErrorKind::kCorrupt, "MalformedDataStream", "bytes follow the end of the block");
  }
  return file->Close();
}

Answer JsonAnswer(const nlohmann::json& body) {
  return {200, {{"Content-Type", "application/json"}}, body.dump()};
}

Answer StreamAnswer(const Call& call, const Table& table, const std::string& id) {
  auto slot = nlohmann::json::array({"0", AddressOf(call)});
  return JsonAnswer({{"session_name", id},
                     {"status", "normal"},
                     {"schema", SchemaOf(table)},
                     {"schema_version", "0"},
                     {"QuotaName", ""},
                     {"slots", nlohmann::json::array({std::move(slot)})}});
}

}  // namespace

Result<Answer> TunnelUpsert::Handle(const Call& call, const Target& target) {
  TRY(Table table, catalog_->GetTable({target.project, target.schema, target.object}));
  if (table.primary_key.empty()) {
    return Error(ErrorKind::kInvalidInput, "InvalidArgument",
                 "table " + table.name.ToText() + " has no primary key: it takes no upserts");
  }
  if (target.name == CallName::kCreateUpsert) return Create(call, table);
  std::string id = call.Parameter("upsertid");
  auto upload = catalog_->GetUpload(table, id);
  if (!upload || !upload->upsert || NowSeconds() - upload->created_s > session_s_) {
    return NoUpsert(id);
  }
  switch (target.name) {
    case CallName::kGetUpsert: return SessionAnswer(call, table, *upload);
    case CallName::kPutUpsert: return Put(call, table, *upload);
    case CallName::kCommitUpsert: return Commit(call, table, std::move(*upload));
    case CallName::kAbortUpsert: {
      TRY(auto blocks, catalog_->AbortUpload(*upload));
      storage_->Retire(blocks);
      upload->status = UploadStatus::kAborted;
      return SessionAnswer(call, table, *upload);
    }
    default: return NotAllowed(call);
  }
}

Result<Answer> TunnelUpsert::Create(const Call& call, const Table& table) {
  Upload upload;
  upload.id = RandomHex(16);
  TRY(upload.spec, PartitionOf(call, table));
  upload.upsert = true;
  upload.slots = static_cast<int64_t>(CountOf(call.Parameter("slotnum"), 1, BucketsOf(table)));
  TRY(upload, catalog_->CreateUpload(table, upload));
  return SessionAnswer(call, table, upload);
}

Result<Answer> TunnelUpsert::SessionAnswer(const Call& call, const Table& table,
                                           const Upload& upload) {
  auto slots = nlohmann::json::array();
  auto slot_count = static_cast<size_t>(upload.slots);
  for (size_t slot = 0; slot < slot_count; ++slot) {
    auto buckets = nlohmann::json::array();
    for (size_t bucket = slot; bucket < BucketsOf(table); bucket += slot_count) {
      buckets.push_back(bucket);
    }
    slots.push_back({{"slot_id", std::to_string(slot)},
                     {"worker_addr", AddressOf(call)},
                     {"buckets", std::move(buckets)}});
  }
  return JsonAnswer({{"id", upload.id},
                     {"status", StatusText(upload.status)},
                     {"schema", SchemaOf(table)},
                     {"hash_key", table.primary_key},
                     {"hasher", "default"},
                     {"slots", std::move(slots)},
                     {"quota_name", ""},
                     {"enable_partial_update", false}});
}

Result<Answer> TunnelUpsert::Put(const Call& call, const Table& table, const Upload& upload) {
  if (upload.status != UploadStatus::kNormal) {
    return Error(
        ErrorKind::kConflict, "StatusConflict",
        "the upsert session '" + upload.id + "' is " + std::string(StatusText(upload.status)));
  }
  Table shape = UpsertTable(table);
  TRY(auto file, BlockFile::Open(storage_, shape, Storage::StagedPath(upload.id, 0, RandomHex(8))));
  TRY(auto written, Receive(call, shape, file.get(), [&](const arrow::RecordBatch& batch) {
        return CheckUpserts(table, batch);
      }));
  Block block;
  block.id = kNextBlock;
  block.path = written.path;
  block.rows = written.rows;
  block.bytes = written.bytes;
  auto put = catalog_->PutBlock(upload, block);
  if (!put) {
    storage_->Retire({written.path});
    return std::move(put).error();
  }
  return Answer{200, {}, ""};
}

/// A repeated commit is answered like the first: clients ask by it whether it is done.
Result<Answer> TunnelUpsert::Commit(const Call& call, const Table& table, Upload upload) {
  std::lock_guard lock(merging_);
  TRY(upload, catalog_->GetUpload(table, upload.id));
  if (upload.status == UploadStatus::kAborted) {
    return Error(ErrorKind::kConflict, "StatusConflict",
                 "the upsert session '" + upload.id + "' was aborted");
  }
  if (upload.status == UploadStatus::kNormal) TRY_VOID(Merge(table, upload));
  upload.status = UploadStatus::kClosed;
  return SessionAnswer(call, table, upload);
}

Status TunnelUpsert::Merge(const Table& table, const Upload& upload) {
  TRY(auto blocks, catalog_->Blocks(upload.id));
  std::vector<RowRange::Part> changes;
  std::vector<std::string> staged;
  for (const Block& block : blocks) {
    changes.push_back({storage_->Absolute(block.path), block.rows});
    staged.push_back(block.path);
  }
  for (int attempt = 0;; ++attempt) {
    std::vector<RowRange::Part> present;
    TRY(PartitionInfo partition, catalog_->GetPartition(table, upload.spec));
    TRY(auto lease, storage_->Lease([&]() -> Result<std::vector<std::string>> {
      TRY(auto files, catalog_->Files(table, upload.spec));
      std::vector<std::string> paths;
      for (const DataFile& file : files) {
        present.push_back({storage_->Absolute(file.path), file.rows});
        paths.push_back(file.path);
      }
      return paths;
    }));
    TRY(auto merged,
        BlockFile::Open(storage_, table, Storage::StagedPath(upload.id, attempt, RandomHex(8))));
    TRY_VOID(UpsertMerge(table).Run(present, changes, merged.get()));
    TRY(auto written, merged->Close());
    std::string path = Storage::FinalPath(table.name, upload.spec, upload.id, attempt);
    if (Storage::IsWide(written.path)) path = Storage::WidePath(path);
    TRY_VOID(storage_->Publish(written.path, path));
    storage_->Retire({written.path});
    auto replaced = catalog_->CommitUpsert(
        table, upload, {path, upload.spec, written.rows, written.bytes}, partition.version);
    if (replaced) {
      storage_->Retire(*replaced);
      storage_->Retire(staged);
      return OkStatus();
    }
    storage_->Retire({path});
    // Other rows came in meanwhile: merge with them.
    bool again = replaced.error().code() == "DataVersionConflict" && attempt + 1 < kMergeAttempts;
    if (!again) return std::move(replaced).error();
  }
}

Result<Answer> TunnelStream::Handle(const Call& call, const Target& target) {
  TRY(Table table, catalog_->GetTable({target.project, target.schema, target.object}));
  if (target.name == CallName::kCreateStream) return Create(call, table);
  std::string id = call.Parameter("uploadid");
  TRY(Session session, Find(id, table));
  if (target.name == CallName::kPutStream) return Put(call, table, session);
  if (target.name == CallName::kAbortStream) {
    std::lock_guard lock(mutex_);
    sessions_.erase(id);
    return Answer{200, {}, ""};
  }
  return StreamAnswer(call, table, id);
}

Result<Answer> TunnelStream::Create(const Call& call, const Table& table) {
  Session session;
  session.table_id = table.id;
  TRY(session.spec, PartitionOf(call, table));
  if (call.Has("create_partition")) {
    TRY_VOID(catalog_->AddPartitions(table, {session.spec}, true));
  }
  TRY(PartitionInfo there, catalog_->GetPartition(table, session.spec));
  (void)there;
  std::string id = RandomHex(16);
  {
    std::lock_guard lock(mutex_);
    if (sessions_.size() >= kStreamsMax) {
      return Error(ErrorKind::kThrottled, "FlowExceeded", "10000 stream sessions are open");
    }
    sessions_[id] = session;
  }
  return StreamAnswer(call, table, id);
}

Result<TunnelStream::Session> TunnelStream::Find(const std::string& id, const Table& table) {
  std::lock_guard lock(mutex_);
  auto found = sessions_.find(id);
  if (found != sessions_.end() && found->second.table_id == table.id) return found->second;
  return Error(ErrorKind::kNotFound, "StreamSessionNotFound",
               "the stream session '" + id + "' does not exist; create a new one");
}

/// The records are there when the answer is: a session of one block, committed at once.
Result<Answer> TunnelStream::Put(const Call& call, const Table& table, const Session& session) {
  Upload upload;
  upload.id = RandomHex(16);
  upload.spec = session.spec;
  TRY(auto file, BlockFile::Open(storage_, table, Storage::StagedPath(upload.id, 0, RandomHex(4))));
  TRY(auto written,
      Receive(call, table, file.get(), [](const arrow::RecordBatch&) { return OkStatus(); }));
  std::string path = Storage::FinalPath(table.name, upload.spec, upload.id, 0);
  if (Storage::IsWide(written.path)) path = Storage::WidePath(path);
  TRY_VOID(storage_->Publish(written.path, path));
  storage_->Retire({written.path});
  auto commit = [&]() -> Status {
    TRY(upload, catalog_->CreateUpload(table, upload));
    std::vector<DataFile> files;
    if (written.rows > 0) files.push_back({path, upload.spec, written.rows, written.bytes});
    TRY(auto replaced, catalog_->CommitUpload(table, upload, files));
    (void)replaced;
    return OkStatus();
  };
  Status committed = commit();
  if (!committed || written.rows == 0) storage_->Retire({path});
  TRY_VOID(std::move(committed));
  return Answer{
      200, {{"odps-tunnel-routed-server", AddressOf(call)}, {"odps-tunnel-slot-num", "1"}}, ""};
}

}  // namespace mms::sandbox
