// A table without a log: its columns are the catalog's, its files those that lie below its folder
// now, its partition values the names of their folders. Nothing pins it, so each file is known by
// what the storage says it holds (ETag), and one that changes before it is read fails its unit.
//
// Source of the facts: Spark 4.0, ExternalCatalogUtils (escaping of partition folders),
// PartitioningUtils, PartitioningAwareFileIndex (files of no bytes are not read; those beside or
// below the partition folders are), and the options of its data sources' documentation.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "clients/azure/storage.h"
#include "clients/databricks/unity_catalog.h"
#include "clients/delta/table.h"
#include "migration/inspect/snapshot.h"

namespace mms::migration {

/// "parquet", "orc", ... of the catalog's data_source_format; nullopt = a format that is not read
/// from files.
std::optional<std::string> FileFormat(std::string_view data_source_format);

/// The values of the partition columns that the folders in `path` name. Errors: kUnsupported
/// TABLE_FILE_MISPLACED when they are not those of `columns`, in order.
Result<std::map<std::string, std::optional<std::string>>> FolderValues(
    const std::string& path, const std::vector<std::string>& columns);

/// The table's files as they are now, sorted by path; without those that a committed job of
/// Databricks has replaced. Errors: azure::ListFiles', TABLE_FILE_MISPLACED, kConflict
/// TABLE_COMMIT_OPEN (a job began to write and has not committed), kCorrupt
/// TABLE_COMMIT_UNREADABLE.
Result<std::vector<delta::File>> ListTableFiles(azure::Storage& storage,
                                                const azure::Location& folder,
                                                const std::vector<std::string>& partition_columns);

/// `table` as FetchTable gives it. Errors: those of ListTableFiles and ReadCatalogSchema;
/// kUnsupported TABLE_OPTION_UNSUPPORTED, TYPE_UNSUPPORTED, FILE_CODEC_UNSUPPORTED.
Result<Snapshot> ReadFileTable(const SourceTable& source, const databricks::Table& table,
                               azure::Storage& storage);

}  // namespace mms::migration
