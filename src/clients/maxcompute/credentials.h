// Who we are to MaxCompute: an access key (with an STS token or not) or a bearer token, fixed or
// renewed before it lapses. KeyKeeper is thread-safe; asking it may run the renewal.
//
// A renewal is a command or a file that gives one JSON object, as the metadata service of an ECS
// role and the tools of Alibaba Cloud write it:
//   {"AccessKeyId": ..., "AccessKeySecret": ..., "SecurityToken": ..., "Expiration":
//    "2026-01-01T12:00:00Z"}     or     {"BearerToken": ..., "Expiration": ...}
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/secret.h"

namespace mms::maxcompute {

struct Credentials {
  std::string access_key_id;
  Secret access_key_secret;
  Secret security_token;      ///< STS; empty = none
  std::string region;         ///< "" = plain signing, else v4 with this region
  Secret bearer_token{};      ///< set: sent instead of a signature
  std::string key_command{};  ///< shell command that prints a key; "" = none
  std::string key_file{};     ///< file that holds a key; "" = none
};

struct AccessKey {
  std::string id;
  Secret secret;
  Secret security_token;
  Secret bearer_token;
  std::optional<std::chrono::system_clock::time_point> expires;  ///< nullopt = never, or not told
};

/// Errors: kDenied ODPS_CREDENTIALS.
using KeyProvider = std::function<Result<AccessKey>()>;

/// Reads the JSON object above. Errors: kDenied ODPS_CREDENTIALS; never shows the text.
Result<AccessKey> ParseKey(const std::string& json);
KeyProvider FromCommand(std::string command);
KeyProvider FromFile(std::string path);

class KeyKeeper {
 public:
  /// Renewed by `key_command` or `key_file` when one is set.
  explicit KeyKeeper(const Credentials& credentials);
  /// Renewed by `provider`.
  KeyKeeper(const Credentials& credentials, KeyProvider provider);

  /// The key to use at `now`: renewed ten minutes before it lapses, then at most once in half a
  /// minute. A renewal that fails is an error once the old key has lapsed.
  Result<AccessKey> Get(std::chrono::system_clock::time_point now);

  /// The service refused `key`. True when there is another one to try now.
  bool Refused(const AccessKey& key);

 private:
  Status Renew();  // holds mutex_

  KeyProvider provider_;  ///< empty: the key stays
  std::mutex mutex_;
  AccessKey key_;                                // guarded by mutex_
  bool known_ = false;                           // guarded by mutex_; key_ may be used
  std::chrono::system_clock::time_point tried_;  // guarded by mutex_; the last renewal
};

}  // namespace mms::maxcompute
