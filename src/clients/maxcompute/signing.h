// Signs requests to MaxCompute: plain ("ODPS <key>:<signature>") and v4 (regional key).
// Thread-safe.
//
// Source: PyODPS 0.13 (accounts.py) and odps-sdk-core 0.52 produce and accept exactly these
// signatures. In v4 SHA-256 derives the key of a day; the signature itself stays HMAC-SHA1.
#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/secret.h"

namespace mms::maxcompute {

struct Credentials {
  std::string access_key_id;
  Secret access_key_secret;
  Secret security_token;  ///< STS; empty = none
  std::string region;     ///< "" = plain signing, else v4 with this region
};

/// What a signature covers. All text is plain, never percent-encoded: the service signs what it
/// decoded.
struct SignedRequest {
  std::string method;
  std::string path;  ///< relative to the endpoint: without its /api prefix
  std::vector<std::pair<std::string, std::string>> query;
  std::vector<std::pair<std::string, std::string>> headers;  ///< any; the signed ones are picked
};

/// The text that is signed.
std::string CanonicalText(const SignedRequest& request);

/// "Sun, 22 Nov 2026 18:00:00 GMT": the Date header.
std::string HttpDate(std::chrono::system_clock::time_point time);

class Signer {
 public:
  explicit Signer(Credentials credentials) : credentials_(std::move(credentials)) {}

  const Credentials& credentials() const { return credentials_; }

  /// Value of the Authorization header. `time` chooses the day of a v4 key (UTC).
  std::string Authorization(const SignedRequest& request,
                            std::chrono::system_clock::time_point time);

 private:
  std::string RegionalKey(const std::string& day);

  Credentials credentials_;
  std::mutex mutex_;
  std::string key_day_;  // guarded by mutex_; the day (yyyymmdd) regional_key_ is for
  std::string regional_key_;
};

}  // namespace mms::maxcompute
