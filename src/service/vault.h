// Keeps secrets at rest: AES-256-GCM under a key that lies beside the database in a file of mode
// 0600. Who copies the database alone learns none of them; who may read the key file may read all.
//
// A sealed text is hexadecimal: 12 bytes of nonce (new for each), the cipher text, 16 bytes of tag.
// `context` is authenticated with it, so that a sealed text put into another row does not open.
//
// Threads: thread-safe. Errors: kCorrupt SECRET_KEY_WRONG, kDenied SECRET_KEY_UNREADABLE, kInternal
// SECRET_CIPHER. None shows a secret.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace mms::service {

class Vault {
 public:
  /// `file` is made with a new random key when it is absent and `may_make`. A key file that is
  /// gone though secrets are kept is an error: a new one could open none of them.
  static Result<Vault> Open(const std::string& file, bool may_make);

  Result<std::string> Seal(const Secret& secret, std::string_view context) const;
  Result<Secret> Unseal(std::string_view sealed, std::string_view context) const;

 private:
  explicit Vault(Secret key) : key_(std::move(key)) {}
  Secret key_;  ///< 32 bytes
};

}  // namespace mms::service
