// Reading blobs: Arrow files for a location and its credentials, and the same settings as the
// option map of the Delta kernel's object store. Thread-safe after construction.
//
// C++ only opens files whose path and size the Delta log names; it never lists (the kernel does).
#pragma once

#include <arrow/io/type_fwd.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/http_client.h"
#include "base/result.h"
#include "base/secret.h"
#include "clients/azure/arrow_error.h"
#include "clients/azure/location.h"
#include "clients/azure/sas.h"

namespace mms::azure {

struct StorageOptions {
  std::string account;  ///< used when a location has none
  Secret sas;           ///< with or without a leading '?'
  std::string
      endpoint;  ///< "" = https://account.blob.suffix; else e.g. http://127.0.0.1:10000/account
  std::shared_ptr<HttpClient> http;  ///< null = one of its own
};

class Storage {
 public:
  /// `any`: a location that the storage is for; account and cloud are taken from it. No request is
  /// sent. Errors: kInvalidInput STORAGE_ENDPOINT, STORAGE_ACCOUNT_MISSING, STORAGE_SAS_MISSING,
  /// STORAGE_SAS_INVALID; kDenied STORAGE_SAS_RIGHTS, STORAGE_SAS_EXPIRED when the SAS's own `se=`
  /// has passed (names the time). A local location needs no credentials.
  static Result<std::shared_ptr<Storage>> Open(const StorageOptions& options, const Location& any);

  /// Opens a file for ranged reads without a request; `size_bytes` as in the log. `location.path`
  /// is the file's path, decoded (ResolveFile). Errors: kUnsupported STORAGE_OTHER_ACCOUNT for a
  /// file of another account (shallow clones); local files: kNotFound, kDenied. Reads report
  /// through FromArrow.
  Result<std::shared_ptr<arrow::io::RandomAccessFile>> OpenFile(const Location& location,
                                                                int64_t size_bytes);

  /// Keys of object_store for the Delta kernel (contains the SAS: never log it).
  const std::map<std::string, std::string>& kernel_options() const { return kernel_options_; }

  /// End of the SAS; nullopt = local, or the SAS does not tell.
  std::optional<int64_t> sas_expires_ms() const { return sas_.facts.expires_ms; }

 private:
  Storage() = default;

  bool local_ = false;
  std::string account_;
  std::string base_url_;  ///< without a slash at the end; container and path follow
  Sas sas_;
  std::shared_ptr<HttpClient> http_;
  std::map<std::string, std::string> kernel_options_;
};

}  // namespace mms::azure
