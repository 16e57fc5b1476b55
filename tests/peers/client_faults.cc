// Walks every call of our MaxCompute client (calls.h) against a running sandbox: for each call and
// each way in which it can go wrong, a whole load is done, read back and counted.
//
//   client_faults ENDPOINT PROJECT KEY_ID      (the secret in CLIENT_FAULTS_SECRET)
//
// One line for each call and fault; exit code 1 when a row was lost or doubled, a step did not come
// to its end, or a fault did not strike.
#include <arrow/api.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "clients/maxcompute/calls.h"
#include "clients/maxcompute/client.h"
#include "clients/maxcompute/signing.h"
#include "clients/maxcompute/sql_rows.h"
#include "clients/maxcompute/tunnel.h"

namespace mms::maxcompute {
namespace {

using nlohmann::json;

constexpr int64_t kBlocks = 3;
constexpr int64_t kRowsPerBlock = 2000;
constexpr int64_t kRows = kBlocks * kRowsPerBlock;

/// What the sandbox calls each of our calls, in the order of CallKind.
constexpr const char* kSandboxNames[] = {
    "get_project",   "list_schemas",  "list_tables",     "get_table",       "list_partitions",
    "discover",      "logview_host",  "sign_token",      "submit_instance", "list_instances",
    "get_instance",  "get_instance",  "get_instance",    "get_result",      "cancel_instance",
    "create_upload", "get_upload",    "put_block",       "commit_upload",   "create_download",
    "get_download",  "read_download", "create_download", "get_download",    "read_download"};

/// Made only while a download session is not ready yet.
bool AsksForADownload(CallKind kind) {
  return kind == CallKind::kFetchDownload || kind == CallKind::kFetchInstanceDownload;
}

/// Made only after a submit whose answer was lost.
bool LooksForASubmit(CallKind kind) {
  return kind == CallKind::kListInstances || kind == CallKind::kFetchInstanceSource;
}

struct FaultKind {
  const char* name;
  json rule;
};

std::vector<FaultKind> FaultKinds() {
  return {{"answer lost", {{"drop_answer", true}}},
          {"429", {{"status", 429}, {"hold_client_ms", 1}}},
          {"308", {{"status", 308}}},
          {"500", {{"status", 500}}},
          {"503", {{"status", 503}}},
          {"cut", {{"cut_after_bytes", 9}}},
          {"cut in the middle", {{"cut_after_bytes", 20'000}}}};
}

class Rows : public BatchSource {
 public:
  explicit Rows(int64_t from) : from_(from) {}
  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    if (std::exchange(done_, true)) return std::shared_ptr<arrow::RecordBatch>();
    arrow::Int64Builder ids;
    arrow::StringBuilder texts;
    for (int64_t id = from_; id < from_ + kRowsPerBlock; ++id) {
      CHECK(ids.Append(id).ok() && texts.Append("text of row " + std::to_string(id)).ok());
    }
    const auto schema =
        arrow::schema({arrow::field("id", arrow::int64()), arrow::field("s", arrow::utf8())});
    return arrow::RecordBatch::Make(schema, kRowsPerBlock, {*ids.Finish(), *texts.Finish()});
  }

 private:
  int64_t from_;
  bool done_ = false;
};

/// Each of the ids 0 to kRows - 1, once.
class Seen {
 public:
  Seen() : times_(kRows) {}
  void Add(int64_t id) {
    if (id < 0 || id >= kRows) {
      ++strange_;
    } else {
      ++times_[static_cast<size_t>(id)];
    }
  }
  Status Check(const std::string& where) const {
    int64_t lost = 0, doubled = 0;
    for (const int times : times_) {
      lost += times == 0;
      doubled += times > 1;
    }
    if (lost + doubled + strange_ == 0) return OkStatus();
    return Error(
        ErrorKind::kCorrupt, "ROWS",
        fmt::format("{}: {} rows lost, {} doubled, {} strange", where, lost, doubled, strange_));
  }

 private:
  std::vector<int> times_;
  int64_t strange_ = 0;
};

/// Fault rules of the sandbox, set and read by signed requests of our own.
class Sandbox {
 public:
  Sandbox(Options options, std::shared_ptr<HttpClient> http)
      : options_(std::move(options)), http_(std::move(http)) {}

  Status SetFaults(const json& rules) {
    TRY_VOID(Send("POST", json{{"faults", rules}}.dump()));
    return OkStatus();
  }
  /// Every rule has struck.
  Result<bool> AllFired() {
    TRY(const std::string text, Send("GET", ""));
    const json answer = json::parse(text);
    bool all = true;
    for (const json& rule : answer.at("faults")) all = all && rule.at("fired") != 0;
    return all;
  }

 private:
  Result<std::string> Send(const std::string& method, const std::string& body) {
    const auto now = std::chrono::system_clock::now();
    AccessKey key;
    key.id = options_.credentials.access_key_id;
    key.secret = options_.credentials.access_key_secret;
    HttpRequest request;
    request.method = method;
    request.url = options_.endpoint + "/mms/faults";
    request.headers = {{"Date", HttpDate(now)}, {"Content-Type", "application/json"}};
    request.headers.emplace_back(
        "Authorization", Authorization({method, "/mms/faults", {}, request.headers}, key, "", now));
    request.body = body;
    TRY(const HttpResponse answer, http_->Send(request));
    if (answer.ok()) return answer.body;
    return Error(ErrorKind::kInternal, "SANDBOX", answer.body);
  }

  Options options_;
  std::shared_ptr<HttpClient> http_;
};

/// One load from an empty project to rows read back, by a client that knows nothing yet. `before`
/// is called before the first step in which a call can occur.
class Load {
 public:
  using Before = std::function<Status(CallKind)>;

  Load(const Options& options, std::shared_ptr<HttpClient> http, std::string table, Before before)
      : client_(options, std::move(http)),
        tunnel_(&client_),
        table_(std::move(table)),
        before_(std::move(before)),
        target_{table_, {{"ds", "1"}}} {}

  Status Run() {
    TRY_VOID(Step({CallKind::kFetchProject}, [&] { return Dropped(client_.FetchProject()); }));
    TRY_VOID(Step({CallKind::kFindLogview}, [&] {
      client_.LogviewUrl("i");
      return OkStatus();
    }));
    TRY_VOID(CreateTables());
    TRY_VOID(
        Step({CallKind::kSubmitSql, CallKind::kListInstances, CallKind::kFetchInstanceSource,
              CallKind::kFetchInstance, CallKind::kFetchTaskStatus, CallKind::kFetchTaskResult},
             [&] { return AddColumnOnce(); }));
    TRY_VOID(Step({CallKind::kListSchemas}, [&]() -> Status {
      TRY(const bool there, client_.HasSchema("default"));
      TRY(const bool other, client_.HasSchema("defaul"));
      if (there && !other) return OkStatus();
      return Error(ErrorKind::kCorrupt, "SCHEMAS", "the list of schemas is not read as it is");
    }));
    TRY_VOID(Step({CallKind::kListTables}, [&] { return Dropped(client_.FindAnyTable()); }));
    TRY_VOID(Step({CallKind::kFetchTable}, [&] { return Dropped(client_.FetchTable(table_)); }));
    TRY_VOID(Step({CallKind::kFindTunnel}, [&] { return Dropped(client_.TunnelEndpoint()); }));
    TRY_VOID(Step({CallKind::kListPartitions}, [&] { return CountPartitions(); }));
    TRY_VOID(Upload());
    TRY_VOID(Step({CallKind::kCreateDownload, CallKind::kFetchDownload, CallKind::kReadRows},
                  [&] { return ReadBack(); }));
    TRY_VOID(Step({CallKind::kCreateInstanceDownload, CallKind::kFetchInstanceDownload,
                   CallKind::kReadInstanceRows},
                  [&] { return Select(); }));
    TRY_VOID(Step({CallKind::kMakeLogviewToken, CallKind::kCancelInstance},
                  [&] { return LookAndCancel(); }));
    return OkStatus();
  }

 private:
  Status Step(const std::vector<CallKind>& calls, const std::function<Status()>& step) {
    for (const CallKind call : calls) TRY_VOID(before_(call));
    return step();
  }

  template <class T>
  static Status Dropped(const Result<T>& result) {
    return result ? OkStatus() : Status(result.error());
  }

  /// As the callers of RunSql do it: a statement that may run twice is sent again.
  Result<SqlResult> Sql(const std::string& statement) {
    return Retry(client_.options().retry, [&] { return client_.RunSql(statement); });
  }

  /// A statement that fails when it has run before.
  Status AddColumnOnce() {
    TRY_VOID(Sql("ALTER TABLE once_" + table_ + " ADD COLUMNS (w BIGINT);"));
    const Result<SqlResult> again = Sql("ALTER TABLE once_" + table_ + " ADD COLUMNS (w BIGINT);");
    if (!again) return OkStatus();
    return Error(ErrorKind::kInternal, "STATEMENT",
                 "the statement may run twice and proves nothing");
  }

  Status CreateTables() {
    TRY_VOID(Sql("CREATE TABLE IF NOT EXISTS once_" + table_ + " (v BIGINT);"));
    TRY_VOID(Sql("CREATE TABLE IF NOT EXISTS " + table_ +
                 " (id BIGINT, s STRING) PARTITIONED BY (ds STRING);"));
    TRY_VOID(Sql("ALTER TABLE " + table_ + " ADD IF NOT EXISTS PARTITION (ds='1');"));
    return OkStatus();
  }

  Status CountPartitions() {
    int partitions = 0;
    TRY_VOID(client_.ListPartitions(table_, [&partitions](const PartitionSpec&) {
      ++partitions;
      return OkStatus();
    }));
    if (partitions == 1) return OkStatus();
    return Error(ErrorKind::kCorrupt, "PARTITIONS", fmt::format("{} partitions", partitions));
  }

  Status Upload() {
    UploadSession session;
    TRY_VOID(Step({CallKind::kCreateUpload}, [&]() -> Status {
      TRY(session, tunnel_.CreateUpload(target_, {}));
      return OkStatus();
    }));
    TRY_VOID(Step({CallKind::kPutBlock}, [&]() -> Status {
      for (int64_t id = 0; id < kBlocks; ++id) {
        Tunnel::Block block{id, id % 2 == 0 ? BlockForm::kArrow : BlockForm::kRecord};
        TRY_VOID(Retry(client_.options().retry, [&] {
          Rows rows(id * kRowsPerBlock);
          return tunnel_.PutBlock(target_, session.id, block, rows);
        }));
      }
      return OkStatus();
    }));
    return Step({CallKind::kFetchUpload, CallKind::kCommitUpload}, [&] {
      std::vector<int64_t> blocks;
      for (int64_t id = 0; id < kBlocks; ++id) blocks.push_back(id);
      return tunnel_.Commit(target_, session.id, blocks);
    });
  }

  Status ReadBack() {
    TRY(const DownloadSession session, tunnel_.CreateDownload(target_));
    for (const BlockForm form : {BlockForm::kArrow, BlockForm::kRecord}) {
      Seen seen;
      TRY_VOID(tunnel_.Read(target_, session, {0, session.rows, form},
                            [&seen](std::shared_ptr<arrow::RecordBatch> batch) {
                              const auto& ids =
                                  static_cast<const arrow::Int64Array&>(*batch->column(0));
                              for (int64_t i = 0; i < ids.length(); ++i) seen.Add(ids.Value(i));
                              return OkStatus();
                            }));
      TRY_VOID(seen.Check("download"));
    }
    return OkStatus();
  }

  Status Select() {
    Seen seen;
    TRY_VOID(RunSqlRows(tunnel_, "SELECT id FROM " + table_ + " WHERE ds='1';",
                        [&seen](const SqlRow& row) {
                          seen.Add(std::atoll(row.at(0).value_or("-1").c_str()));
                          return OkStatus();
                        }));
    return seen.Check("instance download");
  }

  Status LookAndCancel() {
    TRY(const SqlResult result, Sql("SELECT COUNT(*) AS n FROM " + table_ + ";"));
    if (result.rows.at(0).at(0) != std::to_string(kRows)) {
      return Error(ErrorKind::kCorrupt, "ROWS", "counted " + result.rows.at(0).at(0).value_or("?"));
    }
    TRY_VOID(client_.FetchLogviewUrl(result.instance_id));
    return client_.CancelSql(result.instance_id);
  }

  Client client_;
  Tunnel tunnel_;
  std::string table_;
  Before before_;
  Tunnel::Target target_;
};

/// One call, one fault: the load must end as if nothing had been.
Status Try(const Options& options, const CallRule& call, const FaultKind& fault, int number) {
  auto http = std::make_shared<HttpClient>(HttpClient::Options{});
  Sandbox sandbox(options, http);
  json rule = fault.rule;
  rule["call"] = kSandboxNames[static_cast<size_t>(call.kind)];
  // The states of instance and task are one call to the sandbox: several in a row strike both.
  rule["times"] = call.kind == CallKind::kFetchTaskStatus ? 3 : 1;
  json rules = json::array({rule});
  if (LooksForASubmit(call.kind)) {
    rules.push_back({{"call", "submit_instance"}, {"nth", 1}, {"drop_answer", true}});
  }
  if (AsksForADownload(call.kind)) {
    rules.push_back({{"call", "create_download"}, {"nth", 1}, {"initiating_ms", 150}});
  }
  const auto before = [&](CallKind kind) {
    return kind == call.kind ? sandbox.SetFaults(rules) : OkStatus();
  };
  TRY_VOID(Load(options, http, "walk_" + std::to_string(number), before).Run());
  TRY(const bool struck, sandbox.AllFired());
  TRY_VOID(sandbox.SetFaults(json::array()));
  if (struck) return OkStatus();
  return Error(ErrorKind::kInternal, "FAULT_MISSED", "the fault did not strike");
}

int Walk(const Options& options) {
  int number = 0;
  int failures = 0;
  for (const CallRule& call : AllCalls()) {
    for (const FaultKind& fault : FaultKinds()) {
      const bool long_body = call.kind == CallKind::kPutBlock || call.kind == CallKind::kReadRows ||
                             call.kind == CallKind::kReadInstanceRows;
      if (std::string(fault.name) == "cut in the middle" && !long_body) continue;
      const Status status = Try(options, call, fault, ++number);
      fmt::print("{}, {}: {}\n", call.name, fault.name,
                 status ? "all rows once" : status.error().ToString());
      failures += !status;
    }
  }
  fmt::print("{} walked, {} failed\n", number, failures);
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace mms::maxcompute

int main(int argc, char** argv) {
  const char* secret = std::getenv("CLIENT_FAULTS_SECRET");
  if (argc != 4 || secret == nullptr) {
    fmt::print(stderr, "usage: client_faults ENDPOINT PROJECT KEY_ID\n");
    return 2;
  }
  mms::maxcompute::Options options;
  options.endpoint = argv[1];
  options.project = argv[2];
  options.credentials.access_key_id = argv[3];
  options.credentials.access_key_secret = mms::Secret(secret);
  options.sql_poll_ms = 5;
  options.retry.first_wait_ms = options.retry.throttled_first_wait_ms = 5;
  return mms::maxcompute::Walk(options);
}
