#include "service/vault.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

namespace mms::service {
namespace {

constexpr size_t kKeyBytes = 32;
constexpr size_t kNonceBytes = 12;
constexpr size_t kTagBytes = 16;

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

Error CipherFailed() {
  return Error(ErrorKind::kInternal, "SECRET_CIPHER", "the cipher of the secrets failed");
}

Error Unreadable(const std::string& file, const std::string& what) {
  return Error(ErrorKind::kDenied, "SECRET_KEY_UNREADABLE", what).At("key file " + file);
}

Error Wrong() {
  return Error(ErrorKind::kCorrupt, "SECRET_KEY_WRONG",
               "a kept secret does not open with the key file service.key; put the right one back "
               "from a backup, or begin with another state folder");
}

unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string ToHex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::optional<std::string> FromHex(std::string_view text) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  std::string out;
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    const int high = digit(text[i]);
    const int low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
  }
  return text.size() % 2 == 0 ? std::optional(out) : std::nullopt;
}

/// A file of its whole key or none: written beside, synced, then named. An existing one wins.
Status MakeKey(const std::string& file) {
  std::string key(kKeyBytes, '\0');
  if (RAND_bytes(Bytes(key), static_cast<int>(kKeyBytes)) != 1) return CipherFailed();
  const std::string part = file + ".new";
  ::unlink(part.c_str());
  const int fd = ::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return Unreadable(file, std::string("cannot be made: ") + std::strerror(errno));
  const std::string text = ToHex(key) + "\n";
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       ::fsync(fd) == 0;
  ::close(fd);
  if (!written || ::rename(part.c_str(), file.c_str()) != 0) {
    return Unreadable(file, std::string("cannot be written: ") + std::strerror(errno));
  }
  const int folder = ::open(file.substr(0, file.rfind('/')).c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = folder >= 0 && ::fsync(folder) == 0;
  if (folder >= 0) ::close(folder);
  return synced ? OkStatus() : Status(Unreadable(file, "its folder cannot be synced"));
}

}  // namespace

Result<Vault> Vault::Open(const std::string& file, bool may_make) {
  int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT && may_make) {
    TRY_VOID(MakeKey(file));
    fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  }
  if (fd < 0) {
    return Unreadable(file, std::string("cannot be read (") + std::strerror(errno) +
                                "); kept secrets open with it alone: put it back from a backup");
  }
  struct stat info {};
  std::string text(2 * kKeyBytes, '\0');
  const bool whole = ::fstat(fd, &info) == 0 &&
                     ::read(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  if ((info.st_mode & 077) != 0) {
    return Unreadable(file, "may be read by others than its owner; run: chmod 600 " + file);
  }
  std::optional<std::string> key = FromHex(text);
  if (!whole || !key) return Unreadable(file, "is no key; put the right one back");
  return Vault(Secret(*std::move(key)));
}

Result<std::string> Vault::Seal(const Secret& secret, std::string_view context) const {
  const std::string& plain = secret.Reveal();
  std::string nonce(kNonceBytes, '\0'), tag(kTagBytes, '\0'), out(plain.size(), '\0');
  const Context cipher(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  int size = 0;
  const bool sealed =
      cipher && RAND_bytes(Bytes(nonce), static_cast<int>(kNonceBytes)) == 1 &&
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, Bytes(key_.Reveal()),
                         Bytes(nonce)) == 1 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &size, Bytes(context),
                        static_cast<int>(context.size())) == 1 &&
      EVP_EncryptUpdate(cipher.get(), Bytes(out), &size, Bytes(std::string_view(plain)),
                        static_cast<int>(plain.size())) == 1 &&
      EVP_EncryptFinal_ex(cipher.get(), nullptr, &size) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, tag.data()) == 1;
  if (!sealed) return CipherFailed();
  return ToHex(nonce + out + tag);
}

Result<Secret> Vault::Unseal(std::string_view sealed, std::string_view context) const {
  const std::optional<std::string> bytes = FromHex(sealed);
  if (!bytes || bytes->size() < kNonceBytes + kTagBytes) return Wrong();
  const std::string nonce = bytes->substr(0, kNonceBytes);
  std::string tag = bytes->substr(bytes->size() - kTagBytes);
  const std::string text = bytes->substr(kNonceBytes, bytes->size() - kNonceBytes - kTagBytes);
  std::string out(text.size(), '\0');
  const Context cipher(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  int size = 0;
  const bool opened =
      cipher &&
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, Bytes(key_.Reveal()),
                         Bytes(std::string_view(nonce))) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &size, Bytes(context),
                        static_cast<int>(context.size())) == 1 &&
      EVP_DecryptUpdate(cipher.get(), Bytes(out), &size, Bytes(std::string_view(text)),
                        static_cast<int>(text.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), nullptr, &size) == 1;
  if (!opened) {
    OPENSSL_cleanse(out.data(), out.size());
    return Wrong();
  }
  return Secret(std::move(out));
}

}  // namespace mms::service
