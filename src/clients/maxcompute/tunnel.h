// MaxCompute Tunnel: batch upload and download sessions. Thread-safe; every call blocks.
//
// A session targets one table without partitions or one last-level partition, and is all or
// nothing: blocks become visible by Commit only. With `overwrite` the commit replaces what was
// there, which makes a repeated load safe; a retry of a load is a new session. A block sent again
// under its id replaces the first sending, so a PUT may be repeated. The service commits every
// block it has, so Commit first compares its list with ours. Sessions and commits wait for their
// turn at Options::pacer. Source: PyODPS 0.13 odps/tunnel/tabletunnel.py behaviour on the wire,
// help pages for limits.
#pragma once

#include <arrow/record_batch.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "clients/maxcompute/block.h"
#include "clients/maxcompute/client.h"
#include "clients/maxcompute/codec.h"

namespace mms::maxcompute {

enum class SessionState { kNormal, kClosing, kClosed, kExpired, kCritical, kUnknown };

struct UploadSession {
  std::string id;
  SessionState state = SessionState::kUnknown;
  TableSchema schema;
  std::vector<int64_t> blocks;  ///< ids the service has, ascending
  /// An hour before the service forgets the session, by this machine's clock.
  std::chrono::system_clock::time_point usable_until;
};

struct DownloadSession {
  std::string id;
  int64_t rows = 0;
  TableSchema schema;
};

struct BlockResult {
  int64_t rows = 0;
  int64_t arrow_bytes = 0;  ///< in the block's form, before framing and compression
  int64_t wire_bytes = 0;   ///< as sent
};

class Tunnel {
 public:
  /// `client` outlives the Tunnel.
  explicit Tunnel(Client* client);
  Client& client() const { return *client_; }

  struct Target {
    std::string table;
    PartitionSpec partition;
  };

  struct UploadOptions {
    bool overwrite = true;
    bool create_partition = false;  ///< the service makes a missing partition with the session
  };

  Result<UploadSession> CreateUpload(const Target& target, const UploadOptions& options);
  /// Errors: kNotFound TUNNEL_NO_SUCH_UPLOAD.
  Result<UploadSession> FetchUpload(const Target& target, const std::string& session_id);

  struct Block {
    int64_t id = 0;  ///< 0 to 19,999
    BlockForm form = BlockForm::kArrow;
    Codec codec = Codec::kRaw;
    /// UploadSession::usable_until: past it nothing is sent (TUNNEL_SESSION_GONE), since the block
    /// would be lost with its session.
    std::chrono::system_clock::time_point usable_until =
        std::chrono::system_clock::time_point::max();
  };

  /// Sends one block. Not retried here: the caller repeats it with a fresh
  /// source.
  Result<BlockResult> PutBlock(const Target& target, const std::string& session_id,
                               const Block& block, BatchSource& source);

  /// Makes the session's rows visible. Compares the service's block list with `blocks` first
  /// (kCorrupt TUNNEL_BLOCKS_DIFFER names missing and stray ids). A lost answer is resolved by
  /// asking the session: closed = done (so also when an earlier process has committed it).
  /// kConflict TUNNEL_SESSION_GONE when it expired or is critical: redo with a new one;
  /// kUnavailable TUNNEL_COMMIT_UNKNOWN when the service still was closing it after the time
  /// allowed: call again.
  Status Commit(const Target& target, const std::string& session_id, std::vector<int64_t> blocks);

  Result<DownloadSession> CreateDownload(const Target& target);

  struct Range {
    int64_t start = 0;
    int64_t count = 0;
    BlockForm form = BlockForm::kArrow;  ///< that the service is asked for
    Codec codec = Codec::kRaw;           ///< the same; it may as well send none
  };
  /// Streams rows [start, start+count) in order through `visit`; every chunk's and the whole's
  /// checksum is checked before the batch that ends in it is handed over; a short stream is
  /// kCorrupt TUNNEL_ROWS_DIFFER. A broken connection is resumed behind the last batch handed over.
  ///
  /// Columns are as ToArrow(schema.columns), but in kRecord form TIMESTAMP and TIMESTAMP_NTZ
  /// (nested ones too) come as timestamp[us]; a value with digits below the microsecond is
  /// kUnsupported TUNNEL_TIMESTAMP_PRECISION.
  Status Read(const Target& target, const DownloadSession& session, Range range,
              const BlockDecoder::Visit& visit);

  /// A session over all rows of a SELECT that succeeded, however many. Errors: kUnsupported
  /// ODPS_UNSUPPORTED for a statement without rows.
  Result<DownloadSession> CreateInstanceDownload(const std::string& instance_id);
  /// Read, of an instance's rows.
  Status ReadInstance(const std::string& instance_id, const DownloadSession& session, Range range,
                      const BlockDecoder::Visit& visit);

 private:
  Client* client_;
};

}  // namespace mms::maxcompute
