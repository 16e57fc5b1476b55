#include "clients/azure/credential.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "clients/azure/sas.h"

namespace mms::azure {
namespace {

/// A renewal that failed, or gave the same again, is not repeated for each read.
constexpr int64_t kRetryMs = 30'000;
/// Those who waited while a renewal failed are told so without another.
constexpr int64_t kFailureMs = 2'000;

int64_t SystemNowMs() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::string TextOf(const Credential& credential) {
  if (!credential.expires_text.empty()) return credential.expires_text;
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(static_cast<time_t>(*credential.expires_ms / 1000)));
}

}  // namespace

Status CheckNotExpired(const Credential& credential, int64_t now_ms) {
  if (!credential.expires_ms || *credential.expires_ms > now_ms) return OkStatus();
  if (credential.kind == Credential::Kind::kSas) {
    return Error(ErrorKind::kDenied, "STORAGE_SAS_EXPIRED",
                 fmt::format("the SAS expired at {}; make a new one with read and list rights, and "
                             "run again: what is copied stays",
                             TextOf(credential)));
  }
  return Error(ErrorKind::kDenied, "STORAGE_TOKEN_EXPIRED",
               fmt::format("the access token expired at {} and there is no newer one; check that "
                           "this machine's clock is right",
                           TextOf(credential)));
}

Result<CredentialProvider> FromSas(const Secret& text, const std::string& file) {
  TRY_VOID(ParseSas(text));
  return CredentialProvider([text, file]() -> Result<Credential> {
    Secret current = text;
    if (!file.empty()) {
      TRY(current, ResolveSecret("file:" + file, "source.storage.sas"));
    }
    TRY(const Sas sas, ParseSas(current));
    return Credential{Credential::Kind::kSas, sas.token, sas.facts.expires_ms,
                      sas.facts.expires_text};
  });
}

CredentialKeeper::CredentialKeeper(CredentialProvider provider, Options options)
    : provider_(std::move(provider)), options_([&] {
        if (!options.now_ms) options.now_ms = SystemNowMs;
        return std::move(options);
      }()) {}

/// Holds mutex_. A credential that the provider gives again stays as it is.
Status CredentialKeeper::Renew(int64_t now_ms) {
  if (failure_ && now_ms - failed_at_ms_ < kFailureMs) return *failure_;
  renew_at_ms_ = now_ms + kRetryMs;
  Result<Credential> asked = provider_();
  if (!asked) {
    failure_ = std::move(asked).error();
    failed_at_ms_ = options_.now_ms();
    return *failure_;
  }
  failure_.reset();
  Credential fresh = *std::move(asked);
  const bool same = credential_ && credential_->text.Reveal() == fresh.text.Reveal();
  if (fresh.expires_ms && !same) {
    const int64_t life_ms = std::max<int64_t>(*fresh.expires_ms - now_ms, 0);
    renew_at_ms_ = now_ms + life_ms / 5 * 4;
  } else if (!fresh.expires_ms) {
    renew_at_ms_ = INT64_MAX;
  }
  credential_ = std::move(fresh);
  return OkStatus();
}

Result<Credential> CredentialKeeper::Get() {
  std::lock_guard lock(mutex_);
  const int64_t now_ms = options_.now_ms();
  const bool lapsed = credential_ && !CheckNotExpired(*credential_, now_ms);
  if (!credential_ || lapsed || now_ms >= renew_at_ms_) {
    Status renewed = Renew(now_ms);
    if (!renewed && (!credential_ || lapsed)) return std::move(renewed).error();
  }
  TRY_VOID(CheckNotExpired(*credential_, now_ms));
  return *credential_;
}

Result<bool> CredentialKeeper::Replace(const Credential& used) {
  std::lock_guard lock(mutex_);
  // Another thread was refused before.
  if (credential_ && credential_->text.Reveal() != used.text.Reveal()) return true;
  const int64_t now_ms = options_.now_ms();
  // One that lapsed on its way is refused for its age: that is no reason to pause.
  const bool lapsed = !CheckNotExpired(used, now_ms);
  const bool lately = refused_at_ms_ != INT64_MIN && now_ms - refused_at_ms_ < options_.pause_ms;
  if (lately && !lapsed) return false;
  refused_at_ms_ = now_ms;
  TRY_VOID(Renew(now_ms));
  return credential_->text.Reveal() != used.text.Reveal();
}

}  // namespace mms::azure
