#include "clients/maxcompute/tunnel.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "clients/maxcompute/arrow_frame.h"
#include "clients/maxcompute/codec.h"
#include "clients/maxcompute/documents.h"
#include "clients/maxcompute/errors.h"
#include "clients/maxcompute/record_block.h"
#include "clients/maxcompute/tunnel_call.h"

namespace mms::maxcompute {
namespace {

constexpr std::chrono::hours kSessionUsable{23};  // of the 24 that a session lives

constexpr int64_t kBlockIdMax = 19999;
constexpr long kClosingFirstMs = 1000;
constexpr long kClosingMaxMs = 8000;
constexpr long kClosingTimeoutMs = 30L * 60 * 1000;
constexpr size_t kIdsShown = 20;

using Clock = std::chrono::steady_clock;

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
    TRY(Client::Call call, MakeTunnelCall(client_, CallKind::kCommitUpload, ResourceOf(target)));
    call.method = "POST";
    call.query.emplace_back("uploadid", session_id);
    call.timeout_ms = kClosingTimeoutMs;
    // libcurl may send it twice by itself: the second commits the same or is a StatusConflict.
    TRY(const std::optional<Pacer::CommitTurn> turn, AwaitCommit(target));
    Result<HttpResponse> answer = client_.Perform(call);
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

  Result<std::optional<Pacer::CommitTurn>> AwaitCommit(const Tunnel::Target& target) {
    const Options& options = client_.options();
    std::optional<Pacer::CommitTurn> turn;
    if (options.pacer != nullptr) {
      TRY(Pacer::CommitTurn given,
          options.pacer->AwaitCommit(target.table, options.retry.cancelled));
      turn.emplace(std::move(given));
    }
    return turn;
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
  TRY_VOID(AwaitTurn(*client_, Limit::kUploadSessions, target.table));
  TRY(Client::Call call, MakeTunnelCall(*client_, CallKind::kCreateUpload, ResourceOf(target)));
  call.method = "POST";
  call.query.emplace_back("uploads", "");
  if (options.overwrite) call.query.emplace_back("overwrite", "true");
  if (options.create_partition) call.query.emplace_back("create_partition", "true");
  const auto begun = std::chrono::system_clock::now();
  Result<HttpResponse> answer = client_->Perform(call);
  if (!answer) return std::move(answer).error().At(NameOf(target));
  Result<UploadSession> session = ParseUploadSession(*answer);
  if (!session) return std::move(session).error().At(NameOf(target));
  // Just begun, whatever time the answer tells: a clock that is off must not end every load.
  session->usable_until = std::max(session->usable_until, begun + kSessionUsable);
  return session;
}

Result<UploadSession> Tunnel::FetchUpload(const Target& target, const std::string& session_id) {
  TRY(Client::Call call, MakeTunnelCall(*client_, CallKind::kFetchUpload, ResourceOf(target)));
  call.query.emplace_back("uploadid", session_id);
  Result<HttpResponse> answer = client_->Perform(call);
  if (!answer) return std::move(answer).error().At(NameOf(target));
  Result<UploadSession> session = ParseUploadSession(*answer);
  if (!session) return std::move(session).error().At(NameOf(target));
  return session;
}

Result<BlockResult> Tunnel::PutBlock(const Target& target, const std::string& session_id,
                                     const Block& block, BatchSource& source) {
  const std::string where = NameOf(target) + " block " + std::to_string(block.id);
  if (block.id < 0 || block.id > kBlockIdMax) {
    return Error(ErrorKind::kLimitReached, "TUNNEL_BLOCK_ID",
                 "a session takes block ids 0 to 19999; use larger blocks")
        .At(where);
  }
  if (std::chrono::system_clock::now() > block.usable_until) {
    return SessionGone("is about to expire").At(where);
  }
  TRY(Client::Call call, MakeTunnelCall(*client_, CallKind::kPutBlock, ResourceOf(target)));
  call.method = "PUT";
  call.query.emplace_back("uploadid", session_id);
  call.query.emplace_back("blockid", std::to_string(block.id));
  call.headers.emplace_back("Content-Type", "application/octet-stream");
  if (block.form == BlockForm::kArrow) call.query.emplace_back("arrow", "");
  if (block.codec != Codec::kRaw) {
    call.headers.emplace_back("Content-Encoding", ContentCoding(block.codec, block.form));
  }
  const auto encoder = MakeEncoder(block.form, source);
  CompressedUpload upload(encoder.get(), block.codec);
  call.upload = &upload;
  call.timeout_ms = 0;  // a block may take hours; one that stalls is ended all the same
  Result<HttpResponse> answer = client_->Perform(call);
  if (!answer) return std::move(answer).error().At(where);
  return BlockResult{encoder->rows(), encoder->payload_bytes(), upload.bytes()};
}

Status Tunnel::Commit(const Target& target, const std::string& session_id,
                      std::vector<int64_t> blocks) {
  Committer committer(*client_, std::move(blocks));
  while (true) {
    Result<bool> committed = committer.Step(*this, target, session_id);
    if (!committed) return std::move(committed).error().At(NameOf(target));
    if (*committed) return OkStatus();
  }
}

}  // namespace mms::maxcompute
