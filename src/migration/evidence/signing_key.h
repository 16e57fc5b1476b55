// The key a state folder signs its evidence with: Ed25519 (RFC 8032), by OpenSSL. The private key
// lies in `evidence.key` in the folder (PEM, mode 0600) and leaves it nowhere; the public one goes
// into each bundle. Who is to trust a bundle is told the public key's fingerprint by another way.
//
// Threads: thread-safe. Errors: kDenied EVIDENCE_KEY_UNREADABLE. None shows a private key.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct evp_pkey_st;

namespace mms::migration {

class PublicKey {
 public:
  /// A SubjectPublicKeyInfo in PEM (RFC 8410). Errors: kCorrupt EVIDENCE_KEY_INVALID.
  static Result<PublicKey> Parse(std::string_view pem);

  /// SHA-256 of its DER form: 64 hexadecimal digits.
  std::string Fingerprint() const;
  bool Verifies(std::string_view message, std::string_view signature) const;

 private:
  friend class SigningKey;
  explicit PublicKey(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}
  std::shared_ptr<evp_pkey_st> key_;
};

class SigningKey {
 public:
  /// Makes the file with a new key when it is absent; of two that do so at once one wins for both.
  static Result<SigningKey> Open(const std::string& file);

  /// 64 bytes.
  std::string Sign(std::string_view message) const;
  PublicKey Public() const;
  /// As PublicKey::Parse takes it.
  std::string PublicPem() const;

 private:
  explicit SigningKey(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}
  std::shared_ptr<evp_pkey_st> key_;
};

}  // namespace mms::migration
