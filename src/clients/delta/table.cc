#include "clients/delta/table.h"

#include <arrow/c/abi.h>
#include <arrow/c/bridge.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/secret.h"
#include "clients/delta/carrier.h"
#include "clients/delta/file_rows.h"
#include "clients/delta/kernel/mms_delta.h"

namespace mms::delta {
namespace {

constexpr size_t kShownMaxBytes = 600;

/// One line without secrets: the kernel passes on whole XML answers of the storage.
std::string Shown(const char* message) {
  std::string line;
  for (const char c : ScrubSecrets(message == nullptr ? "" : message)) {
    const bool blank = static_cast<unsigned char>(c) <= ' ';
    if (!blank || (!line.empty() && line.back() != ' ')) line += blank ? ' ' : c;
  }
  if (line.size() > kShownMaxBytes) line = line.substr(0, kShownMaxBytes) + "...";
  return line;
}

/// The kernel's error as ours; takes over (and frees) its texts.
Error FromKernel(mms_delta_error& raw) {
  const std::string text = Shown(raw.message);
  const std::string feature = raw.feature == nullptr ? "" : raw.feature;
  const int32_t code = raw.code;
  mms_delta_error_free(&raw);
  switch (code) {
    case MMS_DELTA_FEATURE_UNSUPPORTED:
      return Error(
          ErrorKind::kUnsupported, "DELTA_FEATURE_UNSUPPORTED",
          fmt::format("the table needs the Delta feature \"{}\", which this version cannot read; "
                      "exclude the table, or drop the feature in Databricks with ALTER TABLE "
                      "... DROP FEATURE",
                      feature));
    case MMS_DELTA_NOT_FOUND:
      return Error(
          ErrorKind::kNotFound, "DELTA_NOT_FOUND",
          "no Delta table or no such version there; check the location and that its _delta_log "
          "is complete (" +
              text + ")");
    case MMS_DELTA_DENIED:
      return Error(
          ErrorKind::kDenied, "STORAGE_DENIED",
          "the storage refused the credentials; check that the SAS has not expired, belongs to "
          "this account and container, and has the rights read and list (" +
              text + ")");
    case MMS_DELTA_UNREACHABLE:
      return Error(
          ErrorKind::kUnavailable, "STORAGE_UNREACHABLE",
          "the storage does not answer; check its host name, the proxy and the firewall (" + text +
              ")");
    case MMS_DELTA_CORRUPT:
      return Error(ErrorKind::kCorrupt, "DELTA_LOG_INVALID",
                   "the Delta log cannot be read (" + text + ")");
    case MMS_DELTA_INVALID_ARGUMENT: return Error(ErrorKind::kInvalidInput, "DELTA_ARGUMENT", text);
    default: return Error(ErrorKind::kInternal, "DELTA_INTERNAL", text);
  }
}

Error Broken(const std::string& what, const arrow::Status& status) {
  return Error(ErrorKind::kInternal, "DELTA_INTERNAL",
               what + ": " + ScrubSecrets(status.ToString()));
}

Result<TableInfo> ParseInfo(const std::string& text) {
  try {
    const nlohmann::json json = nlohmann::json::parse(text);
    TableInfo info;
    info.version = json.at("version").get<int64_t>();
    if (!json.at("commit_mark").is_null()) {
      info.commit_mark = json.at("commit_mark").get<std::string>();
    }
    if (!json.at("timestamp_ms").is_null())
      info.timestamp_ms = json.at("timestamp_ms").get<int64_t>();
    info.id = json.at("id").get<std::string>();
    info.min_reader = json.at("min_reader").get<int>();
    info.reader_features = json.at("reader_features").get<std::vector<std::string>>();
    info.partition_columns = json.at("partition_columns").get<std::vector<std::string>>();
    info.configuration = json.at("configuration").get<std::map<std::string, std::string>>();
    info.column_mapping = json.at("column_mapping").get<std::string>();
    info.schema_json = json.at("schema").dump();
    return info;
  } catch (const nlohmann::json::exception& exception) {
    return Error(ErrorKind::kInternal, "DELTA_INTERNAL",
                 std::string("the kernel's description of the table: ") + exception.what());
  }
}

std::map<std::string, std::optional<std::string>> ValuesOf(const nlohmann::json& json) {
  std::map<std::string, std::optional<std::string>> values;
  for (const auto& [column, value] : json.items()) {
    std::optional<std::string>& text = values[column];
    // "" is NULL too (Delta protocol, "Partition Value Serialization").
    if (value.is_string() && !value.get_ref<const std::string&>().empty()) {
      text = value.get<std::string>();
    }
  }
  return values;
}

CommitStamp StampOf(const nlohmann::json& json) {
  return {json.at("version").get<int64_t>(), json.at("time_ms").get<int64_t>()};
}

Result<Changes> ParseChanges(const std::string& text) {
  try {
    const nlohmann::json json = nlohmann::json::parse(text);
    Changes changes;
    for (const nlohmann::json& partition : json.at("partitions")) {
      changes.partitions.push_back({ValuesOf(partition.at("values")), StampOf(partition)});
    }
    if (!json.at("last").is_null()) changes.last = StampOf(json.at("last"));
    changes.unattributed = json.at("unattributed").get<bool>();
    changes.metadata_changed = json.at("metadata_changed").get<bool>();
    return changes;
  } catch (const nlohmann::json::exception& exception) {
    return Error(ErrorKind::kInternal, "DELTA_INTERNAL",
                 std::string("the kernel's list of changes: ") + exception.what());
  }
}

Result<LogEnd> ParseLogEnd(const std::string& text) {
  try {
    const nlohmann::json json = nlohmann::json::parse(text);
    LogEnd end;
    if (!json.at("newest").is_null()) end.newest = json.at("newest").get<int64_t>();
    if (!json.at("mark").is_null()) end.mark = json.at("mark").get<std::string>();
    return end;
  } catch (const nlohmann::json::exception& exception) {
    return Error(ErrorKind::kInternal, "DELTA_INTERNAL",
                 std::string("the kernel's end of the log: ") + exception.what());
  }
}

/// Takes over (and frees) a text of the crate.
std::string TakeText(char* text) {
  std::string taken(text);
  mms_delta_text_free(text);
  return taken;
}

/// Logical to physical names of the top-level columns: the same when nothing is mapped, else from
/// the field metadata that the mapping keeps (Delta protocol, "Column Mapping").
Result<std::map<std::string, std::string>> ParsePhysicalNames(const TableInfo& info) {
  try {
    std::map<std::string, std::string> names;
    const nlohmann::json schema = nlohmann::json::parse(info.schema_json);
    for (const nlohmann::json& field : schema.at("fields")) {
      const std::string logical = field.at("name").get<std::string>();
      names[logical] =
          info.column_mapping == "none"
              ? logical
              : field.at("metadata").at("delta.columnMapping.physicalName").get<std::string>();
    }
    return names;
  } catch (const nlohmann::json::exception& exception) {
    return Error(ErrorKind::kCorrupt, "DELTA_LOG_INVALID",
                 std::string("the schema lacks a physical column name: ") + exception.what());
  }
}

/// Why a request was not answered is known better by its carrier than the kernel can tell it.
Error FromCall(mms_delta_error& raw, Carrier* carrier) {
  const bool by_store = raw.code == MMS_DELTA_DENIED || raw.code == MMS_DELTA_UNREACHABLE;
  std::optional<Error> known;
  if (carrier != nullptr) known = carrier->TakeFailure();
  if (!by_store || !known) return FromKernel(raw);
  mms_delta_error_free(&raw);
  return *std::move(known);
}

}  // namespace

struct Table::Handle {
  ~Handle() { mms_delta_close(table); }
  mms_delta_table* table = nullptr;
  std::shared_ptr<Carrier> carrier;  // null for a local folder
};

Table::Table() : handle_(std::make_unique<Handle>()) {}
Table::~Table() = default;

Error Table::Failure(mms_delta_error& raw) { return FromCall(raw, handle_->carrier.get()); }

Result<std::unique_ptr<Table>> Table::Open(const Place& place, std::optional<int64_t> version) {
  if (version && *version < 0) {
    return Error(ErrorKind::kInvalidInput, "DELTA_ARGUMENT", "a table version cannot be negative");
  }
  std::unique_ptr<Table> table(new Table);
  const std::string json = nlohmann::json(place.options).dump();
  mms_delta_transport transport{};
  if (place.transport) {
    table->handle_->carrier = std::make_shared<Carrier>(place.transport);
    transport = Carrier::Lend(table->handle_->carrier);
  }
  mms_delta_error error{};
  if (mms_delta_open(place.url.c_str(), json.c_str(), version.value_or(-1),
                     place.transport ? &transport : nullptr, &table->handle_->table, &error)) {
    return table->Failure(error);
  }
  TRY_VOID(table->Describe());
  return table;
}

Status Table::Describe() {
  mms_delta_error error{};
  char* text = nullptr;
  if (mms_delta_info(handle_->table, &text, &error)) return Failure(error);
  TRY(info_, ParseInfo(TakeText(text)));
  TRY(physical_names_, ParsePhysicalNames(info_));

  ArrowSchema logical{};
  ArrowSchema physical{};
  if (mms_delta_schemas(handle_->table, &logical, &physical, &error)) return Failure(error);
  arrow::Result<std::shared_ptr<arrow::Schema>> users = arrow::ImportSchema(&logical);
  arrow::Result<std::shared_ptr<arrow::Schema>> files = arrow::ImportSchema(&physical);
  if (!users.ok()) return Broken("logical schema", users.status());
  if (!files.ok()) return Broken("physical schema", files.status());
  logical_ = *users;
  physical_ = *files;
  return OkStatus();
}

Result<std::string> Table::PhysicalName(const std::string& logical) const {
  const auto found = physical_names_.find(logical);
  if (found != physical_names_.end()) return found->second;
  return Error(ErrorKind::kNotFound, "DELTA_COLUMN_NOT_FOUND",
               fmt::format("version {} of the table has no column {}", info_.version, logical));
}

Status Table::ListFiles(bool with_statistics, const std::function<Status(File)>& visit) {
  mms_delta_error error{};
  ArrowArrayStream stream{};
  if (mms_delta_files(handle_->table, with_statistics ? 1 : 0, &stream, &error)) {
    return Failure(error);
  }
  arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> reader =
      arrow::ImportRecordBatchReader(&stream);
  if (!reader.ok()) return Broken("list of files", reader.status());
  for (;;) {
    std::shared_ptr<arrow::RecordBatch> batch;
    const arrow::Status status = (*reader)->ReadNext(&batch);
    if (!status.ok()) {
      if (mms_delta_stream_error(handle_->table, &error)) return Failure(error);
      return Broken("list of files", status);
    }
    if (batch == nullptr) return OkStatus();
    TRY(const FileRows rows, FileRows::Make(*batch));
    for (int64_t row = 0; row < batch->num_rows(); ++row) {
      TRY(File file, rows.Read(row));
      TRY_VOID(visit(std::move(file)));
    }
  }
}

Result<Changes> Table::ListChanges(int64_t from) {
  mms_delta_error error{};
  char* text = nullptr;
  if (mms_delta_changes(handle_->table, static_cast<uint64_t>(from), &text, &error)) {
    return Failure(error);
  }
  return ParseChanges(TakeText(text));
}

namespace {

mms_delta_vector ToRaw(const DeletionVector& vector) {
  return {vector.storage_type.c_str(), vector.path_or_inline.c_str(), vector.offset.value_or(-1),
          vector.size_bytes, vector.cardinality};
}

std::vector<uint64_t> TakeRows(uint64_t* rows, size_t count) {
  std::vector<uint64_t> positions(rows, rows + count);
  mms_delta_rows_free(rows, count);
  return positions;
}

/// What a call that opens no table is told of the place.
struct Access {
  explicit Access(const Table::Place& place) : options(nlohmann::json(place.options).dump()) {
    if (!place.transport) return;
    carrier = std::make_shared<Carrier>(place.transport);
    transport = Carrier::Lend(carrier);
  }
  const mms_delta_transport* Transport() const { return carrier ? &transport : nullptr; }

  const std::string options;
  std::shared_ptr<Carrier> carrier;
  mms_delta_transport transport{};
};

}  // namespace

Result<std::vector<uint64_t>> Table::ReadDeletionVector(const DeletionVector& vector) {
  const mms_delta_vector raw = ToRaw(vector);
  mms_delta_error error{};
  uint64_t* rows = nullptr;
  size_t count = 0;
  if (mms_delta_removed_rows(handle_->table, &raw, &rows, &count, &error)) return Failure(error);
  return TakeRows(rows, count);
}

Result<std::vector<uint64_t>> ReadDeletionVectorAt(const Table::Place& container,
                                                   const DeletionVector& vector) {
  const Access access(container);
  const mms_delta_vector raw = ToRaw(vector);
  mms_delta_error error{};
  uint64_t* rows = nullptr;
  size_t count = 0;
  if (mms_delta_removed_rows_at(container.url.c_str(), access.options.c_str(), access.Transport(),
                                &raw, &rows, &count, &error)) {
    return FromCall(error, access.carrier.get());
  }
  return TakeRows(rows, count);
}

Result<LogEnd> FindLogEnd(const Table::Place& place, int64_t known) {
  const Access access(place);
  mms_delta_error error{};
  char* text = nullptr;
  if (mms_delta_log_end(place.url.c_str(), access.options.c_str(), static_cast<uint64_t>(known),
                        access.Transport(), &text, &error)) {
    return FromCall(error, access.carrier.get());
  }
  return ParseLogEnd(TakeText(text));
}

}  // namespace mms::delta
