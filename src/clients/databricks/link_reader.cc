#include "clients/databricks/link_reader.h"

#include <arrow/record_batch.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "base/secret.h"
#include "clients/databricks/arrow_rows.h"

namespace mms::databricks {
namespace {

constexpr int64_t kExpiryMarginMs = 30'000;
constexpr size_t kFileMaxBytes = size_t{1} << 30;
constexpr int kReadsMax = 3;  // of a file that came broken
constexpr long kStallTimeoutS = 30;

int64_t NowMs() {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return duration_cast<milliseconds>(now).count();
}

/// Statuses of a signed address that is past its end, was withdrawn, or whose file is gone.
bool IsStale(int status) {
  return status == 401 || status == 403 || status == 404 || status == 410;
}

constexpr char kRefused[] = "SQL_LINK_REFUSED";

Error Stale(const std::string& why) {
  return Error(ErrorKind::kDenied, kRefused,
               fmt::format("the storage does not give the rows behind a link ({}), and asking the "
                           "SQL server for new links did not help; set EnableQueryResultDownload=0 "
                           "to get the rows through the SQL server",
                           why));
}

Error Refused(const HttpResponse& response) {
  const std::string told = fmt::format("HTTP status {}", response.status);
  if (IsStale(response.status)) return Stale(told).HttpStatus(response.status);
  if (response.status == 429 || response.status == 503) {
    return Error(ErrorKind::kThrottled, "SQL_LINK_UNREACHABLE",
                 "the storage with the result's rows asks for fewer requests (" + told + ")")
        .HttpStatus(response.status)
        .RetryAfter(response.RetryAfterMs());
  }
  if (response.status >= 500 || response.status == 408) {
    return Error(ErrorKind::kUnavailable, "SQL_LINK_UNREACHABLE",
                 "the storage with the result's rows cannot answer now (" + told + ")")
        .HttpStatus(response.status);
  }
  return Error(ErrorKind::kInvalidInput, kRefused,
               "the storage does not take the request for the rows behind a link (" + told + ")")
      .HttpStatus(response.status);
}

}  // namespace

struct LinkReader::Download {
  ResultLink link;
  bool fresh = false;
  bool started = false;
  bool abandoned = false;
  std::optional<Result<RecordBatches>> rows;

  int64_t bytes() const { return std::max<int64_t>(link.bytes, 1); }
};

LinkReader::LinkReader(std::shared_ptr<HttpClient> http, std::shared_ptr<arrow::Schema> sent,
                       Options options)
    : http_(std::move(http)), sent_(std::move(sent)), options_(std::move(options)) {
  options_.retry.cancelled = [this, by_caller = std::move(options_.retry.cancelled)] {
    return stop_.stop_requested() || (by_caller && by_caller());
  };
  on_stop_.emplace(options_.stop, [this] { stop_.request_stop(); });
}

LinkReader::~LinkReader() {
  on_stop_.reset();
  stop_.request_stop();
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void LinkReader::Add(std::vector<ResultLink> links, bool fresh) {
  std::lock_guard lock(mutex_);
  for (ResultLink& link : links) {
    auto download = std::make_shared<Download>();
    download->link = std::move(link);
    download->fresh = fresh;
    downloads_.push_back(std::move(download));
  }
  const size_t wanted = std::min(downloads_.size(), static_cast<size_t>(options_.downloads_max));
  while (threads_.size() < wanted) threads_.emplace_back([this] { Work(); });
  changed_.notify_all();
}

size_t LinkReader::waiting() const {
  std::lock_guard lock(mutex_);
  return downloads_.size();
}

/// The first link not yet begun, if its bytes are within the budget; mutex_ is held.
std::shared_ptr<LinkReader::Download> LinkReader::NextToStart() {
  const auto next = std::find_if(downloads_.begin(), downloads_.end(),
                                 [](const auto& download) { return !download->started; });
  if (next == downloads_.end()) return nullptr;
  const bool fits = bytes_held_ == 0 || bytes_held_ + (*next)->bytes() <= options_.bytes_max;
  return fits ? *next : nullptr;
}

void LinkReader::Work() {
  while (true) {
    std::shared_ptr<Download> download;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stopping_ || (download = NextToStart()) != nullptr; });
      if (stopping_) return;
      download->started = true;
      bytes_held_ += download->bytes();
    }
    Run(*download);
  }
}

void LinkReader::Run(Download& download) {
  const int64_t end_ms = download.link.expiry_ms;
  const bool ended = !download.fresh && end_ms > 0 && end_ms - kExpiryMarginMs <= NowMs();
  Result<RecordBatches> rows = ended ? Stale("it is past its end") : Fetch(download.link);
  std::lock_guard lock(mutex_);
  if (download.abandoned) {
    bytes_held_ -= download.bytes();
  } else {
    download.rows = std::move(rows);
  }
  changed_.notify_all();
}

Result<LinkReader::Taken> LinkReader::Take() {
  std::unique_lock lock(mutex_);
  CHECK(!downloads_.empty());
  const std::shared_ptr<Download> head = downloads_.front();
  changed_.wait(lock, [&] { return head->rows.has_value(); });
  downloads_.pop_front();
  bytes_held_ -= head->bytes();
  changed_.notify_all();
  Result<RecordBatches>& rows = *head->rows;
  if (rows) return Taken{head->link.start_row, std::move(*rows), {}};
  const bool stale = rows.error().kind() == ErrorKind::kDenied && rows.error().code() == kRefused;
  if (!stale) return std::move(rows).error();
  return Taken{head->link.start_row, {}, std::move(rows).error()};
}

void LinkReader::Clear() {
  std::lock_guard lock(mutex_);
  for (const auto& download : downloads_) {
    const bool running = download->started && !download->rows;
    if (download->rows) bytes_held_ -= download->bytes();
    download->abandoned = running;
  }
  downloads_.clear();
  changed_.notify_all();
}

Result<RecordBatches> LinkReader::FetchOnce(const ResultLink& link) {
  TRY(std::string bytes, Retry(options_.retry, [&] { return FetchBytes(link); }));
  return ReadArrowStream(std::move(bytes), *sent_, link.rows);
}

/// Bytes can be broken on the way: such a file is fetched again.
Result<RecordBatches> LinkReader::Fetch(const ResultLink& link) {
  for (int read = 1;; ++read) {
    Result<RecordBatches> rows = FetchOnce(link);
    const bool broken = !rows && rows.error().kind() == ErrorKind::kCorrupt;
    if (!broken || read == kReadsMax) return rows;
  }
}

Result<std::string> LinkReader::FetchBytes(const ResultLink& link) {
  TRY(const std::unique_ptr<Lz4Frames> frames, Lz4Frames::Make());
  std::string out;
  if (link.bytes > 0) {
    out.reserve(std::min(static_cast<size_t>(link.bytes), static_cast<size_t>(options_.bytes_max)));
  }
  HttpRequest request;
  request.url = link.url;
  request.headers.assign(link.headers.begin(), link.headers.end());
  request.timeout_ms = 0;
  request.stall_timeout_s = kStallTimeoutS;
  request.stop = stop_.get_token();
  request.on_body = [&](std::string_view bytes) -> Status {
    if (options_.read) *options_.read += static_cast<int64_t>(bytes.size());
    if (options_.retry.cancelled()) {
      return Error(ErrorKind::kCancelled, "CANCELLED", "stopped on request");
    }
    if (options_.lz4) return frames->Open(bytes, kFileMaxBytes, out);
    if (out.size() + bytes.size() > kFileMaxBytes) {
      return Error(ErrorKind::kLimitReached, "SQL_ARROW_TOO_LARGE",
                   "the rows behind a link are larger than 1 GiB");
    }
    out.append(bytes);
    return OkStatus();
  };
  Result<HttpResponse> response = http_->Send(request);
  if (!response) {
    Error error = std::move(response).error();
    if (error.kind() != ErrorKind::kUnavailable) return error;
    return Error(ErrorKind::kUnavailable, "SQL_LINK_UNREACHABLE",
                 fmt::format("the storage with the result's rows does not answer ({}); let it "
                             "through the firewall, or set EnableQueryResultDownload=0",
                             error.message()));
  }
  if (!response->ok()) {
    if (options_.read) *options_.read += static_cast<int64_t>(response->body.size());
    return Refused(*response);
  }
  if (options_.lz4) TRY_VOID(frames->Finish());
  return out;
}

}  // namespace mms::databricks
