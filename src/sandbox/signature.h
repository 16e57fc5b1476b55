// Checks the signature of a request. Canonical text: method, then the signed headers by name
// (content-md5, content-type, date as values; x-odps-* as name:value), then the decoded resource
// with its sorted parameters. Schemes, as PyODPS 0.13 and odps-sdk-core 0.52 send them:
//   plain  Authorization: ODPS <id>:<base64 HMAC-SHA1(secret, text)>
//   v4     Authorization: ODPS <id>/<yyyymmdd>/<region>/odps/aliyun_v4_request:<base64
//   HMAC-SHA1(key, text)>
//          where key is an HMAC-SHA256 chain over date, region, "odps", "aliyun_v4_request"
// and with temporary credentials the header authorization-sts-token besides. A bearer token stands
// alone, in x-odps-bearer-token. The second signature of an application (two accounts) is ignored.
// Thread-safe. Errors: kDenied Unauthorized, RequestTimeTooSkewed.
#pragma once

#include <string>

#include "sandbox/call.h"
#include "sandbox/users.h"

namespace mms::sandbox {

/// The service refuses a request whose Date is further off than this.
inline constexpr int64_t kClockSkewSecondsMax = 15 * 60;

/// The user whose key or token the request proves. It lives as long as `users`.
Result<const User*> Authenticate(const Call& call, const Users& users, int64_t now_s);

/// Pieces of the algorithm, visible for its worked examples.
std::string CanonicalText(const Call& call);
std::string PlainSignature(const std::string& secret, const std::string& text);
std::string V4Signature(const std::string& secret, const std::string& date,
                        const std::string& region, const std::string& text);

}  // namespace mms::sandbox
