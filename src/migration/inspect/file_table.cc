#include "migration/inspect/file_table.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <arrow/buffer.h>
#include <arrow/io/interfaces.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/lower_ascii.h"
#include "base/secret.h"
#include "clients/azure/arrow_error.h"
#include "clients/azure/listing.h"
#include "migration/formats/codec.h"
#include "migration/formats/json_row.h"
#include "migration/formats/options.h"
#include "migration/formats/text_value.h"
#include "migration/inspect/catalog_schema.h"

namespace mms::migration {
namespace {

constexpr std::string_view kNullFolder = "__HIVE_DEFAULT_PARTITION__";
constexpr std::string_view kStarted = "_started_";
constexpr std::string_view kCommitted = "_committed_";

/// Spark's unescapePathName: only whole %XX are taken for escapes.
std::string Unescape(std::string_view text) {
  const auto digit = [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; };
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) && digit(text[i + 2])) {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

Error Misplaced(const std::string& path, std::string_view why) {
  return Error(ErrorKind::kUnsupported, "TABLE_FILE_MISPLACED",
               fmt::format("the file {} lies below the table's folder, {}; move it away, or leave "
                           "the table out (`exclude`, of a job --but)",
                           ScrubSecrets(path), why));
}

/// What jobs of Databricks note in each folder: `_started_ID` when one begins to write files there,
/// `_committed_ID` when they count, with the names of those that no longer do. Files of a job that
/// did not end are there all the same.
class CommitNotes {
 public:
  void See(const azure::StoredFile& file) {
    const size_t slash = file.path.rfind('/');
    const std::string folder = slash == file.path.npos ? "" : file.path.substr(0, slash + 1);
    const std::string_view name = std::string_view(file.path).substr(folder.size());
    if (name.starts_with(kStarted)) {
      started_.insert({folder, std::string(name.substr(kStarted.size()))});
    } else if (name.starts_with(kCommitted)) {
      committed_[{folder, std::string(name.substr(kCommitted.size()))}] = file;
    }
  }

  /// Paths of the files that no longer count.
  Result<std::set<std::string>> ReadRemoved(azure::Storage& storage,
                                            const azure::Location& root) const {
    for (const auto& [folder, id] : started_) {
      if (committed_.contains({folder, id})) continue;
      return Error(ErrorKind::kConflict, "TABLE_COMMIT_OPEN",
                   fmt::format("a job of Databricks began to write into its folder {} and has not "
                               "committed ({}{}); wait for it, or run VACUUM on the table, and run "
                               "again",
                               azure::ToText(root) + "/" + folder, kStarted, id));
    }
    std::set<std::string> removed;
    for (const auto& [note, file] : committed_) {
      // Of VACUUM's own notes nothing is known but that what it removes is gone.
      if (note.second.starts_with("vacuum")) continue;
      TRY(const nlohmann::json document, ReadJson(storage, root, file));
      for (const nlohmann::json& name : document.value("removed", nlohmann::json::array())) {
        if (name.is_string()) removed.insert(note.first + name.get<std::string>());
      }
    }
    return removed;
  }

 private:
  using Note = std::pair<std::string, std::string>;  ///< folder, id

  static Result<nlohmann::json> ReadJson(azure::Storage& storage, const azure::Location& root,
                                         const azure::StoredFile& file) {
    TRY(const azure::Location location, azure::ResolveFile(root, file.path));
    TRY(const auto input, storage.OpenFile(location, file.size_bytes, file.etag));
    const auto bytes = input->ReadAt(0, file.size_bytes);
    if (!bytes.ok()) return azure::FromArrow(bytes.status(), azure::ToText(location));
    auto document = nlohmann::json::parse((*bytes)->ToString(), nullptr, false);
    if (document.is_object()) return document;
    return Error(ErrorKind::kCorrupt, "TABLE_COMMIT_UNREADABLE",
                 "what a job of Databricks noted there cannot be read; run VACUUM on the table, or "
                 "leave it out (`exclude`, of a job --but)")
        .At(azure::ToText(location));
  }

  std::set<Note> started_;
  std::map<Note, azure::StoredFile> committed_;
};

/// Of Parquet and ORC files. Harmless are options that do not change which rows and values a reader
/// gives.
Status CheckColumnarOptions(const std::string& format, const OptionMap& options) {
  constexpr std::array<std::string_view, 4> kHarmless = {"path", "serialization.format",
                                                         "compression", "mergeschema"};
  for (const auto& [name, value] : options) {
    if (std::find(kHarmless.begin(), kHarmless.end(), name) == kHarmless.end()) {
      return UnknownOption(format, name, value);
    }
  }
  return OkStatus();
}

/// A column that Spark fills with rows it could not read.
Status CheckNoCorruptColumn(const OptionMap& options, const arrow::Schema& data) {
  const auto named = options.find("columnnameofcorruptrecord");
  const std::string corrupt = named == options.end() ? "_corrupt_record" : named->second;
  for (const auto& field : data.fields()) {
    if (LowerAscii(field->name()) != LowerAscii(corrupt)) continue;
    return Error(ErrorKind::kUnsupported, "TYPE_UNSUPPORTED",
                 fmt::format("its column {} holds rows that Spark could not read; read the table "
                             "by SQL (`source.jdbc`), or leave it out (`exclude`, of a job --but)",
                             field->name()));
  }
  return OkStatus();
}

Status CheckCsv(const OptionMap& options, const arrow::Schema& data) {
  TRY_VOID(ParseCsvOptions(options));
  TRY_VOID(CheckNoCorruptColumn(options, data));
  for (const auto& field : data.fields()) TRY_VOID(CheckTextType(*field));
  return OkStatus();
}

Status CheckJson(const OptionMap& options, const arrow::Schema& data) {
  TRY_VOID(ParseJsonOptions(options));
  TRY_VOID(CheckNoCorruptColumn(options, data));
  for (const auto& field : data.fields()) TRY_VOID(CheckJsonType(*field));
  return OkStatus();
}

/// What the catalog says of how the table's files are read, checked.
Result<OptionMap> ReadOptions(const std::string& format, const databricks::Table& table,
                              const arrow::Schema& data) {
  constexpr std::string_view kPrefix = "option.";
  OptionMap options;
  for (const auto& [key, value] : table.properties) {
    if (key.starts_with(kPrefix)) {
      options[LowerAscii(std::string_view(key).substr(kPrefix.size()))] = value;
    }
  }
  if (format == "csv") {
    TRY_VOID(CheckCsv(options, data));
    // Its values have positions and no names.
    options[kColumnsOption] = nlohmann::json(data.field_names()).dump();
    return options;
  }
  if (format == "json") {
    TRY_VOID(CheckJson(options, data));
    return options;
  }
  TRY_VOID(CheckColumnarOptions(format, options));
  return OptionMap();
}

/// Each of its files says itself how it is compressed.
bool IsColumnar(std::string_view format) { return format == "parquet" || format == "orc"; }

/// Errors: FILE_CODEC_UNSUPPORTED.
Status CheckCodecs(const Snapshot& snapshot) {
  if (IsColumnar(snapshot.source.format)) return OkStatus();
  for (const delta::File& file : snapshot.files) TRY_VOID(TextCodecOf(file.path));
  return OkStatus();
}

/// Another one whenever a file or what the catalog says of the table differs.
std::string ContentId(const Snapshot& snapshot) {
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  const auto add = [&state](std::string_view text) {
    const uint64_t length = text.size();
    XXH3_128bits_update(&state, &length, sizeof(length));
    XXH3_128bits_update(&state, text.data(), text.size());
  };
  add(snapshot.source.format);
  add(snapshot.schema_json);
  for (const std::string& column : snapshot.partition_columns) add(column);
  for (const auto& [name, value] : snapshot.options) {
    add(name);
    add(value);
  }
  for (const delta::File& file : snapshot.files) {
    add(file.path);
    add(std::to_string(file.size_bytes));
    add(file.etag);
  }
  const XXH128_hash_t hash = XXH3_128bits_digest(&state);
  return fmt::format("files-{:016x}{:016x}", hash.high64, hash.low64);
}

}  // namespace

std::optional<std::string> FileFormat(std::string_view data_source_format) {
  constexpr std::array<std::string_view, 4> kFormats = {"PARQUET", "ORC", "CSV", "JSON"};
  for (const std::string_view format : kFormats) {
    if (format == data_source_format) return LowerAscii(format);
  }
  return std::nullopt;
}

Result<std::map<std::string, std::optional<std::string>>> FolderValues(
    const std::string& path, const std::vector<std::string>& columns) {
  std::map<std::string, std::optional<std::string>> values;
  std::string_view rest = path;
  for (const std::string& column : columns) {
    const size_t slash = rest.find('/');
    const std::string_view folder = rest.substr(0, slash);
    const size_t equals = folder.find('=');
    const bool named = slash != rest.npos && equals != folder.npos && equals + 1 < folder.size() &&
                       LowerAscii(Unescape(folder.substr(0, equals))) == LowerAscii(column);
    if (!named) {
      return Misplaced(path, fmt::format("and not in a folder {}=... of its partitions", column));
    }
    const std::string value = Unescape(folder.substr(equals + 1));
    values[column] = value == kNullFolder ? std::nullopt : std::optional(value);
    rest.remove_prefix(slash + 1);
  }
  if (rest.find('/') == rest.npos) return values;
  return Misplaced(path, columns.empty()
                             ? "in a folder of its own, and the table has no partition columns"
                             : "deeper than its partition folders");
}

Result<std::vector<delta::File>> ListTableFiles(azure::Storage& storage,
                                                const azure::Location& folder,
                                                const std::vector<std::string>& partition_columns) {
  CommitNotes notes;
  std::vector<delta::File> files;
  TRY_VOID(azure::ListFiles(storage, folder, true, [&](azure::StoredFile stored) -> Status {
    notes.See(stored);
    if (azure::IsHidden(stored.path) || stored.size_bytes == 0) return OkStatus();
    delta::File file;
    TRY(file.partition_values, FolderValues(stored.path, partition_columns));
    file.path = std::move(stored.path);
    file.size_bytes = stored.size_bytes;
    file.modified_ms = stored.modified_ms;
    file.etag = std::move(stored.etag);
    files.push_back(std::move(file));
    return OkStatus();
  }));
  TRY(const std::set<std::string> removed, notes.ReadRemoved(storage, folder));
  std::erase_if(files, [&](const delta::File& file) { return removed.contains(file.path); });
  std::sort(files.begin(), files.end(),
            [](const delta::File& a, const delta::File& b) { return a.path < b.path; });
  return files;
}

Result<Snapshot> ReadFileTable(const SourceTable& source, const databricks::Table& table,
                               azure::Storage& storage) {
  Snapshot snapshot;
  snapshot.source = source;
  snapshot.version = kNoVersion;
  TRY(CatalogSchema schema, ReadCatalogSchema(table));
  TRY(snapshot.options, ReadOptions(source.format, table, *schema.data));
  snapshot.logical = std::move(schema.logical);
  snapshot.physical = std::move(schema.data);
  snapshot.schema_json = std::move(schema.schema_json);
  snapshot.partition_columns = std::move(schema.partition_columns);
  TRY(snapshot.files, ListTableFiles(storage, source.location, snapshot.partition_columns));
  TRY_VOID(CheckCodecs(snapshot));
  snapshot.table_id = ContentId(snapshot);
  snapshot.warnings.push_back(
      fmt::format("a table of {} files has no version to copy: its files are those that were "
                  "there when it was planned; one that is written again meanwhile fails its unit, "
                  "one that is added is not copied. Stop its writers",
                  source.format));
  if (snapshot.files.empty()) {
    snapshot.warnings.push_back("no file lies below " + azure::ToText(source.location));
  }
  return snapshot;
}

}  // namespace mms::migration
