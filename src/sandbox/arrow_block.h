// Arrow blocks of the tunnel: record-batch messages in a chunk frame (frame.h), without schema
// message, dictionaries, body compression or end marker; the schema is the table's. As PyODPS 0.13
// and odps-sdk-core 0.52 write and read them. Errors: kCorrupt MalformedDataStream; kInvalidInput
// InvalidArgument (values the table cannot hold).
#pragma once

#include <arrow/record_batch.h>

#include <memory>

#include "base/http_server.h"
#include "sandbox/parquet_file.h"
#include "sandbox/table.h"

namespace mms::sandbox {

/// Reads a whole block and hands its batches on, each one checked: layout, offsets, UTF-8, decimal
/// precision, cell size, NOT NULL. Succeeds only after the last checksum was right.
Status ReadArrowBlock(ByteSource* body, const Table& table, const BatchVisitor& visit);

/// Writes batches as a block. Begin with the constructor, end with Finish.
class ArrowBlockWriter {
 public:
  explicit ArrowBlockWriter(ByteSink* sink);
  ~ArrowBlockWriter();
  Status Write(const arrow::RecordBatch& batch);
  Status Finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// The value checks of ReadArrowBlock, for batches from elsewhere.
Status CheckBatch(const arrow::RecordBatch& batch, const Table& table);

}  // namespace mms::sandbox
