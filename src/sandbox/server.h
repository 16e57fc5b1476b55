// Routes the sandbox's one port: control plane (REST) and tunnel share it, told apart by path and
// parameters (target.h). Around every call stand the signature, fault rules, limits and counters.
// Every answer has a request id; errors are XML on the control plane and JSON on the tunnel.
// Thread-safe: Handle runs on many threads.
#pragma once

#include <array>
#include <atomic>

#include "sandbox/call.h"
#include "sandbox/catalog.h"
#include "sandbox/faults.h"
#include "sandbox/instances.h"
#include "sandbox/limits.h"
#include "sandbox/signature.h"
#include "sandbox/storage.h"
#include "sandbox/target.h"
#include "sandbox/tunnel_download.h"
#include "sandbox/tunnel_upload.h"
#include "sandbox/tunnel_upsert.h"
#include "sandbox/users.h"

namespace mms::sandbox {

struct ServerOptions {
  Users users;
  LimitOptions limits;
  int64_t session_s = 24 * 3600;  ///< life of upload and download sessions
};

class Server {
 public:
  Server(Catalog* catalog, Storage* storage, InstanceStore* instances, ServerOptions options)
      : catalog_(catalog),
        storage_(storage),
        users_(std::move(options.users)),
        limits_(options.limits),
        instances_(catalog, storage, instances),
        upload_(catalog, storage, options.session_s),
        download_(catalog, storage, options.session_s),
        upsert_(catalog, storage, options.session_s),
        stream_(catalog, storage) {}

  void Handle(ServerRequest& request, HttpResponder& responder);
  /// The answer to a request whose header cannot be read: as every other error, with an id.
  static std::pair<HttpHeaders, std::string> RefuseHeader(int status);
  /// The rules in force from the start. Errors: as Faults::Set.
  Status SetFaults(const std::string& json_text) { return faults_.Set(json_text); }
  /// Call before the listener's Stop.
  void EndDelays() { faults_.EndDelays(); }

 private:
  /// One request in hand.
  struct Exchange {
    const Call& call;
    const Target& target;
    const User& user;
    HttpResponder* responder;
  };
  struct Counters {
    std::atomic<int64_t> calls = 0;
    std::atomic<int64_t> failed = 0;   ///< answered with an error of any kind
    std::atomic<int64_t> refused = 0;  ///< by a limit
    std::atomic<int64_t> faults = 0;   ///< a fault rule fired
  };

  /// Key and value of each level that must fit.
  using PartitionFilter = std::vector<std::pair<std::string, std::string>>;

  struct ReplyTo {
    std::string request_id;
    CallName name;
  };
  void Reply(Result<Answer> answer, const ReplyTo& to, HttpResponder* responder);
  Result<Answer> Serve(const Exchange& exchange);
  Result<Answer> Route(const Exchange& exchange);
  Result<Answer> RouteProject(const Exchange& exchange);
  Result<Answer> RouteTunnel(const Exchange& exchange);
  Result<Answer> RouteInstance(const Exchange& exchange);
  Result<Answer> Admin(const Call& call, CallName name);
  Result<Answer> CreateSchema(const Call& call, const Target& target);
  Result<Answer> NamedSchema(const Call& call, const Target& target);
  Result<Answer> ListTables(const Call& call, const Target& target);
  Result<Answer> GetTable(const Call& call, const Table& table);
  Result<Answer> PreviewTable(const Call& call, const Table& table);
  Result<Answer> ListPartitions(const Call& call, const Table& table);
  /// At most `limit` that fit, after `marker`; it becomes the next page's, "" when none follows.
  Result<std::vector<PartitionInfo>> PartitionPage(const Table& table,
                                                   const PartitionFilter& wanted, size_t limit,
                                                   std::string* marker);
  Result<Answer> ListInstances(const Exchange& exchange);
  Result<Answer> SubmitInstance(const Exchange& exchange);
  Result<Answer> CancelInstance(const Exchange& exchange);
  Result<Answer> GetInstance(const Exchange& exchange);
  Result<Answer> InstanceResult(const InstanceView& instance);
  Result<Answer> SignToken(const Call& call);
  nlohmann::json DescribeCounters();
  Counters& CountersOf(CallName name) { return counters_[static_cast<size_t>(name)]; }

  Catalog* catalog_;
  Storage* storage_;
  Users users_;
  Limits limits_;
  Faults faults_;
  Instances instances_;
  TunnelUpload upload_;
  TunnelDownload download_;
  TunnelUpsert upsert_;
  TunnelStream stream_;
  std::array<Counters, kCallNames> counters_;
};

}  // namespace mms::sandbox
