// The bytes of a text file one after another, decompressed where the file's ending says that it is
// compressed; the next chunk is fetched while one is worked on. Memory: two chunks. One thread.
//
// Source: Hadoop's CompressionCodecFactory, which tells the codec by the ending alone. Its .snappy
// and .lz4 are framings of its own, which Arrow does not stream.
#pragma once

#include <arrow/buffer.h>
#include <arrow/io/type_fwd.h>
#include <arrow/result.h>
#include <arrow/type_fwd.h>
#include <arrow/util/type_fwd.h>

#include <cstdint>
#include <future>
#include <memory>
#include <string>

#include "base/result.h"
#include "migration/plan/plan.h"
#include "migration/transfer/slice_reader.h"

namespace mms::migration {

class TextInput {
 public:
  /// From byte `start` of the file on; 0 for a compressed one. Errors: those of Storage::OpenFile
  /// and TextCodecOf.
  static Result<std::unique_ptr<TextInput>> Open(const ReadContext& context, const FileSlice& slice,
                                                 int64_t start);
  ~TextInput();

  /// Appends what comes next to `text`. False = nothing came: the end.
  Result<bool> Next(std::string* text);

  const std::string& file() const { return file_; }           ///< for messages
  int64_t stored_bytes_read() const { return stored_read_; }  ///< of the file as it is stored

 private:
  TextInput() = default;
  void Fetch();

  std::string file_;
  std::shared_ptr<arrow::io::RandomAccessFile> raw_;
  std::shared_ptr<arrow::util::Codec> codec_;  ///< of stream_
  std::shared_ptr<arrow::io::InputStream> stream_;
  std::future<arrow::Result<std::shared_ptr<arrow::Buffer>>> ahead_;
  int64_t start_ = 0;
  int64_t stored_read_ = 0;
};

}  // namespace mms::migration
