#include "migration/evidence/signing_key.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/sha256.h"

namespace mms::migration {
namespace {

constexpr size_t kSignatureBytes = 64;
constexpr size_t kKeyFileMax = 4096;

using Key = std::shared_ptr<evp_pkey_st>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

Key Own(EVP_PKEY* key) { return Key(key, EVP_PKEY_free); }

Bio MemoryOf(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free);
}

/// OpenSSL would ask the terminal for the password of an encrypted key.
int NoPassword(char*, int, int, void*) { return 0; }

std::string TextOf(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Error Unreadable(const std::string& file, const std::string& what) {
  return Error(ErrorKind::kDenied, "EVIDENCE_KEY_UNREADABLE", what).At("key file " + file);
}

/// As long as it lives, its bytes are wiped in the end.
struct Wiped {
  std::string bytes;
  ~Wiped() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
};

/// A new private key as the text of its file.
Status MakePem(Wiped* pem) {
  const Key key = Own(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  const Bio bio(BIO_new(BIO_s_secmem()), BIO_free);
  const bool made = key && bio &&
                    PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0,
                                                  nullptr, nullptr) == 1;
  if (!made) {
    return Error(ErrorKind::kInternal, "EVIDENCE_KEY_UNREADABLE", "no key could be made");
  }
  pem->bytes = TextOf(bio.get());
  return OkStatus();
}

Status WriteAndSync(int fd, std::string_view text) {
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       ::fsync(fd) == 0;
  const int reason = errno;
  ::close(fd);
  if (written) return OkStatus();
  return Error(ErrorKind::kDenied, "EVIDENCE_KEY_UNREADABLE", std::strerror(reason));
}

/// A file of its whole key or none: written beside, synced, then named by a link, which an existing
/// one refuses.
Status MakeFile(const std::string& file) {
  Wiped pem;
  TRY_VOID(MakePem(&pem));
  std::string part = file + ".XXXXXX";
  const int fd = ::mkostemp(part.data(), O_CLOEXEC);  // mode 0600
  if (fd < 0) {
    return Unreadable(file, std::string("cannot be made: ") + std::strerror(errno) +
                                "; evidence is signed by a user who may write to the state folder");
  }
  const Status written = WriteAndSync(fd, pem.bytes);
  const bool named = written && (::link(part.c_str(), file.c_str()) == 0 || errno == EEXIST);
  const int reason = errno;
  ::unlink(part.c_str());
  if (!written) return Unreadable(file, "cannot be written: " + written.error().message());
  if (!named) return Unreadable(file, std::string("cannot be made: ") + std::strerror(reason));
  const int folder = ::open(file.substr(0, file.rfind('/') + 1).c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = folder >= 0 && ::fsync(folder) == 0;
  if (folder >= 0) ::close(folder);
  return synced ? OkStatus() : Status(Unreadable(file, "its folder cannot be synced"));
}

}  // namespace

Result<PublicKey> PublicKey::Parse(std::string_view pem) {
  const Bio bio = MemoryOf(pem);
  const Key key = bio ? Own(PEM_read_bio_PUBKEY(bio.get(), nullptr, NoPassword, nullptr)) : Key();
  if (key && EVP_PKEY_get_id(key.get()) == EVP_PKEY_ED25519) return PublicKey(key);
  return Error(ErrorKind::kCorrupt, "EVIDENCE_KEY_INVALID", "it is no Ed25519 key in PEM");
}

std::string PublicKey::Fingerprint() const {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key_.get(), &der);
  CHECK(size > 0);
  const std::string fingerprint =
      Sha256Of({reinterpret_cast<const char*>(der), static_cast<size_t>(size)});
  OPENSSL_free(der);
  return fingerprint;
}

bool PublicKey::Verifies(std::string_view message, std::string_view signature) const {
  const Context context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  return context && signature.size() == kSignatureBytes &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
         EVP_DigestVerify(context.get(), Bytes(signature), signature.size(), Bytes(message),
                          message.size()) == 1;
}

Result<SigningKey> SigningKey::Open(const std::string& file) {
  int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) {
    TRY_VOID(MakeFile(file));
    fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  }
  if (fd < 0) return Unreadable(file, std::string("cannot be read: ") + std::strerror(errno));
  struct stat info {};
  Wiped pem;
  pem.bytes.resize(kKeyFileMax);
  const bool looked = ::fstat(fd, &info) == 0;
  const ssize_t size = ::read(fd, pem.bytes.data(), pem.bytes.size());
  ::close(fd);
  if (!looked || size < 0) return Unreadable(file, "cannot be read");
  if ((info.st_mode & 077) != 0) {
    return Unreadable(file, "may be read by others than its owner; run: chmod 600 " + file);
  }
  const Bio bio = MemoryOf(std::string_view(pem.bytes).substr(0, static_cast<size_t>(size)));
  const Key key =
      bio ? Own(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassword, nullptr)) : Key();
  if (!key || EVP_PKEY_get_id(key.get()) != EVP_PKEY_ED25519) {
    return Unreadable(file,
                      "is no Ed25519 key in PEM; put the right one back from a backup, or "
                      "remove it: the next evidence is then signed by a new key");
  }
  return SigningKey(key);
}

std::string SigningKey::Sign(std::string_view message) const {
  const Context context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  std::string signature(kSignatureBytes, '\0');
  size_t size = signature.size();
  // Fails without memory only: the key is one.
  CHECK(context && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
        EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                       Bytes(message), message.size()) == 1 &&
        size == kSignatureBytes);
  return signature;
}

PublicKey SigningKey::Public() const { return PublicKey(key_); }

std::string SigningKey::PublicPem() const {
  const Bio bio(BIO_new(BIO_s_mem()), BIO_free);
  CHECK(bio && PEM_write_bio_PUBKEY(bio.get(), key_.get()) == 1);
  return TextOf(bio.get());
}

}  // namespace mms::migration
