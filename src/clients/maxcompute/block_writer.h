// How rows reach a table: begin, put blocks, commit. All or nothing: rows become visible by Commit
// alone, and what was begun and never committed leaves no trace. A load is known by its session's
// id, so that one process may begin and commit what others put.
//
// Tunnel is the one implementation; MaxCompute's Storage API, which has the same three steps, may
// become another without a change to those who load. Threads: as the implementation says.
#pragma once

#include <chrono>
#include <cstdint>
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

struct BlockResult {
  int64_t rows = 0;
  int64_t arrow_bytes = 0;  ///< in the block's form, before framing and compression
  int64_t wire_bytes = 0;   ///< as sent
};

class BlockWriter {
 public:
  virtual ~BlockWriter() = default;

  struct Target {
    std::string table;
    PartitionSpec partition;
  };

  struct UploadOptions {
    bool overwrite = true;
    bool create_partition = false;  ///< the service makes a missing partition with the session
  };

  virtual Result<UploadSession> CreateUpload(const Target& target,
                                             const UploadOptions& options) = 0;

  /// What became of a session, by which it is gone on with: its state, blocks and usable_until.
  /// Errors: kNotFound TUNNEL_NO_SUCH_UPLOAD.
  virtual Result<UploadSession> FetchUpload(const Target& target,
                                            const std::string& session_id) = 0;

  struct Block {
    int64_t id = 0;  ///< 0 to 19,999
    BlockForm form = BlockForm::kArrow;
    Codec codec = Codec::kRaw;
    /// UploadSession::usable_until: past it nothing is sent (TUNNEL_SESSION_GONE), since the block
    /// would be lost with its session.
    std::chrono::system_clock::time_point usable_until =
        std::chrono::system_clock::time_point::max();
  };

  /// Sends one block; one sent again under its id replaces the first. Not retried here: the caller
  /// repeats it with a fresh source.
  virtual Result<BlockResult> PutBlock(const Target& target, const std::string& session_id,
                                       const Block& block, BatchSource& source) = 0;

  /// Makes the session's rows visible. Compares the service's block list with `blocks` first
  /// (kCorrupt TUNNEL_BLOCKS_DIFFER names missing and stray ids). A lost answer is resolved by
  /// asking the session: closed = done (so also when an earlier process has committed it).
  /// kConflict TUNNEL_SESSION_GONE when it expired or is critical: redo with a new one;
  /// kUnavailable TUNNEL_COMMIT_UNKNOWN when the service still was closing it after the time
  /// allowed: call again.
  virtual Status Commit(const Target& target, const std::string& session_id,
                        std::vector<int64_t> blocks) = 0;
};

}  // namespace mms::maxcompute
