// Download sessions of the tunnel, for tables and for results of queries: create, get, read a row
// range in Arrow or record form. A session fixes the version of its partition; data that changed
// since is refused with TableModified, unless the session was made with disable_modified_check.
// Sessions live for a day, in the catalog. Protocol as PyODPS 0.13 and odps-sdk-core 0.52 speak it.
// Thread-safe. Errors carry the tunnel's codes.
#pragma once

#include <string>

#include "sandbox/call.h"
#include "sandbox/catalog.h"
#include "sandbox/instances.h"
#include "sandbox/storage.h"

namespace mms::sandbox {

class TunnelDownload {
 public:
  TunnelDownload(Catalog* catalog, Storage* storage, int64_t session_s)
      : catalog_(catalog), storage_(storage), session_s_(session_s) {}

  Result<Answer> CreateForTable(const Call& call, const TableName& name);
  Result<Answer> CreateForInstance(const Call& call, const InstanceView& instance);
  /// GET ?downloadid without ?data.
  Result<Answer> Get(const Call& call);
  /// GET ?downloadid&data. An error before the first byte is returned; later ones cut the
  /// connection.
  Status Stream(const Call& call, HttpResponder* responder);

 private:
  struct Session;
  struct Reading;

  Result<Answer> Keep(const Call& call, Session session);
  Result<Session> Find(const Call& call);
  Result<Reading> Prepare(const Call& call, const Session& session);
  Status CheckNanos(const Reading& reading) const;

  Catalog* catalog_;
  Storage* storage_;
  const int64_t session_s_;
};

/// The columns of a list "a,b", in its order; all when it is empty. Errors: kInvalidInput
/// InvalidColumnSpec.
Result<std::vector<Column>> ColumnsNamed(const std::string& list, const std::vector<Column>& all);

}  // namespace mms::sandbox
