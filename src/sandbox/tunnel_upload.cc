#include "sandbox/tunnel_upload.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "sandbox/arrow_block.h"
#include "sandbox/block_file.h"
#include "sandbox/body_coding.h"
#include "sandbox/documents.h"
#include "sandbox/record_block.h"

namespace mms::sandbox {
namespace {

constexpr int64_t kBlockIdMax = 19'999;

Result<int64_t> BlockId(const Call& call) {
  std::string text = call.Parameter("blockid");
  int64_t id = -1;
  auto parsed = std::from_chars(text.data(), text.data() + text.size(), id);
  bool good = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && id >= 0 &&
              id <= kBlockIdMax;
  if (good) return id;
  return Error(ErrorKind::kInvalidInput, "InvalidBlockID",
               "blockid '" + text + "' is not a number from 0 to 19999");
}

/// Marks a session as committing for one scope, so that no block joins it meanwhile.
class CommitMark {
 public:
  CommitMark(std::mutex* mutex, std::set<std::string>* marks, std::string id)
      : mutex_(mutex), marks_(marks), id_(std::move(id)) {
    std::lock_guard lock(*mutex_);
    mine_ = marks_->insert(id_).second;
  }
  ~CommitMark() {
    std::lock_guard lock(*mutex_);
    if (mine_) marks_->erase(id_);
  }
  CommitMark(const CommitMark&) = delete;
  CommitMark& operator=(const CommitMark&) = delete;
  bool mine() const { return mine_; }

 private:
  std::mutex* mutex_;
  std::set<std::string>* marks_;
  std::string id_;
  bool mine_ = false;
};

}  // namespace

bool IsTrue(const Call& call, const std::string& name) {
  return call.Has(name) && LowerName(call.Parameter(name)) != "false";
}

Result<PartitionSpec> PartitionOf(const Call& call, const Table& table) {
  std::string text = call.Parameter("partition");
  if (text.empty() && table.partitioned()) {
    return Error(ErrorKind::kInvalidInput, "MissingPartitionSpec",
                 "table " + table.name.ToText() + " is partitioned; name one partition");
  }
  if (text.empty()) return PartitionSpec();
  TRY(auto pairs, SplitPartitionText(text));
  return MakePartitionSpec(table, pairs);
}

Result<Answer> TunnelUpload::Handle(const Call& call, const TableName& name) {
  TRY(Table table, catalog_->GetTable(name));
  if (call.Has("uploads")) {
    if (!call.IsMethod("POST")) {
      return Error(ErrorKind::kInvalidInput, "MethodNotAllowed", "create a session by POST");
    }
    return Create(call, table);
  }
  TRY(Upload upload, catalog_->GetUpload(table, call.Parameter("uploadid")));
  if (upload.upsert) {
    return Error(ErrorKind::kNotFound, "NoSuchUpload",
                 "'" + upload.id + "' is an upsert session, not an upload session");
  }
  if (call.Has("partition")) {
    TRY(PartitionSpec spec, PartitionOf(call, table));
    if (spec != upload.spec) {
      return Error(ErrorKind::kInvalidInput, "InvalidPartitionSpec",
                   "the session writes partition '" + upload.spec + "', not '" + spec + "'");
    }
  }
  if (NowSeconds() - upload.created_s > session_s_) {
    return Error(ErrorKind::kNotFound, "NoSuchUpload",
                 "the upload session has expired after " + std::to_string(session_s_) + " s");
  }
  if (call.IsMethod("GET")) return SessionAnswer(table, upload, 200);
  if (call.IsMethod("PUT")) return PutBlock(call, table, upload);
  if (call.IsMethod("POST")) return Commit(table, upload);
  return Error(ErrorKind::kInvalidInput, "MethodNotAllowed", "use GET, PUT or POST");
}

Result<Answer> TunnelUpload::SessionAnswer(const Table& table, const Upload& upload, int status) {
  TRY(auto blocks, catalog_->Blocks(upload.id));
  nlohmann::json list = nlohmann::json::array();
  for (const Block& block : blocks) {
    list.push_back({{"BlockID", block.id},
                    {"CreateTime", block.created_s},
                    {"Date", HttpDate(block.created_s)},
                    {"FileName", ""},
                    {"Version", 0}});
  }
  nlohmann::json body{{"UploadID", upload.id},
                      {"Status", upload.status == UploadStatus::kClosed ? "closed" : "normal"},
                      {"Owner", kOwner},
                      {"Initiated", HttpDate(upload.created_s)},
                      {"MaxFieldSize", kCellBytesMax},
                      {"QuotaName", ""},
                      {"UploadedBlockList", std::move(list)}};
  body["Schema"] = nlohmann::json::parse(TunnelSchemaJson(table.columns, table.partition_columns));
  return Answer{status, {{"Content-Type", "application/json"}}, body.dump()};
}

Result<Answer> TunnelUpload::Create(const Call& call, const Table& table) {
  TRY(PartitionSpec spec, PartitionOf(call, table));
  Upload upload;
  upload.id = RandomHex(16);
  upload.spec = spec;
  upload.overwrite = IsTrue(call, "overwrite");
  upload.create_partition = IsTrue(call, "create_partition");
  TRY(upload, catalog_->CreateUpload(table, upload));
  return SessionAnswer(table, upload, 201);
}

Result<Block> TunnelUpload::ReceiveBlock(const Call& call, const Table& table,
                                         const std::string& path) {
  const std::string* coding = call.http->FindHeader("content-encoding");
  TRY(auto decoder, MakeDecoder(coding ? *coding : "", call.http->body));
  ByteSource* body = decoder ? decoder.get() : call.http->body;
  TRY(auto writer, BlockFile::Open(storage_, table, path));
  auto write = [&](const arrow::RecordBatch& batch) { return writer->Write(batch); };
  if (call.Has("arrow")) {
    TRY_VOID(ReadArrowBlock(body, table, write));
  } else {
    TRY_VOID(ReadRecordBlock(body, table, write));
  }
  // With a coding, the decoder must have seen the end of its stream and the HTTP body its own.
  char rest;
  TRY(size_t more, call.http->body->Read(&rest, 1));
  if (more != 0) {
    return Error(ErrorKind::kCorrupt, "MalformedDataStream", "bytes follow the end of the block");
  }
  TRY(BlockFile::Written written, writer->Close());
  Block block;
  block.path = written.path;
  block.rows = written.rows;
  block.bytes = written.bytes;
  return block;
}

Result<Answer> TunnelUpload::PutBlock(const Call& call, const Table& table, const Upload& upload) {
  TRY(int64_t id, BlockId(call));
  if (upload.status != UploadStatus::kNormal) {
    return Error(ErrorKind::kConflict, "StatusConflict",
                 "the upload session '" + upload.id + "' is committed already");
  }
  std::string path = Storage::StagedPath(upload.id, id, RandomHex(4));
  TRY(Block block, ReceiveBlock(call, table, path));
  block.id = id;
  bool committing;
  {
    std::lock_guard lock(mutex_);
    committing = committing_.contains(upload.id);
  }
  auto replaced = committing ? Result<std::string>(Error(ErrorKind::kConflict, "StatusConflict",
                                                         "the session is being committed"))
                             : catalog_->PutBlock(upload, block);
  if (!replaced) {
    storage_->Retire({block.path});
    return std::move(replaced).error();
  }
  if (!replaced->empty()) storage_->Retire({*replaced});
  return Answer{200, {}, ""};
}

Result<Answer> TunnelUpload::Commit(const Table& table, const Upload& upload) {
  CommitMark mark(&mutex_, &committing_, upload.id);
  if (!mark.mine() || upload.status != UploadStatus::kNormal) {
    return Error(ErrorKind::kConflict, "StatusConflict",
                 "the upload session '" + upload.id + "' is committed already or just now");
  }
  TRY(auto blocks, catalog_->Blocks(upload.id));
  std::vector<DataFile> files;
  std::vector<std::string> staged;
  for (const Block& block : blocks) {
    staged.push_back(block.path);
    if (block.rows == 0) continue;
    std::string path = Storage::FinalPath(table.name, upload.spec, upload.id, block.id);
    if (Storage::IsWide(block.path)) path = Storage::WidePath(path);
    TRY_VOID(storage_->Publish(block.path, path));
    files.push_back({path, upload.spec, block.rows, block.bytes});
  }
  auto replaced = catalog_->CommitUpload(table, upload, files);
  if (!replaced) {
    std::vector<std::string> unused;
    // A session that someone else committed owns these names.
    bool other = replaced.error().code() == "StatusConflict";
    for (const DataFile& file : files) unused.push_back(file.path);
    if (!other) storage_->Retire(unused);
    return std::move(replaced).error();
  }
  storage_->Retire(*replaced);
  storage_->Retire(staged);
  Upload closed = upload;
  closed.status = UploadStatus::kClosed;
  return SessionAnswer(table, closed, 200);
}

}  // namespace mms::sandbox
