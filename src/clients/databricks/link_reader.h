// Downloads the files behind a result's links, some side by side, and hands their rows on in order.
// A file is read whole and checked before a row of it is handed on.
//
// Threads: downloads run on threads of the reader's own; its methods are one thread's. The bytes of
// files on their way or waiting to be taken stay within a budget (a single larger file is let
// through alone). The destructor ends running downloads.
//
// Source: databricks-sql-connector 4.9 and databricks-jdbc (2025): links are signed addresses of a
// storage service, which refuses a request that also carries an Authorization; only the link's own
// headers are sent. bytesNum is the size before compression. A link has an end, after which it is
// asked for again by its first row.
#pragma once

#include <arrow/type_fwd.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/byte_count.h"
#include "base/http_client.h"
#include "base/result.h"
#include "base/retry.h"

namespace mms::databricks {

struct ResultLink {
  std::string url;        ///< signed: as good as a secret
  int64_t expiry_ms = 0;  ///< Unix time; 0 = not said
  int64_t start_row = 0;
  int64_t rows = 0;
  int64_t bytes = 0;
  std::map<std::string, std::string> headers;
};

using RecordBatches = std::vector<std::shared_ptr<arrow::RecordBatch>>;

class LinkReader {
 public:
  struct Options {
    int downloads_max = 4;
    int64_t bytes_max = 64 << 20;
    bool lz4 = false;
    RetryPolicy retry;
    std::stop_token stop;  ///< ends downloads as kCancelled
    ByteCount read = {};   ///< what the storage sends is added to it, as it came
  };

  LinkReader(std::shared_ptr<HttpClient> http, std::shared_ptr<arrow::Schema> sent,
             Options options);
  ~LinkReader();
  LinkReader(const LinkReader&) = delete;
  LinkReader& operator=(const LinkReader&) = delete;

  /// Links in the order of their rows. `fresh`: just asked for again, so that an end in the past is
  /// a matter of clocks that differ.
  void Add(std::vector<ResultLink> links, bool fresh);
  /// Links added and not yet taken.
  size_t waiting() const;

  struct Taken {
    int64_t start_row = 0;
    RecordBatches batches;
    /// The link is past its end or refused: nothing of it was read; ask for it again.
    std::optional<Error> stale;
  };
  /// The rows of the next link; blocks until they are there. Errors: kCorrupt SQL_ARROW_BYTES,
  /// SQL_ROWS_DIFFER; kUnavailable SQL_LINK_UNREACHABLE; kInvalidInput SQL_LINK_REFUSED;
  /// kCancelled.
  Result<Taken> Take();
  /// Forgets every link that is not yet taken.
  void Clear();

 private:
  struct Download;
  void Work();
  std::shared_ptr<Download> NextToStart();
  void Run(Download& download);
  Result<RecordBatches> Fetch(const ResultLink& link);
  Result<RecordBatches> FetchOnce(const ResultLink& link);
  Result<std::string> FetchBytes(const ResultLink& link);

  const std::shared_ptr<HttpClient> http_;
  const std::shared_ptr<arrow::Schema> sent_;
  Options options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Download>> downloads_;  // guarded by mutex_, as all below
  int64_t bytes_held_ = 0;
  bool stopping_ = false;
  std::stop_source stop_;  // of all downloads
  std::optional<std::stop_callback<std::function<void()>>> on_stop_;
  std::vector<std::thread> threads_;
};

}  // namespace mms::databricks
