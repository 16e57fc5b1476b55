// What a storage lets us read with: a SAS or a bearer token, fixed, or asked for again before it
// lapses and when it is refused. CredentialKeeper is thread-safe; one is shared by all that read
// with the same credential.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/secret.h"

namespace mms::azure {

struct Credential {
  enum class Kind {
    kSas,     ///< `text` is a query string, without '?'
    kBearer,  ///< `text` is a token of Microsoft Entra ID
  };
  Kind kind = Kind::kSas;
  Secret text;
  std::optional<int64_t> expires_ms;  ///< since 1970 UTC; nullopt = not told
  std::string expires_text;           ///< for messages; "" = made of expires_ms
};

/// Gives a credential, a new one where there is one. Called by one thread at a time.
using CredentialProvider = std::function<Result<Credential>()>;

/// kDenied STORAGE_SAS_EXPIRED, STORAGE_TOKEN_EXPIRED when it has lapsed at `now_ms`.
Status CheckNotExpired(const Credential& credential, int64_t now_ms);

/// The SAS in `text`, read again from `file` when that is set. Errors: ParseSas; SECRET_UNREADABLE.
Result<CredentialProvider> FromSas(const Secret& text, const std::string& file);

class CredentialKeeper {
 public:
  struct Options {
    /// After a refusal the provider is asked once in so long: what is refused for another reason
    /// than its age would be asked for with every read.
    int64_t pause_ms = 30'000;
    /// Since 1970 UTC; null = this machine's clock.
    std::function<int64_t()> now_ms;
  };

  explicit CredentialKeeper(CredentialProvider provider) : CredentialKeeper(provider, Options{}) {}
  CredentialKeeper(CredentialProvider provider, Options options);

  /// What to send now. Asked for at the first call and again when 80 % of its life have passed;
  /// threads that come meanwhile wait. When that fails, the old one is given until it lapses.
  /// Errors: the provider's; STORAGE_SAS_EXPIRED, STORAGE_TOKEN_EXPIRED when all it gives has
  /// lapsed.
  Result<Credential> Get();

  /// The storage refused `used`: true when there is another one to try now. Errors: the provider's.
  Result<bool> Replace(const Credential& used);

 private:
  Status Renew(int64_t now_ms);  // holds mutex_

  const CredentialProvider provider_;
  const Options options_;
  std::mutex mutex_;
  std::optional<Credential> credential_;  // guarded by mutex_
  int64_t renew_at_ms_ = INT64_MAX;       // guarded by mutex_
  int64_t refused_at_ms_ = INT64_MIN;     // guarded by mutex_; the last renewal after a refusal
  std::optional<Error> failure_;          // guarded by mutex_; of the last renewal
  int64_t failed_at_ms_ = 0;              // guarded by mutex_
};

}  // namespace mms::azure
