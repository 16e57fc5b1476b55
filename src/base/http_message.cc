// What needs no connection: headers, percent-encoding and dates.
#include <curl/curl.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <limits>

#include "base/http_client.h"

namespace mms {

std::string HttpResponse::Header(const std::string& name) const {
  const auto at = headers.find(name);
  return at == headers.end() ? "" : at->second;
}

long HttpResponse::RetryAfterMs() const {
  constexpr long kSecondsMax = std::numeric_limits<long>::max() / 1000;
  const std::string text = Header("retry-after");
  if (const auto until = ParseHttpDate(text)) {
    const auto from = ParseHttpDate(Header("date")).value_or(std::chrono::system_clock::now());
    const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(*until - from);
    return std::max<long>(wait.count(), 0);
  }
  const long seconds = std::atol(text.c_str());
  return seconds > 0 ? std::min(seconds, kSecondsMax) * 1000 : 0;
}

namespace {

// Not std::isalnum: it asks the locale.
bool IsUnreserved(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == '~';
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string UrlEncode(std::string_view text) {
  static const char* hex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (IsUnreserved(byte)) {
      out.push_back(c);
    } else {
      out += {'%', hex[byte >> 4], hex[byte & 15]};
    }
  }
  return out;
}

std::string EncodePath(std::string_view path) {
  std::string out;
  while (true) {
    const size_t slash = path.find('/');
    out += UrlEncode(path.substr(0, slash));
    if (slash == path.npos) return out;
    out += '/';
    path.remove_prefix(slash + 1);
  }
}

std::optional<std::chrono::system_clock::time_point> ParseHttpDate(const std::string& text) {
  // Else curl_getdate reads a lone number as a day of this month.
  if (text.find(':') == text.npos) return std::nullopt;
  const time_t seconds = curl_getdate(text.c_str(), nullptr);
  if (seconds < 0) return std::nullopt;
  return std::chrono::system_clock::from_time_t(seconds);
}

std::string UrlDecode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size();
    const int high = escape ? HexDigit(text[i + 1]) : -1;
    const int low = escape ? HexDigit(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      out.push_back(text[i]);
      continue;
    }
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return out;
}

}  // namespace mms
