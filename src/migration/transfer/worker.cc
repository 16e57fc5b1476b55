// The worker process: reads job.h lines on stdin, does up to `threads` of them side by side,
// answers on stdout. It ends when stdin closes.
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include <arrow/compute/initialize.h>

#include "base/http_client.h"
#include "base/retry.h"
#include "clients/maxcompute/tunnel.h"
#include "migration/inspect/inspect.h"
#include "migration/transfer/send_speed.h"
#include "migration/transfer/split_source.h"
#include "migration/transfer/worker_pool.h"

namespace mms::migration {
namespace {

using maxcompute::BlockForm;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr auto kProgressPause = std::chrono::milliseconds(100);

/// A table this worker has been told of. The storage and the Delta log are opened when first
/// needed.
struct Table {
  TablePlan plan;
  std::mutex mutex;
  std::shared_ptr<azure::Storage> storage;
  std::unique_ptr<delta::Table> log;  // only for deletion vectors; one thread at a time
  /// Of `log`: taken by the job for which it is read.
  ByteCount log_read = MakeByteCount();
};

/// Reads of a table for one job.
struct Reading {
  Table& table;
  const ByteCount read;  ///< not yet told
  const std::shared_ptr<azure::Storage> storage;

  explicit Reading(Table& of)
      : table(of),
        read(MakeByteCount()),
        storage(of.storage ? of.storage->Counted(read) : nullptr) {}

  /// Otherwise what was read is told by the slices: of a folder.
  bool counts() const { return table.plan.sql || (storage && !storage->local()); }
};

class Worker {
 public:
  Status Run();

 private:
  Status Greet(const json& hello);
  Status Take(const json& message);
  void Do(const std::function<Result<JobResult>()>& work, int64_t number);
  void Enqueue(std::function<void()> work);
  void Serve();
  Result<JobResult> Copy(const CopyJob& job);
  Result<JobResult> CopyOnce(const CopyJob& job, const Reading& reading, bool record_form);
  Result<JobResult> Measure(const CopyJob& job);
  Result<JobResult> ReadBack(const ReadBackJob& job);
  Result<std::shared_ptr<Table>> FindTable(const std::string& key);
  Status OpenStorage(Table* table);
  ReadContext ContextOf(const Reading& reading);
  Result<std::vector<uint64_t>> ReadDeletionVector(const Reading& reading,
                                                   const delta::DeletionVector& vector);
  void TellRead(int64_t job, const Reading& reading);
  void Say(const json& event);

  Hello hello_;
  std::shared_ptr<HttpClient> http_;  ///< to the source
  std::unique_ptr<StorageAccess> storages_;
  std::unique_ptr<SqlAccess> sql_;
  std::shared_ptr<HttpClient> target_http_;
  std::unique_ptr<maxcompute::Client> client_;
  std::unique_ptr<maxcompute::Tunnel> tunnel_;
  std::mutex tables_mutex_;
  std::map<std::string, std::shared_ptr<Table>> tables_;
  std::mutex output_mutex_;
  std::mutex queue_mutex_;
  std::condition_variable queue_changed_;
  std::deque<std::function<void()>> queue_;
  bool closing_ = false;
  size_t idle_ = 0;
  std::vector<std::thread> threads_;
};

void Worker::Say(const json& event) {
  const std::string line = event.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  std::lock_guard lock(output_mutex_);
  size_t at = 0;
  while (at < line.size()) {
    const ssize_t count = write(STDOUT_FILENO, line.data() + at, line.size() - at);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) _exit(0);  // nobody listens any more: what we do is of no use
    at += static_cast<size_t>(count);
  }
}

Status Worker::Greet(const json& hello) {
  TRY(hello_, HelloFromJson(hello));
  http_ = std::make_shared<HttpClient>(hello_.source_http);
  storages_ = std::make_unique<StorageAccess>(hello_.source, http_);
  sql_ = std::make_unique<SqlAccess>(hello_.sql, http_);
  target_http_ = std::make_shared<HttpClient>(hello_.target_http);
  client_ = std::make_unique<maxcompute::Client>(hello_.target, target_http_);
  tunnel_ = std::make_unique<maxcompute::Tunnel>(client_.get());
  Say({{"ready", true}});
  return OkStatus();
}

Status Worker::Take(const json& message) {
  if (message.contains("table")) {
    auto table = std::make_shared<Table>();
    TRY(table->plan, TablePlanFromJson(message["table"].value("plan", json())));
    std::lock_guard lock(tables_mutex_);
    tables_[message["table"].value("key", "")] = std::move(table);
  } else if (message.contains("forget")) {
    std::lock_guard lock(tables_mutex_);
    tables_.erase(message["forget"].is_string() ? message["forget"].get<std::string>() : "");
  } else if (message.contains("copy")) {
    TRY(CopyJob job, CopyJobFromJson(message["copy"]));
    Enqueue([this, job] { Do([&] { return Copy(job); }, job.job); });
  } else if (message.contains("measure")) {
    TRY(CopyJob job, CopyJobFromJson(message["measure"]));
    Enqueue([this, job] { Do([&] { return Measure(job); }, job.job); });
  } else if (message.contains("read_back")) {
    TRY(ReadBackJob job, ReadBackJobFromJson(message["read_back"]));
    Enqueue([this, job] { Do([&] { return ReadBack(job); }, job.job); });
  } else {
    return Error(ErrorKind::kCorrupt, "JOB_INVALID", "a message of an unknown kind");
  }
  return OkStatus();
}

void Worker::Do(const std::function<Result<JobResult>()>& work, int64_t number) {
  Result<JobResult> result = work();
  if (result) {
    Say({{"done", ToJson(*result)}});
  } else {
    Say({{"failed", {{"job", number}, {"error", ToJson(result.error())}}}});
  }
}

/// Threads are started as jobs need them: a worker with one large job has one.
void Worker::Enqueue(std::function<void()> work) {
  std::lock_guard lock(queue_mutex_);
  queue_.push_back(std::move(work));
  if (idle_ < queue_.size() && threads_.size() < static_cast<size_t>(hello_.threads)) {
    threads_.emplace_back([this] { Serve(); });
  }
  queue_changed_.notify_one();
}

void Worker::Serve() {
  std::unique_lock lock(queue_mutex_);
  for (;;) {
    ++idle_;
    queue_changed_.wait(lock, [this] { return closing_ || !queue_.empty(); });
    --idle_;
    if (queue_.empty()) return;
    auto work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    work();
    lock.lock();
  }
}

Result<std::shared_ptr<Table>> Worker::FindTable(const std::string& key) {
  std::lock_guard lock(tables_mutex_);
  const auto at = tables_.find(key);
  if (at != tables_.end()) return at->second;
  return Error(ErrorKind::kInternal, "JOB_INVALID",
               "a job of table " + key + ", which is not known here");
}

Status Worker::OpenStorage(Table* table) {
  std::lock_guard lock(table->mutex);
  if (table->storage || table->plan.sql) return OkStatus();
  TRY(table->storage, storages_->Open(table->plan.location, table->plan.source_name, ""));
  return OkStatus();
}

Result<std::vector<uint64_t>> Worker::ReadDeletionVector(const Reading& reading,
                                                         const delta::DeletionVector& vector) {
  Table& table = reading.table;
  if (vector.storage_type == "p") {
    return ReadAbsoluteVector(reading.storage, table.plan.location, vector);
  }
  std::lock_guard lock(table.mutex);
  const auto read = [&]() -> Result<std::vector<uint64_t>> {
    if (!table.log) {
      const auto storage = table.storage->Counted(table.log_read);
      TRY(table.log, OpenLog(storage, table.plan.location, table.plan.version));
    }
    return table.log->ReadDeletionVector(vector);
  };
  auto rows = read();
  *reading.read += table.log_read->exchange(0);
  return rows;
}

/// What was read ahead may arrive after its block is done.
void Worker::TellRead(int64_t job, const Reading& reading) {
  const int64_t read = reading.read->exchange(0);
  if (read > 0) Say({{"progress", {{"job", job}, {"read", read}}}});
}

/// Adds up what a source reports and tells it now and then; takes it all back when the block is
/// sent anew, but for what was read of its storage.
class Reporter {
 public:
  Reporter(int64_t job, ByteCount read, std::function<void(const json&)> say)
      : job_(job), read_(std::move(read)), say_(std::move(say)) {}
  void Add(int64_t rows, int64_t bytes) {
    rows_ += rows;
    bytes_ += bytes;
    if (Clock::now() - last_ >= kProgressPause) Flush();
  }
  void Flush() {
    const int64_t read = read_->exchange(0);
    if (rows_ == 0 && bytes_ == 0 && read == 0) return;
    say_({{"progress", {{"job", job_}, {"rows", rows_}, {"bytes", bytes_}, {"read", read}}}});
    rows_told_ += rows_;
    bytes_told_ += bytes_;
    rows_ = bytes_ = 0;
    last_ = Clock::now();
  }
  void TakeBack() {
    rows_ = -rows_told_;
    bytes_ = -bytes_told_;
    Flush();
  }

 private:
  int64_t job_;
  ByteCount read_;
  std::function<void(const json&)> say_;
  Clock::time_point last_ = Clock::now();
  int64_t rows_ = 0, bytes_ = 0, rows_told_ = 0, bytes_told_ = 0;
};

ReadContext Worker::ContextOf(const Reading& reading) {
  ReadContext context;
  context.plan = &reading.table.plan;
  context.storage = reading.storage.get();
  context.sql = sql_.get();
  context.sql_read = reading.read;
  context.batch_bytes = hello_.batch_bytes;
  context.read_deletion_vector = [this, &reading](const delta::DeletionVector& vector) {
    return ReadDeletionVector(reading, vector);
  };
  return context;
}

Result<JobResult> Worker::CopyOnce(const CopyJob& job, const Reading& reading, bool record_form) {
  const ReadContext context = ContextOf(reading);
  Reporter reporter(job.job, reading.read, [this](const json& event) { Say(event); });
  int64_t of_slices = 0;
  SplitSource source(context, job.split,
                     {.checksum = hello_.checksum,
                      .record_form = record_form,
                      .on_progress = [&](int64_t rows, int64_t bytes) {
                        of_slices += bytes;
                        if (!reading.counts()) *reading.read += bytes;
                        reporter.Add(rows, bytes);
                      }});
  maxcompute::BlockWriter::Block about;
  about.id = job.split.block_id;
  about.form = record_form ? BlockForm::kRecord : BlockForm::kArrow;
  about.codec = job.codec;
  if (job.usable_until_ms) {
    const std::chrono::milliseconds until(*job.usable_until_ms);
    about.usable_until = std::chrono::system_clock::time_point(until);
  }
  auto block = tunnel_->PutBlock({job.target_table, job.partition}, job.session_id, about, source);
  if (!block) {
    reporter.TakeBack();
    return std::move(block).error();
  }
  if (!reading.counts()) *reading.read += job.split.bytes - of_slices;
  reporter.Flush();
  if (block->rows != source.rows()) {
    return Error(ErrorKind::kCorrupt, "ROWS_DIFFER",
                 std::to_string(source.rows()) + " rows read and " + std::to_string(block->rows) +
                     " sent in block " + std::to_string(job.split.block_id));
  }
  JobResult result;
  result.job = job.job;
  result.rows = block->rows;
  result.rows_deleted = source.rows_deleted();
  result.source_bytes = job.split.bytes;
  result.arrow_bytes = block->arrow_bytes;
  result.wire_bytes = block->wire_bytes;
  result.checksum = source.checksum();
  result.changes = source.changes();
  return result;
}

Result<JobResult> Worker::Copy(const CopyJob& job) {
  TRY(auto table, FindTable(job.table_key));
  TRY_VOID(OpenStorage(table.get()));
  // A block sent again replaces itself, so repeating is safe; each attempt reads the rows anew.
  const Reading reading(*table);
  bool record_form = false;
  auto copied = Retry(RetryPolicy{}, [&]() -> Result<JobResult> {
    auto result = CopyOnce(job, reading, record_form);
    const bool far = !result && result.error().code() == "VALUE_TIMESTAMP_RANGE";
    const auto policy = table->plan.values.on_timestamp_range;
    if (!far || record_form || policy != FarTimestamp::kRecord) return result;
    record_form = true;
    return CopyOnce(job, reading, record_form);
  });
  TellRead(job.job, reading);
  return copied;
}

Result<JobResult> Worker::Measure(const CopyJob& job) {
  TRY(auto table, FindTable(job.table_key));
  TRY_VOID(OpenStorage(table.get()));
  const Reading reading(*table);
  const ReadContext context = ContextOf(reading);
  SplitSource source(context, job.split, {.checksum = false, .on_progress = {}});
  MeasureOptions options;
  options.send = [&](maxcompute::Codec codec, maxcompute::BatchSource& rows) {
    return tunnel_->PutBlock({job.target_table, job.partition}, job.session_id,
                             {job.split.block_id, BlockForm::kArrow, codec}, rows);
  };
  JobResult result;
  result.job = job.job;
  auto speeds = MeasureSending(source, options);
  TellRead(job.job, reading);
  if (!speeds) return std::move(speeds).error();
  result.send_speeds = *std::move(speeds);
  return result;
}

Result<JobResult> Worker::ReadBack(const ReadBackJob& job) {
  TRY(auto table, FindTable(job.table_key));
  JobResult result;
  result.job = job.job;
  maxcompute::DownloadSession session;
  session.id = job.session_id;
  session.schema = table->plan.TargetSchema();
  const BlockForm form = job.record_form ? BlockForm::kRecord : BlockForm::kArrow;
  const maxcompute::Tunnel::Range range{job.start, job.count, form, job.codec};
  if (!job.instance_id.empty()) {
    std::vector<maxcompute::Column> columns = std::move(session.schema.partition_columns);
    const size_t levels = columns.size();
    for (maxcompute::Column& column : columns) column.type = {};  // STRING
    for (maxcompute::Column& column : session.schema.columns) columns.push_back(std::move(column));
    session.schema = {std::move(columns), {}};
    PartitionHasher hasher(levels, job.row_columns);
    TRY_VOID(tunnel_->ReadInstance(job.instance_id, session, range,
                                   [&](std::shared_ptr<arrow::RecordBatch> batch) -> Status {
                                     result.rows += batch->num_rows();
                                     return hasher.Update(*batch);
                                   }));
    result.partitions = hasher.checksums();
    return result;
  }
  Hasher hasher(job.row_columns);
  TRY_VOID(tunnel_->Read({table->plan.target_table, job.partition}, session, range,
                         [&](std::shared_ptr<arrow::RecordBatch> batch) -> Status {
                           result.rows += batch->num_rows();
                           return hasher.Update(*batch);
                         }));
  result.checksum = hasher.checksum();
  return result;
}

Status Worker::Run() {
  if (const arrow::Status ready = arrow::compute::Initialize(); !ready.ok()) {
    return Error(ErrorKind::kInternal, "ARROW", ready.ToString());
  }
  std::ios::sync_with_stdio(false);
  std::string line;
  Status status = OkStatus();
  while (status && std::getline(std::cin, line)) {
    const json message = json::parse(line, nullptr, false);
    if (message.is_object() && message.contains("hello")) {
      status = Greet(message["hello"]);
    } else if (message.is_object() && client_) {
      status = Take(message);
    } else {
      status = Error(ErrorKind::kCorrupt, "JOB_INVALID",
                     "a line that is not a message, or before hello");
    }
  }
  {
    std::lock_guard lock(queue_mutex_);
    closing_ = true;
    queue_.clear();  // stdin closed: the server is gone or done, nobody waits for the rest
  }
  for (const auto& http : {http_, target_http_}) http ? http->Cancel() : void();
  queue_changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  return status;
}

}  // namespace

Status RunWorker() { return Worker().Run(); }

}  // namespace mms::migration
