#include "clients/maxcompute/tunnel.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <string_view>
#include <utility>

#include "clients/maxcompute/arrow_frame.h"
#include "clients/maxcompute/codec.h"
#include "clients/maxcompute/documents.h"
#include "clients/maxcompute/errors.h"
#include "clients/maxcompute/record_block.h"

namespace mms::maxcompute {
namespace {

constexpr int64_t kBlockIdMax = 19999;
constexpr long kInitiatingFirstMs = 100;  // as PyODPS 0.13 waits: doubling to five seconds
constexpr long kInitiatingMaxMs = 5000;
constexpr long kInitiatingTimeoutMs = 30L * 60 * 1000;
constexpr long kClosingFirstMs = 1000;
constexpr long kClosingMaxMs = 8000;
constexpr long kClosingTimeoutMs = 30L * 60 * 1000;
constexpr size_t kIdsShown = 20;

using Clock = std::chrono::steady_clock;

std::string Name(const Tunnel::Target& target) {
  const std::string partition = ToTunnelText(target.partition);
  return "target table " + target.table + (partition.empty() ? "" : " partition " + partition);
}

/// A call on the session resource of `target`, with the headers every Tunnel request carries.
Result<Client::Call> MakeCall(Client& client, const Tunnel::Target& target, std::string method) {
  const Options& options = client.options();
  Client::Call call;
  TRY(call.base, client.TunnelEndpoint());
  call.method = std::move(method);
  call.path = "/projects/" + options.project +
              (UsesSchema(options) ? "/schemas/" + options.schema : "") + "/tables/" + target.table;
  call.headers = {{"x-odps-tunnel-version", "6"},
                  {"odps-tunnel-date-transform", "v1"},
                  {"odps-tunnel-sdk-support-schema-evolution", "true"}};
  if (!options.quota_name.empty()) call.query.emplace_back("quotaName", options.quota_name);
  if (!target.partition.empty()) {
    call.query.emplace_back("partition", ToTunnelText(target.partition));
  }
  return call;
}

std::string List(const std::vector<int64_t>& ids) {
  std::string text;
  for (size_t i = 0; i < std::min(ids.size(), kIdsShown); ++i) {
    text += (i > 0 ? ", " : "") + std::to_string(ids[i]);
  }
  if (ids.size() > kIdsShown) text += ", ... (" + std::to_string(ids.size()) + " in all)";
  return text.empty() ? "none" : text;
}

/// The service commits what it has, so it must have exactly our blocks. Both lists are sorted.
Status CompareBlocks(const std::vector<int64_t>& theirs, const std::vector<int64_t>& ours) {
  std::vector<int64_t> missing;
  std::vector<int64_t> stray;
  std::set_difference(ours.begin(), ours.end(), theirs.begin(), theirs.end(),
                      std::back_inserter(missing));
  std::set_difference(theirs.begin(), theirs.end(), ours.begin(), ours.end(),
                      std::back_inserter(stray));
  if (missing.empty() && stray.empty()) return OkStatus();
  return Error(ErrorKind::kCorrupt, "TUNNEL_BLOCKS_DIFFER",
               "the service's block list is not ours: missing " + List(missing) + "; stray " +
                   List(stray) + "; load the partition again with a new session");
}

std::unique_ptr<BlockEncoder> MakeEncoder(BlockForm form, BatchSource& source) {
  if (form == BlockForm::kArrow) return std::make_unique<ArrowFrameEncoder>(&source);
  return std::make_unique<RecordEncoder>(&source);
}

Error SessionGone(const std::string& why) {
  return Error(ErrorKind::kConflict, "TUNNEL_SESSION_GONE",
               "the upload session " + why + "; load the partition again with a new session");
}

/// One commit: our block list, and what was learned so far.
class Committer {
 public:
  Committer(Client& client, std::vector<int64_t> blocks)
      : client_(client), blocks_(std::move(blocks)), backoff_(client.options().retry) {
    std::sort(blocks_.begin(), blocks_.end());
  }

  /// Looks at the session and does what its state asks for. True = committed, false = look again.
  Result<bool> Step(Tunnel& tunnel, const Tunnel::Target& target, const std::string& session_id) {
    Result<UploadSession> session = tunnel.FetchUpload(target, session_id);
    if (!session) {
      if (session.error().code() == "TUNNEL_NO_SUCH_UPLOAD") return SessionGone("is not known");
      return std::move(session).error();
    }
    switch (session->state) {
      case SessionState::kClosed: return true;
      case SessionState::kExpired: return SessionGone("has expired");
      case SessionState::kCritical: return SessionGone("has failed in the service");
      case SessionState::kNormal: break;
      case SessionState::kClosing:
      case SessionState::kUnknown: return WaitForClose();
    }
    TRY_VOID(CompareBlocks(session->blocks, blocks_));
    return Post(target, session_id);
  }

 private:
  Result<bool> Post(const Tunnel::Target& target, const std::string& session_id) {
    TRY(Client::Call call, MakeCall(client_, target, "POST"));
    call.query.emplace_back("uploadid", session_id);
    call.timeout_ms = kClosingTimeoutMs;
    // Not send_once: a second POST (libcurl's own, too) commits the same or is a StatusConflict.
    Result<HttpResponse> answer = client_.Exchange(call, "TUNNEL_NO_SUCH_UPLOAD");
    if (answer) {
      Result<UploadSession> session = ParseUploadSession(*answer);
      // Any other answer to a POST that went well is resolved by asking.
      return session && session->state == SessionState::kClosed ? Result<bool>(true)
                                                                : WaitForClose();
    }
    const Error& error = answer.error();
    // Lost, or refused because an earlier POST of ours went through unheard: the state tells.
    const bool unknown = IsTransient(error.kind()) || error.code() == "TUNNEL_STATUS_CONFLICT";
    if (!unknown) return std::move(answer).error();
    if (error.code() == "TUNNEL_STATUS_CONFLICT") {
      if (++conflicts_ >= client_.options().retry.attempts_max) return std::move(answer).error();
      return false;
    }
    if (!backoff_.Wait(error)) return std::move(answer).error();
    return false;
  }

  Result<bool> WaitForClose() {
    if (Clock::now() - start_ > std::chrono::milliseconds(kClosingTimeoutMs)) {
      return Error(ErrorKind::kUnavailable, "TUNNEL_COMMIT_UNKNOWN",
                   "the service has not finished the commit; run again to ask for its outcome");
    }
    if (!WaitFor(client_.options().retry, wait_ms_)) {
      return Error(ErrorKind::kCancelled, "CANCELLED", "stopped while the service commits");
    }
    wait_ms_ = std::min(wait_ms_ * 2, kClosingMaxMs);
    return false;
  }

  Client& client_;
  std::vector<int64_t> blocks_;
  Backoff backoff_;
  const Clock::time_point start_ = Clock::now();
  long wait_ms_ = kClosingFirstMs;
  int conflicts_ = 0;
};

}  // namespace

Tunnel::Tunnel(Client* client) : client_(client) {}

Result<UploadSession> Tunnel::CreateUpload(const Target& target, const UploadOptions& options) {
  TRY(Client::Call call, MakeCall(*client_, target, "POST"));
  call.query.emplace_back("uploads", "");
  if (options.overwrite) call.query.emplace_back("overwrite", "true");
  if (options.create_partition) call.query.emplace_back("create_partition", "true");
  // A session whose answer was lost holds nothing and expires, so asking again is safe.
  Result<HttpResponse> answer = client_->Fetch(call, "ODPS_TABLE_NOT_FOUND");
  if (!answer) return std::move(answer).error().At(Name(target));
  Result<UploadSession> session = ParseUploadSession(*answer);
  if (!session) return std::move(session).error().At(Name(target));
  return session;
}

Result<UploadSession> Tunnel::FetchUpload(const Target& target, const std::string& session_id) {
  TRY(Client::Call call, MakeCall(*client_, target, "GET"));
  call.query.emplace_back("uploadid", session_id);
  Result<HttpResponse> answer = client_->Fetch(call, "TUNNEL_NO_SUCH_UPLOAD");
  if (!answer) return std::move(answer).error().At(Name(target));
  Result<UploadSession> session = ParseUploadSession(*answer);
  if (!session) return std::move(session).error().At(Name(target));
  return session;
}

Result<BlockResult> Tunnel::PutBlock(const Target& target, const std::string& session_id,
                                     const Block& block, BatchSource& source) {
  const std::string where = Name(target) + " block " + std::to_string(block.id);
  if (block.id < 0 || block.id > kBlockIdMax) {
    return Error(ErrorKind::kLimitReached, "TUNNEL_BLOCK_ID",
                 "a session takes block ids 0 to 19999; use larger blocks")
        .At(where);
  }
  if (std::chrono::system_clock::now() > block.usable_until) {
    return SessionGone("is about to expire").At(where);
  }
  TRY(Client::Call call, MakeCall(*client_, target, "PUT"));
  call.query.emplace_back("uploadid", session_id);
  call.query.emplace_back("blockid", std::to_string(block.id));
  const Codec codec = client_->options().codec;
  call.headers.emplace_back("Content-Type", "application/octet-stream");
  if (block.form == BlockForm::kArrow) call.query.emplace_back("arrow", "");
  if (codec != Codec::kRaw) {
    call.headers.emplace_back("Content-Encoding", ContentCoding(codec, block.form));
  }
  const auto encoder = MakeEncoder(block.form, source);
  CompressedUpload upload(encoder.get(), codec);
  call.upload = &upload;
  call.timeout_ms = 0;  // a block may take hours; one that stalls is ended all the same
  Result<HttpResponse> answer = client_->Exchange(call, "TUNNEL_NO_SUCH_UPLOAD");
  if (!answer) return std::move(answer).error().At(where);
  return BlockResult{encoder->rows(), encoder->payload_bytes(), upload.bytes()};
}

Status Tunnel::Commit(const Target& target, const std::string& session_id,
                      std::vector<int64_t> blocks) {
  Committer committer(*client_, std::move(blocks));
  while (true) {
    Result<bool> committed = committer.Step(*this, target, session_id);
    if (!committed) return std::move(committed).error().At(Name(target));
    if (*committed) return OkStatus();
  }
}

Result<DownloadSession> Tunnel::CreateDownload(const Target& target) {
  TRY(Client::Call call, MakeCall(*client_, target, "POST"));
  const auto plain_query = call.query;
  call.query.emplace_back("downloads", "");
  call.query.emplace_back("asyncmode", "true");
  const auto deadline = Clock::now() + std::chrono::milliseconds(kInitiatingTimeoutMs);
  long wait_ms = kInitiatingFirstMs;
  while (true) {
    Result<HttpResponse> answer = client_->Fetch(call, "ODPS_TABLE_NOT_FOUND");
    if (!answer) return std::move(answer).error().At(Name(target));
    Result<DownloadAnswer> found = ParseDownloadSession(*answer);
    if (!found) return std::move(found).error().At(Name(target));
    if (found->status == "normal") return std::move(found->session);
    if (found->status != "initiating" || Clock::now() > deadline) {
      return Error(ErrorKind::kUnavailable, "TUNNEL_DOWNLOAD_STATE",
                   "the download session is " + found->status + " and not ready; read again")
          .At(Name(target));
    }
    if (!WaitFor(client_->options().retry, wait_ms)) {
      return Error(ErrorKind::kCancelled, "CANCELLED", "stopped on request").At(Name(target));
    }
    wait_ms = std::min(wait_ms * 2, kInitiatingMaxMs);
    call.method = "GET";
    call.query = plain_query;
    call.query.emplace_back("downloadid", found->session.id);
  }
}

namespace {

std::unique_ptr<BlockDecoder> MakeDecoder(BlockForm form, const std::vector<Column>& columns,
                                          BlockDecoder::Visit visit) {
  if (form == BlockForm::kRecord) return std::make_unique<RecordDecoder>(columns, std::move(visit));
  return std::make_unique<ArrowFrameDecoder>(ToArrow(columns), std::move(visit));
}

/// The body of one answer, on its way to the decoder through what it was compressed with.
class CodedBody {
 public:
  explicit CodedBody(BlockDecoder* decoder) : decoder_(decoder) {}

  /// The service is asked for a codec and may as well send none.
  Status TakeHead(const HttpResponse& answer) {
    const std::string coding = answer.Header("content-encoding");
    const std::optional<Codec> codec = FromContentCoding(coding);
    if (codec) {
      decompressor_ = MakeDecompressor(*codec);
      return OkStatus();
    }
    return Error(ErrorKind::kUnsupported, "TUNNEL_ENCODING",
                 "the service sent content encoding " + coding + ", which was not asked for");
  }

  Status TakeBytes(std::string_view bytes) {
    if (decompressor_ == nullptr) return decoder_->Write(bytes);
    return decompressor_->Add(bytes,
                              [this](std::string_view plain) { return decoder_->Write(plain); });
  }

  Status Finish() {
    if (decompressor_ != nullptr) TRY_VOID(decompressor_->End());
    return decoder_->Finish();
  }

 private:
  BlockDecoder* decoder_;
  std::unique_ptr<Decompressor> decompressor_;
};

/// One request of a Read: `range` to its end or to the first break. Adds to `delivered` the rows
/// handed over.
Status ReadOnce(Client& client, Client::Call call, const std::vector<Column>& columns,
                Tunnel::Range range, int64_t& delivered, const BlockDecoder::Visit& visit) {
  call.query.emplace_back(
      "rowrange", "(" + std::to_string(range.start) + "," + std::to_string(range.count) + ")");
  const auto more_than_asked = [&range](int64_t rows) {
    return Error(ErrorKind::kCorrupt, "TUNNEL_ROWS_DIFFER",
                 "the service sent " + std::to_string(rows) + " rows for a range of " +
                     std::to_string(range.count) + "; read again");
  };
  int64_t rows = 0;
  const auto decoder =
      MakeDecoder(range.form, columns, [&](std::shared_ptr<arrow::RecordBatch> batch) -> Status {
        rows += batch->num_rows();
        if (rows > range.count) return more_than_asked(rows);
        const int64_t count = batch->num_rows();
        TRY_VOID(visit(std::move(batch)));
        delivered += count;
        return OkStatus();
      });
  CodedBody body(decoder.get());
  call.on_head = [&body](const HttpResponse& answer) { return body.TakeHead(answer); };
  call.on_body = [&body](std::string_view bytes) { return body.TakeBytes(bytes); };
  TRY(const HttpResponse answer, client.Exchange(call, "TUNNEL_NO_SUCH_DOWNLOAD"));
  TRY_VOID(body.Finish());
  if (rows != range.count) return more_than_asked(rows);
  return OkStatus();
}

}  // namespace

Status Tunnel::Read(const Target& target, const DownloadSession& session, Range range,
                    const BlockDecoder::Visit& visit) {
  TRY(Client::Call call, MakeCall(*client_, target, "GET"));
  call.query.emplace_back("data", "");
  call.query.emplace_back("downloadid", session.id);
  if (range.form == BlockForm::kArrow) call.query.emplace_back("arrow", "");
  call.headers.emplace_back("Accept-Encoding", ContentCoding(client_->options().codec, range.form));
  call.timeout_ms = 0;
  const std::vector<Column>& columns = session.schema.columns;
  // An error of the visitor is never a reason to ask the service again, whatever its kind.
  bool visitor_failed = false;
  const BlockDecoder::Visit guarded = [&](std::shared_ptr<arrow::RecordBatch> batch) {
    Status status = visit(std::move(batch));
    visitor_failed = visitor_failed || !status.has_value();
    return status;
  };
  Backoff backoff(client_->options().retry);
  while (range.count > 0) {
    int64_t delivered = 0;
    Status status = ReadOnce(*client_, call, columns, range, delivered, guarded);
    if (status) return status;
    if (visitor_failed) return status;
    // When nothing is left, every row came under the checksum of its chunk and only the end was
    // lost.
    range.start += delivered;
    range.count -= delivered;
    if (delivered > 0) backoff.Restart();
    if (!backoff.Wait(status.error())) return std::move(status).error().At(Name(target));
  }
  return OkStatus();
}

}  // namespace mms::maxcompute
