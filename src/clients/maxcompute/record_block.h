// Tunnel's record block: rows as tagged values, each under a checksum of its own.
//
//   block  := record* META_COUNT META_CHECKSUM
//   record := (tag(column + 1) value)* END_RECORD(CRC-32C), NULL columns left out
//   tag    := varint(field number << 3 | wire type)
//
// It looks like protobuf and is not: timestamps, arrays, maps and structs carry no length, so it
// reads by the schema only. A record's sum covers LE32(column + 1) and the canonical bytes of each
// value; META_CHECKSUM is the sum over the records' sums, META_COUNT their number.
//
// Source: blocks that PyODPS 0.13 and odps-sdk-core 0.52 send and accept, compared byte by byte.
// They differ in one thing: PyODPS writes a sum with its highest bit set as ten bytes of varint,
// sign-extended, Java as five. Five are written here, both are read.
// Threads: one at a time per object.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "clients/maxcompute/block.h"

namespace mms::maxcompute {

class RecordReader;

/// Keeps one batch of the source, and the bytes of as many of its rows as make 64 KiB (or of one
/// longer row). Errors of Read: those of the source; kInternal TUNNEL_BATCH_TYPE.
class RecordEncoder : public BlockEncoder {
 public:
  explicit RecordEncoder(BatchSource* source);
  ~RecordEncoder() override;

  Result<size_t> Read(std::span<char> buffer) override;

  int64_t rows() const override { return rows_; }
  int64_t payload_bytes() const override { return payload_bytes_; }

 private:
  class Row;
  Status Refill();
  Status LoadBatch();
  void EndBlock();

  BatchSource* source_;
  std::unique_ptr<Row> row_;  ///< writes rows of the current batch
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::RecordBatch> batch_;
  int64_t next_row_ = 0;  ///< of batch_
  std::string bytes_;     ///< written, not yet handed out
  size_t handed_ = 0;
  uint32_t block_crc_ = 0;
  int64_t rows_ = 0;
  int64_t payload_bytes_ = 0;
  bool ended_ = false;
};

/// Gives out batches of ToArrow(columns, kRecord), each row only when its checksum was right. Keeps
/// the batch being filled and one record's bytes. Errors: kCorrupt TUNNEL_CHECKSUM,
/// TUNNEL_TRUNCATED, TUNNEL_MALFORMED, TUNNEL_ROWS_DIFFER (the count at the end); kUnsupported
/// TUNNEL_TIMESTAMP_PRECISION; those of `visit`.
class RecordDecoder : public BlockDecoder {
 public:
  /// `columns` are those that were asked for, in that order.
  RecordDecoder(const std::vector<Column>& columns, Visit visit);
  ~RecordDecoder() override;

  Status Write(std::string_view bytes) override;
  Status Finish() override;

 private:
  class Rows;
  /// Takes what is whole off the front of bytes_.
  Status TakeWhole();
  /// One record or part of the footer. False = not all of it is there.
  Result<bool> TakeItem(RecordReader& reader);
  Result<bool> TakeFooter(RecordReader& reader);

  std::unique_ptr<Rows> rows_;
  std::string bytes_;
  size_t look_again_ = 0;  ///< bytes_ ended inside an item when it was shorter than this
  uint32_t block_crc_ = 0;
  int64_t count_ = 0;
  bool counted_ = false;  ///< META_COUNT was read
  bool ended_ = false;    ///< META_CHECKSUM was read
};

}  // namespace mms::maxcompute
