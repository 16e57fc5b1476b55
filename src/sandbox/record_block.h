// Record blocks of the tunnel: rows as protobuf-like tags and values, read by schema (a generic
// decoder cannot: nested and timestamp values carry no length), a CRC-32C per record, and a footer
// with the record count and a CRC of the CRCs. As PyODPS 0.13 and odps-sdk-core 0.52 write and read
// them:
//
//   stream := record* META_COUNT(zigzag count) META_CHECKSUM(varint crc)
//   record := (tag(column + 1) value)* END_RECORD(varint crc)      NULL columns are left out
//
// PyODPS writes checksums sign-extended to 64 bits, so a reader takes ten bytes and keeps 32 bits.
// Errors: kCorrupt MalformedDataStream; kInvalidInput InvalidArgument (values the table cannot
// hold).
#pragma once

#include <arrow/record_batch.h>

#include <memory>
#include <string>
#include <vector>

#include "base/http_server.h"
#include "sandbox/parquet_file.h"
#include "sandbox/table.h"

namespace mms::sandbox {

/// Reads a whole block and hands its rows on in batches of bounded size. A batch with timestamps
/// that nanoseconds cannot hold has them in microseconds. Succeeds only after the footer was right.
Status ReadRecordBlock(ByteSource* body, const Table& table, const BatchVisitor& visit);

/// Writes batches as records; `columns` says how each is encoded. End with Finish.
class RecordBlockWriter {
 public:
  RecordBlockWriter(ByteSink* sink, std::vector<Column> columns)
      : sink_(sink), columns_(std::move(columns)) {}
  Status Write(const arrow::RecordBatch& batch);
  Status Finish();

 private:
  static constexpr size_t kFlushBytes = 256 * 1024;
  Status WriteRow(const arrow::RecordBatch& batch, int64_t row);
  Status Flush();

  ByteSink* sink_;
  std::vector<Column> columns_;
  std::string out_;
  uint32_t crc_of_crcs_ = 0;
  int64_t count_ = 0;
};

}  // namespace mms::sandbox
