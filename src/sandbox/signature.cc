#include "sandbox/signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <map>

namespace mms::sandbox {
namespace {

constexpr char kV4Service[] = "odps";
constexpr char kV4Terminator[] = "aliyun_v4_request";

std::string Hmac(const EVP_MD* digest, const std::string& key, const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac;
  unsigned int size = 0;
  CHECK(HMAC(digest, key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac.data(),
             &size) != nullptr);
  return std::string(reinterpret_cast<const char*>(mac.data()), size);
}

std::string Base64(const std::string& bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                             reinterpret_cast<const unsigned char*>(bytes.data()),
                             static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(size));
  return text;
}

Error Unauthorized(std::string what) {
  return Error(ErrorKind::kDenied, "Unauthorized", std::move(what));
}

/// The parts of "ODPS <credential>:<signature>".
struct Authorization {
  std::string key_id;
  std::string date;    ///< v4 only
  std::string region;  ///< v4 only
  std::string signature;
};

Result<Authorization> ParseAuthorization(const std::string& header) {
  size_t colon = header.rfind(':');
  if (!header.starts_with("ODPS ") || colon == std::string::npos) {
    return Unauthorized("ODPS-0410031: the Authorization header is not 'ODPS <id>:<signature>'");
  }
  Authorization parsed;
  parsed.signature = header.substr(colon + 1);
  std::string credential = header.substr(5, colon - 5);
  size_t slash = credential.find('/');
  parsed.key_id = credential.substr(0, slash);
  if (slash == std::string::npos) return parsed;
  std::string scope = credential.substr(slash + 1);
  std::string tail = std::string("/") + kV4Service + "/" + kV4Terminator;
  size_t second = scope.find('/');
  if (second != 8 || !scope.ends_with(tail) || scope.size() <= second + tail.size()) {
    return Unauthorized(
        "ODPS-0410031: the v4 credential is not "
        "<id>/<yyyymmdd>/<region>/odps/aliyun_v4_request");
  }
  parsed.date = scope.substr(0, second);
  parsed.region = scope.substr(second + 1, scope.size() - second - 1 - tail.size());
  return parsed;
}

Status CheckDate(const Call& call, int64_t now_s) {
  const std::string* date = call.http->FindHeader("date");
  if (date == nullptr) return Unauthorized("ODPS-0410031: the Date header is missing");
  TRY(int64_t sent_s, ParseHttpDate(*date));
  if (std::abs(now_s - sent_s) <= kClockSkewSecondsMax) return OkStatus();
  return Error(ErrorKind::kDenied, "RequestTimeTooSkewed",
               "the request's Date is " + *date + ", the sandbox's clock says " + HttpDate(now_s) +
                   "; set the client's clock");
}

Status CheckToken(const Call& call, const User& user) {
  const std::string* token = call.http->FindHeader("authorization-sts-token");
  if (user.security_token.empty()) {
    if (token == nullptr) return OkStatus();
    return Unauthorized("ODPS-0410051: Invalid credentials - the security token is not known");
  }
  if (token != nullptr && SameSecretText(*token, user.security_token.Reveal())) return OkStatus();
  return Unauthorized("ODPS-0410051: Invalid credentials - the security token is missing or wrong");
}

}  // namespace

std::string PlainSignature(const std::string& secret, const std::string& text) {
  return Base64(Hmac(EVP_sha1(), secret, text));
}

std::string V4Signature(const std::string& secret, const std::string& date,
                        const std::string& region, const std::string& text) {
  std::string key = Hmac(EVP_sha256(), "aliyun_v4" + secret, date);
  key = Hmac(EVP_sha256(), key, region);
  key = Hmac(EVP_sha256(), key, kV4Service);
  key = Hmac(EVP_sha256(), key, kV4Terminator);
  return Base64(Hmac(EVP_sha1(), key, text));
}

std::string CanonicalText(const Call& call) {
  std::map<std::string, std::string> lines{{"content-md5", ""}, {"content-type", ""}};
  for (const auto& [name, value] : call.http->headers) {
    if (name == "content-md5" || name == "content-type" || name == "date") {
      lines[name] = value;
    } else if (name.starts_with("x-odps-")) {
      lines[name] = name + ":" + value;
    }
  }
  for (const auto& [name, value] : call.parameters) {
    if (name.starts_with("x-odps-")) lines[name] = name + ":" + value;
  }
  std::string text = call.http->method + "\n";
  for (const auto& [name, line] : lines) text += line + "\n";
  text += call.path;
  char separator = '?';
  for (const auto& [name, value] : call.parameters) {
    text += separator + name;
    if (!value.empty()) text += "=" + value;
    separator = '&';
  }
  return text;
}

Result<const User*> Authenticate(const Call& call, const Users& users, int64_t now_s) {
  const std::string* header = call.http->FindHeader("authorization");
  const std::string* bearer = call.http->FindHeader("x-odps-bearer-token");
  if (header == nullptr && bearer != nullptr) {
    const User* user = users.FindBearer(*bearer);
    if (user != nullptr) return user;
    return Unauthorized("ODPS-0410051: Invalid credentials - the bearer token is not known");
  }
  if (header == nullptr) {
    return Unauthorized("ODPS-0410031: the Authorization header is missing");
  }
  TRY(Authorization given, ParseAuthorization(*header));
  const User* user = users.FindKey(given.key_id);
  if (user == nullptr) {
    return Unauthorized("ODPS-0410051: Invalid credentials - the access key id is not known");
  }
  TRY_VOID(CheckDate(call, now_s));
  TRY_VOID(CheckToken(call, *user));
  const std::string& secret = user->access_key_secret.Reveal();
  std::string text = CanonicalText(call);
  std::string expected = given.region.empty() ? PlainSignature(secret, text)
                                              : V4Signature(secret, given.date, given.region, text);
  if (SameSecretText(given.signature, expected)) return user;
  return Unauthorized(
      "ODPS-0410042: Invalid signature value - the signature does not match; "
      "check the access key secret");
}

}  // namespace mms::sandbox
