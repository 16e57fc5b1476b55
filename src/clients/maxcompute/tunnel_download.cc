// Download sessions of Tunnel: of tables, and of what SQL instances selected.
#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "clients/maxcompute/arrow_frame.h"
#include "clients/maxcompute/codec.h"
#include "clients/maxcompute/documents.h"
#include "clients/maxcompute/record_block.h"
#include "clients/maxcompute/tunnel.h"
#include "clients/maxcompute/tunnel_call.h"

namespace mms::maxcompute {
namespace {

constexpr long kInitiatingFirstMs = 100;  // as PyODPS 0.13 waits: doubling to five seconds
constexpr long kInitiatingMaxMs = 5000;
constexpr long kInitiatingTimeoutMs = 30L * 60 * 1000;

using Clock = std::chrono::steady_clock;

/// The calls of one kind of download.
struct Kinds {
  CallKind create, fetch, read;
};
constexpr Kinds kOfTable{CallKind::kCreateDownload, CallKind::kFetchDownload, CallKind::kReadRows};
constexpr Kinds kOfInstance{CallKind::kCreateInstanceDownload, CallKind::kFetchInstanceDownload,
                            CallKind::kReadInstanceRows};

/// Creates a session and waits until it can be read.
Result<DownloadSession> Create(Client& client, const Kinds& kinds, const TunnelResource& resource) {
  TRY(Client::Call call, MakeTunnelCall(client, kinds.create, resource));
  call.method = "POST";
  const auto plain_query = call.query;
  call.query.emplace_back("downloads", "");
  call.query.emplace_back("asyncmode", "true");
  const auto deadline = Clock::now() + std::chrono::milliseconds(kInitiatingTimeoutMs);
  long wait_ms = kInitiatingFirstMs;
  while (true) {
    Result<HttpResponse> answer = client.Perform(call);
    if (!answer) return std::move(answer).error();
    Result<DownloadAnswer> found = ParseDownloadSession(*answer);
    if (!found) return std::move(found).error();
    if (found->status == "normal") return std::move(found->session);
    if (found->status != "initiating" || Clock::now() > deadline) {
      return Error(ErrorKind::kUnavailable, "TUNNEL_DOWNLOAD_STATE",
                   "the download session is " + found->status + " and not ready; read again");
    }
    if (!WaitFor(client.options().retry, wait_ms)) {
      return Error(ErrorKind::kCancelled, "CANCELLED", "stopped on request");
    }
    wait_ms = std::min(wait_ms * 2, kInitiatingMaxMs);
    call.kind = kinds.fetch;
    call.method = "GET";
    call.query = plain_query;
    call.query.emplace_back("downloadid", found->session.id);
  }
}

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
  TRY(const HttpResponse answer, client.Perform(call));
  TRY_VOID(body.Finish());
  if (rows != range.count) return more_than_asked(rows);
  return OkStatus();
}

/// `call` reads `session`; all of `range` but for errors.
Status ReadAll(Client& client, Client::Call call, const DownloadSession& session,
               Tunnel::Range range, const BlockDecoder::Visit& visit) {
  call.query.emplace_back("data", "");
  call.query.emplace_back("downloadid", session.id);
  if (range.form == BlockForm::kArrow) call.query.emplace_back("arrow", "");
  call.headers.emplace_back("Accept-Encoding", ContentCoding(range.codec, range.form));
  call.timeout_ms = 0;
  const std::vector<Column>& columns = session.schema.columns;
  // An error of the visitor is never a reason to ask the service again, whatever its kind.
  bool visitor_failed = false;
  const BlockDecoder::Visit guarded = [&](std::shared_ptr<arrow::RecordBatch> batch) {
    Status status = visit(std::move(batch));
    visitor_failed = visitor_failed || !status.has_value();
    return status;
  };
  Backoff backoff(client.options().retry);
  while (range.count > 0) {
    int64_t delivered = 0;
    Status status = ReadOnce(client, call, columns, range, delivered, guarded);
    if (status) return status;
    if (visitor_failed) return status;
    // When nothing is left, every row came under the checksum of its chunk and only the end was
    // lost.
    range.start += delivered;
    range.count -= delivered;
    if (delivered > 0) backoff.Restart();
    if (!backoff.Wait(status.error())) return std::move(status).error();
  }
  return OkStatus();
}

}  // namespace

Result<DownloadSession> Tunnel::CreateDownload(const Target& target) {
  TRY_VOID(AwaitTurn(*client_, Limit::kDownloadSessions, target.table));
  Result<DownloadSession> session = Create(*client_, kOfTable, ResourceOf(target));
  if (!session) return std::move(session).error().At(NameOf(target));
  return session;
}

Result<DownloadSession> Tunnel::CreateInstanceDownload(const std::string& instance_id) {
  TRY_VOID(AwaitTurn(*client_, Limit::kInstanceDownloads, client_->options().project));
  Result<DownloadSession> session = Create(*client_, kOfInstance, InstanceResource(instance_id));
  if (!session) return std::move(session).error().At("rows of instance " + instance_id);
  return session;
}

Status Tunnel::Read(const Target& target, const DownloadSession& session, Range range,
                    const BlockDecoder::Visit& visit) {
  TRY(Client::Call call, MakeTunnelCall(*client_, kOfTable.read, ResourceOf(target)));
  Status status = ReadAll(*client_, std::move(call), session, range, visit);
  return status ? std::move(status) : Status(std::move(status).error().At(NameOf(target)));
}

Status Tunnel::ReadInstance(const std::string& instance_id, const DownloadSession& session,
                            Range range, const BlockDecoder::Visit& visit) {
  TRY(Client::Call call, MakeTunnelCall(*client_, kOfInstance.read, InstanceResource(instance_id)));
  Status status = ReadAll(*client_, std::move(call), session, range, visit);
  if (status) return status;
  return std::move(status).error().At("rows of instance " + instance_id);
}

}  // namespace mms::maxcompute
