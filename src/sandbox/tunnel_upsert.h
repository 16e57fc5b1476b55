// Upsert sessions of tables with a primary key, and stream uploads: create, get, put records,
// commit or abort. What an upsert session was sent is kept in order; its commit merges by key, the
// last change of a key wins, in one catalog transaction that replaces the partition's files. A
// stream upload has no commit: each put is one. Sessions of upserts outlive a restart, streams do
// not. Protocol as PyODPS 0.13 and odps-sdk-core 0.52 speak it. Thread-safe. Errors carry the
// tunnel's codes.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "sandbox/call.h"
#include "sandbox/catalog.h"
#include "sandbox/storage.h"
#include "sandbox/target.h"

namespace mms::sandbox {

class TunnelUpsert {
 public:
  TunnelUpsert(Catalog* catalog, Storage* storage, int64_t session_s)
      : catalog_(catalog), storage_(storage), session_s_(session_s) {}

  /// A call below .../upserts.
  Result<Answer> Handle(const Call& call, const Target& target);

 private:
  Result<Answer> Create(const Call& call, const Table& table);
  Result<Answer> SessionAnswer(const Call& call, const Table& table, const Upload& upload);
  Result<Answer> Put(const Call& call, const Table& table, const Upload& upload);
  Result<Answer> Commit(const Call& call, const Table& table, Upload upload);
  Status Merge(const Table& table, const Upload& upload);

  Catalog* catalog_;
  Storage* storage_;
  const int64_t session_s_;
  std::mutex merging_;  ///< one merge at a time: each reads a whole partition
};

class TunnelStream {
 public:
  TunnelStream(Catalog* catalog, Storage* storage) : catalog_(catalog), storage_(storage) {}

  /// A call below .../streams.
  Result<Answer> Handle(const Call& call, const Target& target);

 private:
  struct Session {
    int64_t table_id = 0;
    PartitionSpec spec;
  };
  Result<Answer> Create(const Call& call, const Table& table);
  Result<Answer> Put(const Call& call, const Table& table, const Session& session);
  Result<Session> Find(const std::string& id, const Table& table);

  Catalog* catalog_;
  Storage* storage_;
  std::mutex mutex_;
  std::map<std::string, Session> sessions_;
};

}  // namespace mms::sandbox
