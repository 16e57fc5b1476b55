// Where a table lies: one spelling for all the ways Databricks and people write a place in Azure
// Blob storage (abfss, abfs, az, wasbs, wasb, https), plus local folders (file://). Neither Arrow's
// nor object_store's own URI parser reads all of them right (Arrow loses the container of az:// and
// wasbs:// without an error), so both libraries get parts from here. Pure; no I/O.
//
// Source of the forms: Microsoft's "ABFS URI scheme" page (container@account.dfs.suffix), Hadoop's
// Azure Blob page (wasb), "Azure DNS zone endpoints" (account.z12.blob.storage.azure.net).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace mms::azure {

struct Location {
  bool local = false;
  std::string account;    ///< "" when local, or when az://container/path leaves it to the settings
  std::string suffix;     ///< "core.windows.net", "z12.storage.azure.net", ...; "" = unknown
  std::string container;  ///< "" when local
  std::string path;       ///< in the container without slashes at the ends; local: absolute

  bool operator==(const Location&) const = default;
};

/// Paths are taken as written (Unity Catalog locations are not percent-encoded), except those of
/// https and file URLs, which are decoded once. Errors: kUnsupported LOCATION_UNSUPPORTED for
/// dbfs:/, s3://, gs:// with what to do instead; kInvalidInput LOCATION_INVALID.
Result<Location> ParseLocation(std::string_view text);

/// The place of a file of a table at `root`. `file_path` as delta::File has it, that is decoded:
/// relative to the root, or absolute (a shallow clone names files of another table by full URL, or
/// by a path that begins with a slash). Errors: as ParseLocation; kCorrupt LOCATION_ESCAPES when it
/// leaves the root by "..".
Result<Location> ResolveFile(const Location& root, std::string_view file_path);

/// One spelling for messages and reports: abfss://container@account.dfs.suffix/path or
/// file:///path.
std::string ToText(const Location& location);

/// What delta::Table::Open takes: az://container/path/ or file:///path/, percent-encoded, with the
/// closing slash that joining relative paths needs.
std::string ToTableUrl(const Location& location);

/// "account.blob.core.windows.net" (the zone of a DNS-zone account stands before "blob").
std::string BlobHost(const std::string& account, const std::string& suffix);

}  // namespace mms::azure
