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

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "clients/maxcompute/block.h"
#include "clients/maxcompute/block_writer.h"
#include "clients/maxcompute/client.h"
#include "clients/maxcompute/codec.h"

namespace mms::maxcompute {

struct DownloadSession {
  std::string id;
  int64_t rows = 0;
  TableSchema schema;
};

class Tunnel final : public BlockWriter {
 public:
  /// `client` outlives the Tunnel.
  explicit Tunnel(Client* client);
  Client& client() const { return *client_; }

  Result<UploadSession> CreateUpload(const Target& target, const UploadOptions& options) override;
  Result<UploadSession> FetchUpload(const Target& target, const std::string& session_id) override;

  Result<BlockResult> PutBlock(const Target& target, const std::string& session_id,
                               const Block& block, BatchSource& source) override;
  Status Commit(const Target& target, const std::string& session_id,
                std::vector<int64_t> blocks) override;

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
