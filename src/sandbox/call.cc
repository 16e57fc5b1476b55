#include "sandbox/call.h"

#include <openssl/rand.h>

#include <array>
#include <ctime>
#include <nlohmann/json.hpp>

#include "sandbox/xml.h"

namespace mms::sandbox {
namespace {

constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// MaxCompute's code of an error that was made elsewhere.
std::string CodeOf(const Error& error) {
  if (error.code() == "HTTP_BODY_MALFORMED" || error.code() == "HTTP_PEER_GONE") {
    return "IncompleteBody";
  }
  return error.code();
}

std::string MessageOf(const Error& error) {
  return error.where().empty() ? error.message() : error.where() + ": " + error.message();
}

}  // namespace

std::string Call::Parameter(const std::string& name) const {
  auto found = parameters.find(name);
  return found == parameters.end() ? "" : found->second;
}

Result<std::string> PercentDecode(std::string_view text, bool plus_is_blank) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_blank) {
      decoded += ' ';
      continue;
    }
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    int high = i + 2 < text.size() ? HexValue(text[i + 1]) : -1;
    int low = i + 2 < text.size() ? HexValue(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      return Error(ErrorKind::kInvalidInput, "InvalidURI", "a '%' without two hex digits");
    }
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

Result<Call> ParseCall(ServerRequest* request) {
  Call call;
  call.http = request;
  std::string_view target = request->target;
  size_t mark = std::min(target.find('?'), target.size());
  std::string_view path = target.substr(0, mark);
  if (path.starts_with("/api/")) path.remove_prefix(4);
  TRY(call.path, PercentDecode(path, false));
  while (!path.empty()) {
    path.remove_prefix(1);
    size_t end = std::min(path.find('/'), path.size());
    TRY(std::string segment, PercentDecode(path.substr(0, end), false));
    if (!segment.empty()) call.segments.push_back(std::move(segment));
    path.remove_prefix(end);
  }
  std::string_view query = mark < target.size() ? target.substr(mark + 1) : std::string_view();
  while (!query.empty()) {
    size_t end = std::min(query.find('&'), query.size());
    std::string_view item = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (item.empty()) continue;
    size_t equals = std::min(item.find('='), item.size());
    TRY(std::string name, PercentDecode(item.substr(0, equals), true));
    TRY(std::string value, PercentDecode(item.substr(std::min(equals + 1, item.size())), true));
    call.parameters[name] = value;
  }
  return call;
}

Result<std::string> ReadAll(ByteSource* body, size_t limit_bytes) {
  std::string text;
  std::array<char, 16 * 1024> piece;
  while (true) {
    TRY(size_t got, body->Read(piece.data(), piece.size()));
    if (got == 0) return text;
    text.append(piece.data(), got);
    if (text.size() > limit_bytes) {
      return Error(ErrorKind::kLimitReached, "InvalidArgument",
                   "the request body is longer than " + std::to_string(limit_bytes) + " bytes");
    }
  }
}

std::string HttpDate(int64_t epoch_s) {
  std::tm utc{};
  time_t seconds = epoch_s;
  gmtime_r(&seconds, &utc);
  std::array<char, 64> text;
  int size = std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                           kDays[static_cast<size_t>(utc.tm_wday)], utc.tm_mday,
                           kMonths[static_cast<size_t>(utc.tm_mon)], utc.tm_year + 1900,
                           utc.tm_hour, utc.tm_min, utc.tm_sec);
  return std::string(text.data(), static_cast<size_t>(size));
}

Result<int64_t> ParseHttpDate(const std::string& text) {
  std::tm utc{};
  std::array<char, 4> month{};
  int fields = std::sscanf(text.c_str(), "%*3s, %2d %3s %4d %2d:%2d:%2d GMT", &utc.tm_mday,
                           month.data(), &utc.tm_year, &utc.tm_hour, &utc.tm_min, &utc.tm_sec);
  utc.tm_mon = -1;
  for (size_t i = 0; i < kMonths.size(); ++i) {
    if (std::string_view(month.data()) == kMonths[i]) utc.tm_mon = static_cast<int>(i);
  }
  if (fields != 6 || utc.tm_mon < 0) {
    return Error(ErrorKind::kInvalidInput, "InvalidArgument",
                 "the Date header is not an RFC 1123 date");
  }
  utc.tm_year -= 1900;
  return static_cast<int64_t>(timegm(&utc));
}

std::string RandomHex(size_t bytes) {
  std::vector<unsigned char> random(bytes);
  CHECK(RAND_bytes(random.data(), static_cast<int>(bytes)) == 1);
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (unsigned char byte : random) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

int StatusOf(const Error& error) {
  const std::string& code = error.code();
  if (code.starts_with("NoSuch")) return 404;
  if (code == "Unauthorized" || code == "RequestTimeTooSkewed") return 401;
  if (code == "MethodNotAllowed") return 405;
  switch (error.kind()) {
    case ErrorKind::kInvalidInput:
    case ErrorKind::kUnsupported:
    case ErrorKind::kCorrupt:
    case ErrorKind::kLimitReached:
    case ErrorKind::kCancelled: return 400;
    case ErrorKind::kNotFound: return 404;
    case ErrorKind::kDenied: return 403;
    case ErrorKind::kConflict: return 409;
    case ErrorKind::kThrottled: return 429;
    case ErrorKind::kUnavailable: return 503;
    case ErrorKind::kInternal: return 500;
  }
  return 500;
}

Answer RestError(const Error& error, const std::string& request_id) {
  XmlDocument document("Error");
  document.root().Add("Code", CodeOf(error));
  document.root().Add("Message", MessageOf(error));
  document.root().Add("RequestId", request_id);
  document.root().Add("HostId", "mms-sandbox");
  return {StatusOf(error), {{"Content-Type", "application/xml"}}, document.ToText()};
}

Answer TunnelError(const Error& error) {
  nlohmann::json body{{"Code", CodeOf(error)}, {"Message", MessageOf(error)}};
  return {StatusOf(error),
          {{"Content-Type", "application/json"}},
          body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
}

}  // namespace mms::sandbox
