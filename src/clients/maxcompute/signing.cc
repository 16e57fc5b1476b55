#include "clients/maxcompute/signing.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <map>
#include <string_view>

#include "base/lower_ascii.h"
#include "base/result.h"

namespace mms::maxcompute {
namespace {

constexpr std::string_view kV4Scope = "aliyun_v4_request";

std::string Hmac(const EVP_MD* hash, const std::string& key, const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  const auto* done =
      HMAC(hash, key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  CHECK(done != nullptr);
  return std::string(digest.begin(), digest.begin() + size);
}

std::string Base64(const std::string& bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // OpenSSL writes a closing NUL too
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(size));
  return out;
}

std::tm Utc(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  CHECK(gmtime_r(&seconds, &parts) != nullptr);
  return parts;
}

std::string Day(std::chrono::system_clock::time_point time) {
  const std::tm parts = Utc(time);
  std::array<char, 16> text;
  return std::string(text.data(), std::strftime(text.data(), text.size(), "%Y%m%d", &parts));
}

}  // namespace

std::string HttpDate(std::chrono::system_clock::time_point time) {
  // Not strftime's %a and %b: they ask the locale.
  static constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::tm parts = Utc(time);
  std::array<char, 64> text;
  const int size = std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                                 kDays[static_cast<size_t>(parts.tm_wday)], parts.tm_mday,
                                 kMonths[static_cast<size_t>(parts.tm_mon)], parts.tm_year + 1900,
                                 parts.tm_hour, parts.tm_min, parts.tm_sec);
  return std::string(text.data(), static_cast<size_t>(size));
}

std::string CanonicalText(const SignedRequest& request) {
  // An absent md5 or type still gives an empty line.
  std::map<std::string, std::string> lines = {{"content-md5", ""}, {"content-type", ""}};
  const auto add = [&lines](const std::string& name, const std::string& value) {
    const std::string lower = LowerAscii(name);
    if (lower.starts_with("x-odps-")) {
      lines[lower] = lower + ":" + value;
    } else if (lower == "content-md5" || lower == "content-type" || lower == "date") {
      lines[lower] = value;
    }
  };
  for (const auto& [name, value] : request.headers) add(name, value);
  for (const auto& [name, value] : request.query) {
    if (LowerAscii(name).starts_with("x-odps-")) add(name, value);
  }
  std::string text = request.method + "\n";
  for (const auto& [name, line] : lines) text += line + "\n";
  text += request.path;
  const std::map<std::string, std::string> query(request.query.begin(), request.query.end());
  char separator = '?';
  for (const auto& [name, value] : query) {
    text += separator + name + (value.empty() ? "" : "=" + value);
    separator = '&';
  }
  return text;
}

std::string Authorization(const SignedRequest& request, const AccessKey& key,
                          const std::string& region, std::chrono::system_clock::time_point time) {
  const std::string text = CanonicalText(request);
  if (region.empty()) {
    return "ODPS " + key.id + ":" + Base64(Hmac(EVP_sha1(), key.secret.Reveal(), text));
  }
  const std::string day = Day(time);
  std::string regional_key = "aliyun_v4" + key.secret.Reveal();
  for (const std::string& part : {day, region, std::string("odps"), std::string(kV4Scope)}) {
    regional_key = Hmac(EVP_sha256(), regional_key, part);
  }
  return "ODPS " + key.id + "/" + day + "/" + region + "/odps/" + std::string(kV4Scope) + ":" +
         Base64(Hmac(EVP_sha1(), regional_key, text));
}

}  // namespace mms::maxcompute
