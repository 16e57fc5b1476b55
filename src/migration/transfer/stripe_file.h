// A file whose parts are asked for in pieces much smaller than one request should be, such as the
// stripes of ORC: a range is fetched as a whole, and what lies in it is given out of memory. One
// thread reads.
#pragma once

#include <arrow/io/interfaces.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <utility>

namespace mms::migration {

class StripeFile : public arrow::io::RandomAccessFile {
 public:
  explicit StripeFile(std::shared_ptr<arrow::io::RandomAccessFile> file) : file_(std::move(file)) {}

  /// Takes the place of the range fetched before. Some requests run at once.
  arrow::Status Fetch(int64_t start, int64_t length);
  /// Of the first read that failed, which a reader in between may have turned into a text.
  const arrow::Status& failure() const { return failure_; }

  arrow::Result<int64_t> ReadAt(int64_t position, int64_t nbytes, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(int64_t position, int64_t nbytes) override;
  arrow::Result<int64_t> GetSize() override { return file_->GetSize(); }
  arrow::Result<int64_t> Read(int64_t nbytes, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t nbytes) override;
  arrow::Result<int64_t> Tell() const override { return position_; }
  arrow::Status Seek(int64_t position) override;
  arrow::Status Close() override { return file_->Close(); }
  bool closed() const override { return file_->closed(); }

 private:
  const std::shared_ptr<arrow::io::RandomAccessFile> file_;
  std::shared_ptr<arrow::Buffer> fetched_;
  int64_t start_ = 0;  ///< of fetched_
  int64_t position_ = 0;
  arrow::Status failure_;
};

}  // namespace mms::migration
