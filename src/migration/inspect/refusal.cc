#include "migration/inspect/refusal.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "base/http_client.h"
#include "base/secret.h"
#include "migration/inspect/file_table.h"

namespace mms::migration {
namespace {

using databricks::Table;

struct Kind {
  std::string_view type;
  std::string_view what;  ///< what it is and what to do
};

constexpr std::array kKindsRefused = {
    Kind{"VIEW",
         "a view has no files; make the target's view by hand, or store its rows as a Delta table "
         "(CREATE TABLE ... AS SELECT)"},
    Kind{"METRIC_VIEW", "a metric view has no files; define the metric again at the target"},
    Kind{"MATERIALIZED_VIEW",
         "a materialized view's files are internal to Databricks; store its rows as a "
         "Delta table (CREATE TABLE ... AS SELECT)"},
    Kind{"STREAMING_TABLE",
         "a streaming table's files are internal to its pipeline; store its rows as a "
         "Delta table (CREATE TABLE ... AS SELECT)"},
    Kind{"FOREIGN",
         "a foreign table's rows lie in another system; move it from there, or store its rows as "
         "a Delta table (CREATE TABLE ... AS SELECT)"},
};

constexpr std::array<std::string_view, 4> kKindsRead = {
    "MANAGED", "EXTERNAL", "MANAGED_SHALLOW_CLONE", "EXTERNAL_SHALLOW_CLONE"};
// UniForm adds metadata of other formats beside an ordinary Delta log.
constexpr std::array<std::string_view, 3> kDeltaFormats = {"DELTA", "DELTA_UNIFORM_ICEBERG",
                                                           "DELTA_UNIFORM_HUDI"};

template <size_t N>
bool Contains(const std::array<std::string_view, N>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

Error Refused(std::string_view code, std::string message) {
  return Error(ErrorKind::kUnsupported, std::string(code), std::move(message));
}

std::optional<Error> KindRefusal(const Table& table) {
  for (const Kind& kind : kKindsRefused) {
    if (kind.type == table.table_type) {
      return Refused("TABLE_KIND_UNSUPPORTED",
                     fmt::format("it is a {}: {}; leave it out (`exclude`, of a job --but)",
                                 kind.type, kind.what));
    }
  }
  if (Contains(kKindsRead, table.table_type)) return std::nullopt;
  return Refused(
      "TABLE_KIND_UNSUPPORTED",
      fmt::format("its table type \"{}\" is not known here; store its rows as a Delta table, or "
                  "leave it out (`exclude`, of a job --but)",
                  table.table_type));
}

std::optional<Error> GuardRefusal(const Table& table) {
  if (table.row_filtered) {
    return Refused(
        "TABLE_ROW_FILTER",
        "it has a row filter, and its files would show the rows that the filter hides; drop the "
        "filter for the migration (ALTER TABLE ... DROP ROW FILTER), or leave it out ("
        "`exclude`, of a job --but)");
  }
  std::vector<std::string_view> masked;
  for (const databricks::Column& column : table.columns) {
    if (column.masked) masked.push_back(column.name);
  }
  if (masked.empty()) return std::nullopt;
  return Refused(
      "TABLE_COLUMN_MASK",
      fmt::format("it has a column mask ({}), and its files would show what the mask hides; drop "
                  "the mask for the migration (ALTER TABLE ... ALTER COLUMN ... DROP MASK), or "
                  "leave it out (`exclude`, of a job --but)",
                  fmt::join(masked, ", ")));
}

/// Unity Catalog keeps a location as a URI and gives it as it was registered: a blank stands as
/// %20. The parser takes paths of the blob schemes as written, so they are decoded here, once.
Result<azure::Location> ParseCatalogLocation(const std::string& text) {
  TRY(azure::Location location, azure::ParseLocation(text));
  const bool decoded = location.local || text.starts_with("https:") || text.starts_with("http:");
  if (!decoded) location.path = UrlDecode(location.path);
  return location;
}

std::string LastFolder(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == path.npos ? path : path.substr(slash + 1);
}

/// nullopt = one that is not read.
std::optional<std::string> FormatOf(const Table& table) {
  if (Contains(kDeltaFormats, table.data_source_format)) return kDeltaFormat;
  return FileFormat(table.data_source_format);
}

}  // namespace

std::optional<Error> RefusalOf(const Table& table) {
  if (auto refusal = KindRefusal(table)) return refusal;
  if (!FormatOf(table)) {
    return Refused(
        "TABLE_FORMAT_UNSUPPORTED",
        fmt::format(
            "its format is {}, which is not read from files; convert it (CONVERT TO DELTA, or "
            "CREATE TABLE ... AS SELECT), or leave it out (`exclude`, of a job --but)",
            table.data_source_format.empty() ? "not told" : table.data_source_format));
  }
  if (table.browse_only) {
    return Error(
        ErrorKind::kDenied, "TABLE_BROWSE_ONLY",
        "the token may only browse it; grant SELECT on the table (and USE SCHEMA, USE CATALOG) to "
        "the token's user, or leave it out (`exclude`, of a job --but)");
  }
  if (auto refusal = GuardRefusal(table)) return refusal;
  if (table.storage_location.empty()) {
    return Refused(
        "TABLE_LOCATION_MISSING",
        "the catalog does not tell where its files are; give its folder as tables[].location, or "
        "leave it out (`exclude`, of a job --but)");
  }
  return std::nullopt;
}

SourceTable MakeSourceTable(const Table& table) {
  SourceTable source;
  source.name = table.FullName();
  source.schema = table.schema;
  source.table = table.name;
  source.catalog_id = table.id;
  source.comment = table.comment;
  for (const databricks::Column& column : table.columns) {
    if (!column.comment.empty()) source.column_comments[column.name] = column.comment;
  }
  for (const std::string& parent : table.foreign_keys_to) {
    source.warnings.push_back("the foreign key to " + parent +
                              " is not copied: MaxCompute has none");
  }
  source.refusal = RefusalOf(table);
  if (!source.refusal) {
    source.format = *FormatOf(table);
    auto location = ParseCatalogLocation(table.storage_location);
    if (location) {
      source.location = *std::move(location);
    } else {
      source.refusal = std::move(location).error();
    }
  }
  if (source.refusal) {
    Error named = std::move(*source.refusal).At("table " + source.name);
    source.refusal = std::move(named);
  }
  return source;
}

SourceTable MakeSourceTable(const std::string& location, const std::string& as) {
  SourceTable source;
  source.target_as = as;
  auto parsed = azure::ParseLocation(location);
  if (!parsed) {
    // A query could hold a SAS.
    source.name = ScrubSecrets(location.substr(0, location.find('?')));
    source.table = LastFolder(source.name);
    source.refusal = std::move(parsed).error().At("table " + source.name);
    return source;
  }
  source.location = *std::move(parsed);
  source.name = azure::ToText(source.location);
  source.table = LastFolder(source.location.path);
  return source;
}

}  // namespace mms::migration
