// Reading blobs: Arrow files for a location and its credentials, and the way of the Delta kernel's
// object store to the same account. Thread-safe after construction.
//
// Opened are files whose path and size the Delta log or a listing (listing.h) names.
#pragma once

#include <arrow/io/type_fwd.h>
#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/http_client.h"
#include "base/result.h"
#include "base/secret.h"
#include "clients/azure/account.h"
#include "clients/azure/arrow_error.h"
#include "clients/azure/credential.h"
#include "clients/azure/location.h"
#include "clients/azure/service_principal.h"

namespace mms::azure {

enum class StorageAuth {
  kSas,
  kServicePrincipal,
  kVended,  ///< by Unity Catalog, for each table
};

struct StorageOptions {
  std::string account;  ///< used when a location has none
  StorageAuth auth = StorageAuth::kSas;
  Secret sas;                  ///< with or without a leading '?'
  std::string sas_file;        ///< where `sas` was read, and is read again; "" = nowhere
  ServicePrincipal principal;  ///< with kServicePrincipal
  std::string
      endpoint;  ///< "" = https://account.blob.suffix; else e.g. http://127.0.0.1:10000/account
  std::shared_ptr<HttpClient> http;  ///< null = one of its own
  /// Shared by storages that read with the same credential; null = Open makes one of `auth`. With
  /// kVended the caller's, since only it knows the table.
  std::shared_ptr<CredentialKeeper> keeper;
};

/// Of `auth`, without a request. Errors: kInvalidInput STORAGE_SAS_MISSING, STORAGE_SAS_INVALID,
/// STORAGE_VENDED_LOCATION (kVended: a table that is no catalog's); kDenied STORAGE_SAS_RIGHTS,
/// STORAGE_SAS_EXPIRED when the SAS's own `se=` has passed and its file has no newer one.
Result<std::shared_ptr<CredentialKeeper>> MakeKeeper(const StorageOptions& options,
                                                     const std::shared_ptr<HttpClient>& http);

class Storage {
 public:
  /// `any`: a location that the storage is for; account and cloud are taken from it. No request is
  /// sent. Errors: kInvalidInput STORAGE_ENDPOINT, STORAGE_ACCOUNT_MISSING; those of MakeKeeper. A
  /// local location needs no credentials.
  static Result<std::shared_ptr<Storage>> Open(const StorageOptions& options, const Location& any);

  /// The same storage; what it sends to this one's callers is added to `sent`. A local one sends
  /// nothing.
  std::shared_ptr<Storage> Counted(ByteCount sent) const;

  /// Opens a file for ranged reads without a request; `size_bytes` as in the log. `location.path`
  /// is the file's path, decoded (ResolveFile). `etag`: what it held when it was listed; "" = as it
  /// is. A file of another account (shallow clones) is read by a service principal alone: a SAS
  /// and what Unity Catalog vends end at their account. Errors: kUnsupported STORAGE_OTHER_ACCOUNT;
  /// local files: kNotFound, kDenied, kConflict STORAGE_CHANGED. Reads report through FromArrow.
  Result<std::shared_ptr<arrow::io::RandomAccessFile>> OpenFile(const Location& location,
                                                                int64_t size_bytes,
                                                                const std::string& etag = "");

  /// Keys of object_store for the Delta kernel, to what lies at `location`; no credentials, which
  /// Send adds. Errors: kUnsupported STORAGE_OTHER_ACCOUNT as OpenFile.
  Result<std::map<std::string, std::string>> KernelOptions(const Location& location) const;
  /// "https://host/container", percent-encoded; not of a local one.
  std::string ContainerUrl(const std::string& container) const;
  /// Sends a request of the kernel's store, or a listing's. Errors: as Account::Send.
  Result<HttpResponse> Send(const HttpRequest& request);
  bool local() const { return local_; }

 private:
  Storage() = default;
  struct Reach {
    std::string account;
    std::string base_url;  ///< without a slash at the end; container and path follow
  };
  Result<Reach> ReachOf(const Location& location) const;

  bool local_ = false;
  bool any_account_ = false;          ///< the credential is good for other accounts too
  bool own_endpoint_ = false;         ///< StorageOptions::endpoint is set
  std::string name_;                  ///< of the account
  std::string base_url_;              ///< of the account
  std::shared_ptr<Account> account_;  ///< null when local
};

/// What stands for an ETag of a local file.
std::string LocalEtag(const struct stat& facts);

}  // namespace mms::azure
