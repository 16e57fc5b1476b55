// One blob as an Arrow file: ranged GETs over our HTTP client, straight into the buffer that Arrow
// reads from. Each is signed for itself (account.h), so a credential that ends in mid-file does not
// end the reading. Arrow's own Azure filesystem costs the same CPU, but brings one more HTTP stack
// with proxy, trust and retry rules of its own, puts the SAS into its errors, and cannot speak to a
// host of another name without an account in the path.
//
// Threads: ReadAt from many at once (Arrow prefetches so); Read, Seek and Tell share one position.
// Errors are arrow::Status that carry ours (arrow_error.h). Reads repeat what may pass: a GET of a
// range of an immutable file can be asked any number of times.
//
// Source: Azure Blob REST "Get Blob": Range header, 206 with Content-Range, x-ms-error-code on
// errors; If-Match is answered with 412 when the blob has another ETag.
#pragma once

#include <arrow/io/interfaces.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "base/http_client.h"
#include "base/result.h"
#include "base/retry.h"
#include "clients/azure/account.h"

namespace mms::azure {

struct BlobAddress {
  std::string url;        ///< without query, percent-encoded
  std::string text;       ///< for messages
  std::string etag = {};  ///< that it must still have; "" = any
};

/// kConflict STORAGE_CHANGED: not as it was listed.
Error FileChanged(const std::string& text);

class BlobFile : public arrow::io::RandomAccessFile {
 public:
  /// No request is sent: the log or the listing knows the size. A Delta table's files never change;
  /// others' ETag is asked for with each read.
  BlobFile(std::shared_ptr<Account> account, BlobAddress address, int64_t size_bytes);

  arrow::Status Close() override;
  bool closed() const override;
  arrow::Result<int64_t> Tell() const override;
  arrow::Status Seek(int64_t position) override;
  arrow::Result<int64_t> GetSize() override;
  arrow::Result<int64_t> ReadAt(int64_t position, int64_t nbytes, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(int64_t position, int64_t nbytes) override;
  arrow::Result<int64_t> Read(int64_t nbytes, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t nbytes) override;

 private:
  Result<int64_t> Fetch(int64_t position, int64_t size_bytes, char* out);
  Status CheckAnswer(const HttpResponse& response, int64_t received_bytes,
                     int64_t wanted_bytes) const;
  arrow::Result<int64_t> Clamp(int64_t position, int64_t nbytes) const;

  const std::shared_ptr<Account> account_;
  const BlobAddress address_;
  const int64_t size_bytes_;
  mutable std::mutex mutex_;
  int64_t position_ = 0;
  bool closed_ = false;
};

}  // namespace mms::azure
