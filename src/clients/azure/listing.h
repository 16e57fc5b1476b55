// The files below a folder, for tables that have no log to name them. Streamed page by page; one
// request after another (5,000 files each), whatever the depth of the folders. Left out is what
// Spark leaves out when it looks for a table's files: whatever has a part of its path that begins
// with '_' (unless it is a partition folder, `_x=1`) or '.', or ends with "._COPYING_".
//
// Source: Azure Blob REST, "List Blobs" (prefix without delimiter, NextMarker; names that XML
// cannot hold come percent-encoded and marked so; a folder of an account with a hierarchical
// namespace is an entry of ResourceType directory, one made through Hadoop has the metadata
// hdi_isfolder). Spark 4.0, HadoopFSUtils.shouldFilterOutPathName.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "clients/azure/location.h"
#include "clients/azure/storage.h"

namespace mms::azure {

struct StoredFile {
  std::string path;  ///< relative to the folder, as named
  int64_t size_bytes = 0;
  /// What it holds, in the storage's words: another one after every write.
  std::string etag;
  int64_t modified_ms = 0;  ///< 0 = not told
};

/// `hidden`: also those left out. In no certain order; a folder that is not there has no files.
/// `visit` returns an error to stop. Errors: azure::FromAnswer's and Account::Send's, kCorrupt
/// STORAGE_ANSWER; all naming the folder.
Status ListFiles(Storage& storage, const Location& folder, bool hidden,
                 const std::function<Status(StoredFile)>& visit);

/// True when Spark would not read a file of this path below a table's folder.
bool IsHidden(std::string_view path);

/// "Wed, 09 Sep 2009 09:20:02 GMT"; 0 = no such date.
int64_t ParseHttpDate(const std::string& text);

}  // namespace mms::azure
