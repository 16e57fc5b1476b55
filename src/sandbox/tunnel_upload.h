// Batch upload sessions of the tunnel: create, get, put block, commit. A block streams from the
// socket through checksum and decoding into its Parquet file; it counts only when its last byte was
// right, and then replaces a block of the same id. A session outlives a restart; commit is one
// catalog transaction (storage.h). Protocol as PyODPS 0.13 and odps-sdk-core 0.52 speak it.
// Thread-safe. Errors carry the tunnel's codes.
#pragma once

#include <mutex>
#include <set>
#include <string>

#include "sandbox/call.h"
#include "sandbox/catalog.h"
#include "sandbox/storage.h"

namespace mms::sandbox {

class TunnelUpload {
 public:
  TunnelUpload(Catalog* catalog, Storage* storage, int64_t session_s)
      : catalog_(catalog), storage_(storage), session_s_(session_s) {}

  /// A request with ?uploads or ?uploadid on a table.
  Result<Answer> Handle(const Call& call, const TableName& name);

 private:
  Result<Answer> Create(const Call& call, const Table& table);
  Result<Answer> PutBlock(const Call& call, const Table& table, const Upload& upload);
  Result<Answer> Commit(const Table& table, const Upload& upload);
  Result<Answer> SessionAnswer(const Table& table, const Upload& upload, int status);
  Result<Block> ReceiveBlock(const Call& call, const Table& table, const std::string& path);

  Catalog* catalog_;
  Storage* storage_;
  const int64_t session_s_;
  std::mutex mutex_;
  std::set<std::string> committing_;
};

/// A switch of a request: there, and not "false".
bool IsTrue(const Call& call, const std::string& name);

/// The partition a request names, checked against the table; "" for a table without partitions.
Result<PartitionSpec> PartitionOf(const Call& call, const Table& table);

}  // namespace mms::sandbox
