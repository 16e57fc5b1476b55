// Routes the sandbox's one port: control plane (REST) and tunnel share it, told apart by path and
// parameters. Every answer has a request id; errors are XML on the control plane and JSON on the
// tunnel. Thread-safe: Handle runs on many threads.
#pragma once

#include "sandbox/call.h"
#include "sandbox/catalog.h"
#include "sandbox/instances.h"
#include "sandbox/signature.h"
#include "sandbox/storage.h"
#include "sandbox/tunnel_download.h"
#include "sandbox/tunnel_upload.h"

namespace mms::sandbox {

class Server {
 public:
  Server(Catalog* catalog, Storage* storage, Credentials credentials)
      : catalog_(catalog),
        credentials_(std::move(credentials)),
        instances_(catalog, storage),
        upload_(catalog, storage),
        download_(catalog, storage) {}

  void Handle(ServerRequest& request, HttpResponder& responder);

 private:
  /// What a path names below /projects/P.
  struct Resource {
    std::string project;
    std::string schema = "default";
    std::vector<std::string> rest;  ///< "tables", "t" / "instances", "i" / ...
  };

  Result<Answer> Route(const Call& call, HttpResponder* responder);
  Result<Answer> RouteProject(const Call& call, HttpResponder* responder);
  Result<Answer> Tunnel(const Call& call, const Resource& at, HttpResponder* responder);
  Result<Answer> Schemas(const Call& call, const Resource& at);
  Result<Answer> Tables(const Call& call, const Resource& at);
  Result<Answer> TableRequest(const Call& call, const TableName& name);
  Result<Answer> ListPartitions(const Call& call, const Table& table);
  Result<Answer> SubmitInstance(const Call& call, const Resource& at);
  Result<Answer> InstanceRequest(const Call& call, const Resource& at);
  Result<Answer> InstanceResult(const InstanceView& instance);
  Result<Answer> Authorization(const Call& call);

  Catalog* catalog_;
  Credentials credentials_;
  Instances instances_;
  TunnelUpload upload_;
  TunnelDownload download_;
};

}  // namespace mms::sandbox
