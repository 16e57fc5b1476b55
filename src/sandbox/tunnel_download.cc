#include "sandbox/tunnel_download.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>

#include "sandbox/arrow_block.h"
#include "sandbox/body_coding.h"
#include "sandbox/documents.h"
#include "sandbox/parquet_file.h"
#include "sandbox/record_block.h"
#include "sandbox/result_file.h"
#include "sandbox/tunnel_upload.h"
#include "sandbox/wide_time.h"

namespace mms::sandbox {
namespace {

using Json = nlohmann::json;

constexpr int64_t kLimitedRows = 10'000;

int64_t NowMs() {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

/// "(start,count)"; all rows when absent.
Result<std::pair<int64_t, int64_t>> ParseRowRange(const Call& call, int64_t rows) {
  std::string text = call.Parameter("rowrange");
  if (text.empty()) return std::make_pair(int64_t{0}, rows);
  int64_t start = -1;
  int64_t count = -1;
  const char* end = text.data() + text.size();
  auto first = std::from_chars(text.data() + (text[0] == '(' ? 1 : 0), end, start);
  bool good = first.ec == std::errc() && first.ptr != end && *first.ptr == ',';
  if (good) {
    auto second = std::from_chars(first.ptr + 1, end, count);
    good = second.ec == std::errc() && second.ptr + 1 == end && *second.ptr == ')';
  }
  if (!good || start < 0 || count < 0 || start > rows) {
    return Error(
        ErrorKind::kInvalidInput, "InvalidRowRange",
        "rowrange '" + text + "' is not (start,count) within " + std::to_string(rows) + " rows");
  }
  return std::make_pair(start, std::min(count, rows - start));
}

/// The wanted columns: of records in the order asked for, as both SDKs read them; of Arrow in table
/// order, as PyODPS 0.13 reads them (odps-sdk-core 0.52 does not: only a list in table order serves
/// both).
Result<std::vector<Column>> ChooseColumns(const Call& call, const std::vector<Column>& all) {
  TRY(auto chosen, ColumnsNamed(call.Parameter("columns"), all));
  if (!call.Has("arrow")) return chosen;
  std::vector<Column> in_order;
  for (const Column& column : all) {
    bool wanted = std::any_of(chosen.begin(), chosen.end(),
                              [&](const Column& one) { return one.name == column.name; });
    if (wanted) in_order.push_back(column);
  }
  return in_order;
}

bool IsTimestamp(const Column& column) {
  return column.type.id == TypeId::kTimestamp || column.type.id == TypeId::kTimestampNtz;
}

/// How a batch holds its timestamps on the wire. Tables: nanoseconds, also where files have
/// microseconds (wide_time.h). Results of queries: seconds and nanoseconds apart, which PyODPS 0.13
/// insists on for a TIMESTAMP column (not inside of a nested one).
Result<std::shared_ptr<arrow::RecordBatch>> ToWire(const arrow::RecordBatch& batch,
                                                   const std::vector<Column>& columns,
                                                   bool is_result) {
  arrow::ArrayVector arrays;
  arrow::FieldVector fields;
  for (size_t i = 0; i < columns.size(); ++i) {
    auto array = batch.column(static_cast<int>(i));
    if (is_result && IsTimestamp(columns[i])) {
      TRY(array, SplitTimestamps(*array));
    } else if (HasMicros(*array->type())) {
      TRY(array, CastTimestamps(columns[i], array, TimestampForm::kNano));
    }
    fields.push_back(batch.schema()->field(static_cast<int>(i))->WithType(array->type()));
    arrays.push_back(std::move(array));
  }
  return arrow::RecordBatch::Make(arrow::schema(fields), batch.num_rows(), std::move(arrays));
}

}  // namespace

Result<std::vector<Column>> ColumnsNamed(const std::string& list, const std::vector<Column>& all) {
  std::string text = LowerName(list);
  if (text.empty()) return all;
  std::vector<Column> chosen;
  for (size_t at = 0; at <= text.size();) {
    size_t end = std::min(text.find(',', at), text.size());
    std::string name = text.substr(at, end - at);
    auto found = std::find_if(all.begin(), all.end(),
                              [&](const Column& column) { return column.name == name; });
    if (found == all.end()) {
      return Error(ErrorKind::kInvalidInput, "InvalidColumnSpec",
                   "the column '" + name + "' does not exist");
    }
    chosen.push_back(*found);
    at = end + 1;
  }
  return chosen;
}

struct TunnelDownload::Session {
  std::string id;
  std::optional<Table> table;  ///< nullopt: the result of a query
  PartitionSpec spec;
  int64_t version = 0;
  bool any_version = false;  ///< disable_modified_check: read whatever is there
  std::string result_path;
  std::vector<Column> columns;
  std::vector<Column> partition_columns;
  int64_t rows = 0;
  int64_t created_s = 0;
  int64_t ready_ms = 0;  ///< INITIATING until then

  bool is_ready() const { return NowMs() >= ready_ms; }

  /// Columns are left out: a table tells its own, a result's file too.
  std::string ToJson() const {
    Json json{{"id", id},       {"spec", spec},       {"version", version},
              {"rows", rows},   {"any", any_version}, {"result", result_path},
              {"s", created_s}, {"ready", ready_ms}};
    if (table) {
      json["table"] = {{"id", table->id},
                       {"project", table->name.project},
                       {"schema", table->name.schema},
                       {"name", table->name.table},
                       {"description", TableToJson(*table)}};
    }
    return json.dump();
  }

  static Result<Session> FromJson(const std::string& text) {
    Session session;
    try {
      Json json = Json::parse(text);
      session.id = json.at("id");
      session.spec = json.at("spec");
      session.version = json.at("version");
      session.rows = json.at("rows");
      session.any_version = json.at("any");
      session.result_path = json.at("result");
      session.created_s = json.at("s");
      session.ready_ms = json.at("ready");
      if (json.contains("table")) TRY_VOID(session.TakeTable(json["table"]));
    } catch (const Json::exception& e) {
      return Error(ErrorKind::kCorrupt, "InternalServerError",
                   std::string("the catalog holds a broken download session: ") + e.what());
    }
    return session;
  }

  Status TakeTable(const Json& stored) {
    table.emplace();
    table->id = stored.at("id");
    table->name = {stored.at("project"), stored.at("schema"), stored.at("name")};
    TRY_VOID(TableFromJson(stored.at("description").get<std::string>(), &*table));
    columns = table->columns;
    partition_columns = table->partition_columns;
    return OkStatus();
  }

  Answer Document() const {
    Json body{{"DownloadID", id},
              {"Status", is_ready() ? "normal" : "initiating"},
              {"Owner", kOwner},
              {"Initiated", HttpDate(created_s)},
              {"QuotaName", ""}};
    if (is_ready()) body["RecordCount"] = rows;  // else not known yet
    body["Schema"] = Json::parse(TunnelSchemaJson(columns, partition_columns));
    return {200, {{"Content-Type", "application/json"}}, body.dump()};
  }
};

struct TunnelDownload::Reading {
  std::vector<Column> columns;
  std::shared_ptr<arrow::Schema> schema;
  RowRange range;
  std::shared_ptr<FileLease> lease;
  bool is_result = false;
};

Result<Answer> TunnelDownload::Keep(const Call& call, Session session) {
  session.id = RandomHex(16);
  session.created_s = NowSeconds();
  session.ready_ms = NowMs() + call.initiating_ms;
  TRY_VOID(catalog_->PutDownload(session.id, session.ToJson(), session_s_));
  return session.Document();
}

Result<Answer> TunnelDownload::CreateForTable(const Call& call, const TableName& name) {
  TRY(Table table, catalog_->GetTable(name));
  TRY(PartitionSpec spec, PartitionOf(call, table));
  TRY(PartitionInfo partition, catalog_->GetPartition(table, spec));
  Session session;
  session.table = table;
  session.spec = spec;
  session.version = partition.version;
  session.any_version = IsTrue(call, "disable_modified_check");
  session.columns = table.columns;
  session.partition_columns = table.partition_columns;
  session.rows = partition.rows;
  return Keep(call, std::move(session));
}

Result<Answer> TunnelDownload::CreateForInstance(const Call& call, const InstanceView& instance) {
  if (!instance.finished()) {
    return Error(ErrorKind::kConflict, "InstanceNotTerminate",
                 "the instance '" + instance.id + "' still runs");
  }
  if (instance.state != InstanceState::kSuccess) {
    return Error(ErrorKind::kConflict, "TaskFailed", instance.text);
  }
  if (!instance.is_select) {
    return Error(ErrorKind::kUnsupported, "InstanceTypeNotSupported",
                 "only results of SELECT can be downloaded");
  }
  Session session;
  session.result_path = instance.result_path;
  TRY(ResultShape shape, ReadResultShape(storage_->Absolute(instance.result_path)));
  session.columns = std::move(shape.columns);
  bool limited = call.Has("instance_tunnel_limit_enabled");
  session.rows = limited ? std::min(shape.rows, kLimitedRows) : shape.rows;
  return Keep(call, std::move(session));
}

Result<TunnelDownload::Session> TunnelDownload::Find(const Call& call) {
  TRY(std::string text, catalog_->GetDownload(call.Parameter("downloadid"), session_s_));
  TRY(Session session, Session::FromJson(text));
  if (session.table) return session;
  TRY(ResultShape shape, ReadResultShape(storage_->Absolute(session.result_path)));
  session.columns = std::move(shape.columns);
  return session;
}

Result<Answer> TunnelDownload::Get(const Call& call) {
  TRY(Session session, Find(call));
  return session.Document();
}

Result<TunnelDownload::Reading> TunnelDownload::Prepare(const Call& call, const Session& session) {
  Reading reading;
  TRY(reading.columns, ChooseColumns(call, session.columns));
  TRY(auto range, ParseRowRange(call, session.rows));
  reading.range.start = range.first;
  reading.range.count = range.second;
  if (!session.table) {
    reading.is_result = true;
    std::string path = storage_->Absolute(session.result_path);
    TRY(ResultShape shape, ReadResultShape(path));
    reading.schema = ResultFileSchema(reading.columns);
    reading.range.parts.push_back({path, shape.rows});
    return reading;
  }
  arrow::FieldVector fields;
  for (const Column& column : reading.columns) {
    fields.push_back(arrow::field(column.file_name(), column.type.ToArrow()));
  }
  reading.schema = arrow::schema(fields);
  TRY(reading.lease, storage_->Lease([&]() -> Result<std::vector<std::string>> {
    TRY(auto files, catalog_->Files(*session.table, session.spec));
    std::vector<std::string> paths;
    for (const DataFile& file : files) {
      reading.range.parts.push_back({storage_->Absolute(file.path), file.rows});
      paths.push_back(file.path);
    }
    return paths;
  }));
  TRY(PartitionInfo partition, catalog_->GetPartition(*session.table, session.spec));
  if (!session.any_version && partition.version != session.version) {
    return Error(ErrorKind::kConflict, "TableModified",
                 "the data changed since the session began; begin a new one");
  }
  return reading;
}

/// Reads the timestamps of the range ahead, if they may be too wide: an Arrow answer has to be
/// refused before its first byte. Whether the service refuses such a range or cuts the values is
/// not documented.
Status TunnelDownload::CheckNanos(const Reading& reading) const {
  bool wide = std::any_of(reading.range.parts.begin(), reading.range.parts.end(),
                          [](const RowRange::Part& part) { return Storage::IsWide(part.path); });
  if (!wide && !reading.is_result) return OkStatus();
  std::vector<Column> columns;
  arrow::FieldVector fields;
  for (size_t i = 0; i < reading.columns.size(); ++i) {
    if (!reading.columns[i].type.HasTimestamp()) continue;
    if (reading.is_result && IsTimestamp(reading.columns[i])) continue;  // reaches every year
    columns.push_back(reading.columns[i]);
    fields.push_back(reading.schema->field(static_cast<int>(i)));
  }
  if (columns.empty()) return OkStatus();
  return ReadRows(reading.range, arrow::schema(fields),
                  [&](const arrow::RecordBatch& batch) -> Status {
                    TRY(auto ignored, ToWire(batch, columns, reading.is_result));
                    return OkStatus();
                  });
}

Status TunnelDownload::Stream(const Call& call, HttpResponder* responder) {
  TRY(Session session, Find(call));
  if (!session.is_ready()) {
    return Error(ErrorKind::kConflict, "StatusConflict",
                 "the download session '" + session.id + "' is INITIATING; ask until it is NORMAL");
  }
  TRY(Reading reading, Prepare(call, session));
  if (call.Has("arrow")) TRY_VOID(CheckNanos(reading));
  const std::string* accept = call.http->FindHeader("accept-encoding");
  TRY(auto encoder, MakeEncoder(accept ? *accept : "", responder));
  HttpHeaders headers{{"Content-Type", "application/octet-stream"},
                      {"x-odps-request-id", call.request_id}};
  if (encoder) headers.emplace_back("Content-Encoding", *accept);
  TRY_VOID(responder->Start(200, headers));
  ByteSink* sink = encoder ? static_cast<ByteSink*>(encoder.get()) : responder;
  ArrowBlockWriter arrow_writer(sink);
  RecordBlockWriter record_writer(sink, reading.columns);
  bool arrow = call.Has("arrow");
  TRY_VOID(ReadRows(reading.range, reading.schema, [&](const arrow::RecordBatch& batch) -> Status {
    if (!arrow) return record_writer.Write(batch);
    TRY(auto wire, ToWire(batch, reading.columns, reading.is_result));
    return arrow_writer.Write(*wire);
  }));
  TRY_VOID(arrow ? arrow_writer.Finish() : record_writer.Finish());
  if (encoder) TRY_VOID(encoder->Finish());
  return responder->Finish();
}

}  // namespace mms::sandbox
