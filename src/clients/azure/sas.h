// A shared access signature: what can be told from its text before anything is asked of Azure.
// Pure.
//
// Source: Microsoft's "Create an account SAS", "Create a service SAS" and "Create a user delegation
// SAS": all in the query string; st and se = start and end, sp = rights, an account's names
// services (ss) and resource types (srt), a service's or a user delegation's one resource (sr); a
// SAS bound to a stored access policy (si) may carry neither end nor rights.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace mms::azure {

/// What a SAS says of itself; no secret. Texts are decoded, "" = not told. Only the storage knows
/// whether any of it is true: the signature cannot be checked here.
struct SasFacts {
  enum class Kind { kAccount, kService, kUserDelegation };
  Kind kind = Kind::kService;
  std::optional<int64_t> starts_ms;   ///< since 1970 UTC; nullopt = not told, or not readable
  std::optional<int64_t> expires_ms;  ///< as starts_ms
  std::string expires_text;           ///< as written; for messages
  std::string rights;                 ///< sp: "rl"
  std::string resource;               ///< sr: "b" blob, "c" container, "d" directory
  std::string services;               ///< ss of an account SAS: "b" among them
  std::string resource_types;         ///< srt of an account SAS: "co" and more
  std::string protocol;               ///< spr: "https", "https,http"
  std::string addresses;              ///< sip: the callers it is good for
  std::string policy;                 ///< si: the stored access policy that has the rest
};

struct Sas {
  Secret token;  ///< the query string as given, percent-encoding included, without '?'
  SasFacts facts;
};

/// Takes a bare token, one with a leading '?', or a whole URL with the SAS as its query. Errors:
/// kInvalidInput STORAGE_SAS_MISSING, STORAGE_SAS_INVALID; kDenied STORAGE_SAS_RIGHTS when it may
/// not read or list blobs. Expiry is not judged here.
Result<Sas> ParseSas(const Secret& text);

/// Of a query string without '?'.
SasFacts ReadSasFacts(std::string_view query);

/// kDenied STORAGE_SAS_EXPIRED when the SAS ends at or before `now_ms`.
Status CheckNotExpired(const Sas& sas, int64_t now_ms);

/// "2030-01-02", "2030-01-02T03:04Z", "2030-01-02T03:04:05Z", with fractions of a second allowed.
std::optional<int64_t> ParseUtcMs(std::string_view text);

}  // namespace mms::azure
