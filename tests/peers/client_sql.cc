// Our SQL channel as a program, for tests that let real servers answer it:
//
//   client_sql URL DIALECT USER OPTIONS FILE STATEMENT
//   client_sql json EXPRESSION           the expression that gives a nested column as JSON
//
// DIALECT is databricks (bearer token) or hive (USER and password); token or password stand in
// CLIENT_SECRET. OPTIONS is "-" or a list name=value,...:
//   arrow links lz4 direct text (0 or 1), fetch_bytes bytes downloads timeout (numbers),
//   wanted=PATH (an Arrow IPC file whose schema is wanted), cancel=MS (Cancel after so long),
//   call=MS (of one call), ca=PATH (PEM), json=DIGITS (positions of columns that are JSON), catalog
//   schema (initial namespace).
// FILE receives the rows as an Arrow IPC file; "-" counts them and lets them go. The last line is
// "ROWS rows BATCHES batches PEAK kB". Errors go to stderr, exit code 1.
#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/ipc/api.h>
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "clients/databricks/nested_text.h"
#include "clients/databricks/sql_channel.h"

namespace mms::databricks {
namespace {

using Words = std::map<std::string, std::string>;

Error FromArrow(const arrow::Status& status) {
  return Error(ErrorKind::kInternal, "ARROW", status.ToString());
}

Words ParseWords(const std::string& text) {
  Words words;
  for (size_t start = 0; text != "-" && start < text.size();) {
    const size_t end = std::min(text.find(',', start), text.size());
    const std::string word = text.substr(start, end - start);
    const size_t equals = word.find('=');
    words[word.substr(0, equals)] = word.substr(equals + 1);
    start = end + 1;
  }
  return words;
}

long Number(const Words& words, const char* name, long absent) {
  const auto found = words.find(name);
  return found == words.end() ? absent : std::atol(found->second.c_str());
}

std::string Text(const Words& words, const char* name) {
  const auto found = words.find(name);
  return found == words.end() ? "" : found->second;
}

Result<StatementOptions> MakeStatementOptions(const Words& words) {
  StatementOptions options;
  options.nested_as_text = Number(words, "text", 0) != 0;
  options.timeout_s = Number(words, "timeout", 0);
  for (const char c : Text(words, "json"))
    options.json_columns.insert(static_cast<size_t>(c - '0'));
  const std::string path = Text(words, "wanted");
  if (path.empty()) return options;
  const auto input = arrow::io::ReadableFile::Open(path);
  if (!input.ok()) return FromArrow(input.status());
  const auto reader = arrow::ipc::RecordBatchFileReader::Open(*input);
  if (!reader.ok()) return FromArrow(reader.status());
  options.wanted = (*reader)->schema();
  return options;
}

/// The most memory this program had. Not getrusage: it keeps what the process had before exec.
long PeakKib() {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.starts_with("VmHWM:")) return std::atol(line.c_str() + 6);
  }
  return -1;
}

/// Where the rows go: a file, or nowhere.
class Sink {
 public:
  Status Open(const std::string& path, const std::shared_ptr<arrow::Schema>& schema) {
    if (path == "-") return OkStatus();
    const auto output = arrow::io::FileOutputStream::Open(path);
    if (!output.ok()) return FromArrow(output.status());
    const auto writer = arrow::ipc::MakeFileWriter(*output, schema);
    if (!writer.ok()) return FromArrow(writer.status());
    writer_ = *writer;
    return OkStatus();
  }
  Status Write(const arrow::RecordBatch& batch) {
    rows_ += batch.num_rows();
    ++batches_;
    if (writer_ == nullptr) return OkStatus();
    const arrow::Status written = writer_->WriteRecordBatch(batch);
    return written.ok() ? OkStatus() : Status(FromArrow(written));
  }
  Status Close() {
    fmt::print("{} rows {} batches {} kB\n", rows_, batches_, PeakKib());
    if (writer_ == nullptr) return OkStatus();
    const arrow::Status closed = writer_->Close();
    return closed.ok() ? OkStatus() : Status(FromArrow(closed));
  }

 private:
  std::shared_ptr<arrow::ipc::RecordBatchWriter> writer_;
  int64_t rows_ = 0;
  int64_t batches_ = 0;
};

Status Read(SqlChannel& channel, const std::vector<std::string>& arguments, const Words& words) {
  TRY(StatementOptions options, MakeStatementOptions(words));
  TRY(const auto rows, channel.Execute(arguments[6], std::move(options)));
  Sink sink;
  TRY_VOID(sink.Open(arguments[5], rows->schema()));
  while (true) {
    TRY(const auto batch, rows->Next());
    if (batch == nullptr) return sink.Close();
    if (!batch->schema()->Equals(rows->schema())) {
      return Error(ErrorKind::kInternal, "SCHEMA", "a batch has another schema than announced");
    }
    const arrow::Status sound = batch->ValidateFull();
    if (!sound.ok()) return FromArrow(sound);
    TRY_VOID(sink.Write(*batch));
  }
}

Status Run(const std::vector<std::string>& arguments, const std::string& secret) {
  const Words words = ParseWords(arguments[4]);
  SqlChannel::Options options;
  options.endpoint.url = arguments[1];
  options.endpoint.dialect = arguments[2] == "hive" ? SqlDialect::kHive : SqlDialect::kDatabricks;
  options.endpoint.user = arguments[3];
  options.endpoint.token = [secret](bool) -> Result<Secret> { return Secret(secret); };
  options.catalog = Text(words, "catalog");
  options.schema = Text(words, "schema");
  options.arrow = Number(words, "arrow", 1) != 0;
  options.links = Number(words, "links", 1) != 0;
  options.lz4 = Number(words, "lz4", 1) != 0;
  options.direct_results = Number(words, "direct", 1) != 0;
  options.fetch_bytes = Number(words, "fetch_bytes", options.fetch_bytes);
  options.bytes_max = Number(words, "bytes", options.bytes_max);
  options.downloads_max = static_cast<int>(Number(words, "downloads", options.downloads_max));
  options.failures.first_wait_ms = 50;
  options.call_timeout_ms = Number(words, "call", options.call_timeout_ms);
  HttpClient::Options network;
  network.ca_file = Text(words, "ca");
  const auto http = std::make_shared<HttpClient>(std::move(network));
  SqlChannel channel(std::move(options), http, http);
  std::thread canceller;
  std::atomic<bool> done{false};
  if (const long after_ms = Number(words, "cancel", 0); after_ms > 0) {
    canceller = std::thread([&channel, &done, after_ms] {
      std::this_thread::sleep_for(std::chrono::milliseconds(after_ms));
      if (!done) channel.Cancel();
    });
  }
  Status status = Read(channel, arguments, words);
  done = true;
  if (canceller.joinable()) canceller.join();
  return status;
}

}  // namespace
}  // namespace mms::databricks

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv, argv + argc);
  const char* secret = std::getenv("CLIENT_SECRET");
  if (argc == 3 && arguments[1] == "json") {
    fmt::print("{}\n", mms::databricks::NestedAsJson(arguments[2]));
    return 0;
  }
  if (argc != 7 || secret == nullptr) {
    fmt::print(stderr,
               "usage: client_sql URL DIALECT USER OPTIONS FILE STATEMENT\n"
               "       client_sql json EXPRESSION\n");
    return 2;
  }
  const mms::Status status = mms::databricks::Run(arguments, secret);
  if (status) return 0;
  fmt::print(stderr, "{}\n", status.error().ToString());
  return 1;
}
