// What a Tunnel block is made of, whatever its form on the wire: record batches in, bytes out, and
// back. Threads: one at a time per object.
//
// Two forms exist (BlockForm, types.h) and may be mixed in one session, block by block:
// arrow_frame.h and record_block.h. The service gives back any rows in either form.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "base/http_client.h"
#include "base/result.h"
#include "clients/maxcompute/types.h"

namespace mms::maxcompute {

/// The rows of one block, made while they are sent.
class BatchSource {
 public:
  virtual ~BatchSource() = default;
  /// Next batch, or nullptr at the end. Columns as ToArrow(schema.columns, form); in record form
  /// timestamp[ns] will do too.
  virtual Result<std::shared_ptr<arrow::RecordBatch>> Next() = 0;
};

/// Pulls batches of a source and gives out the bytes of a block. Borrows the source.
class BlockEncoder : public HttpUpload {
 public:
  /// Rows taken from the source so far.
  virtual int64_t rows() const = 0;
  /// Bytes handed out so far, without what frames them.
  virtual int64_t payload_bytes() const = 0;
};

/// Takes the bytes of a block in pieces of any size and gives out record batches, each only when
/// its bytes stand under a checksum that was right.
class BlockDecoder {
 public:
  using Visit = std::function<Status(std::shared_ptr<arrow::RecordBatch>)>;

  virtual ~BlockDecoder() = default;
  virtual Status Write(std::string_view bytes) = 0;
  /// The bytes have ended: checks that the block has, too.
  virtual Status Finish() = 0;
};

}  // namespace mms::maxcompute
