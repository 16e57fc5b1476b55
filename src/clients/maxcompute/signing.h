// Signs requests to MaxCompute: plain ("ODPS <key>:<signature>") and v4 (regional key). Pure.
//
// Source: PyODPS 0.13 (accounts.py) and odps-sdk-core 0.52 produce and accept exactly these
// signatures. In v4 SHA-256 derives the key of a day; the signature itself stays HMAC-SHA1.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "clients/maxcompute/credentials.h"

namespace mms::maxcompute {

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

/// Value of the Authorization header: plain, or v4 when `region` is set. `time` chooses the day of
/// a v4 key (UTC).
std::string Authorization(const SignedRequest& request, const AccessKey& key,
                          const std::string& region, std::chrono::system_clock::time_point time);

}  // namespace mms::maxcompute
