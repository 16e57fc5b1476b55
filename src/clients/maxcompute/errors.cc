#include "clients/maxcompute/errors.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <string>

#include "base/lower_ascii.h"
#include "base/secret.h"

namespace mms::maxcompute {
namespace {

constexpr size_t kExcerptMaxBytes = 300;
constexpr long kHoldMaxMs = 10000;  // what odps-sdk-core 0.52 obeys at most

struct Meaning {
  ErrorKind kind;
  std::string_view code;
  std::string_view next_step;
};

constexpr Meaning kSignature{ErrorKind::kDenied, "ODPS_SIGNATURE",
                             "check access_key_id, access_key_secret, security_token and region"};
constexpr Meaning kDenied{ErrorKind::kDenied, "ODPS_DENIED",
                          "grant the access key's user this right on the project"};
constexpr Meaning kSkew{ErrorKind::kDenied, "ODPS_CLOCK_SKEW", "set this machine's clock"};
constexpr Meaning kNoProject{ErrorKind::kNotFound, "ODPS_PROJECT_NOT_FOUND",
                             "check target.project and that the endpoint is its region's"};
constexpr Meaning kNoTable{ErrorKind::kNotFound, "ODPS_TABLE_NOT_FOUND", ""};
constexpr Meaning kNoPartition{ErrorKind::kNotFound, "ODPS_PARTITION_NOT_FOUND", ""};
constexpr Meaning kNoUpload{ErrorKind::kNotFound, "TUNNEL_NO_SUCH_UPLOAD",
                            "load the partition again with a new session"};
constexpr Meaning kNoDownload{ErrorKind::kNotFound, "TUNNEL_NO_SUCH_DOWNLOAD", "read again"};
constexpr Meaning kThrottled{ErrorKind::kThrottled, "ODPS_THROTTLED", "fewer workers may help"};
constexpr Meaning kUnavailable{ErrorKind::kUnavailable, "ODPS_UNAVAILABLE", "try again later"};
constexpr Meaning kStatusConflict{ErrorKind::kConflict, "TUNNEL_STATUS_CONFLICT", ""};
constexpr Meaning kConflict{ErrorKind::kConflict, "ODPS_CONFLICT",
                            "see that nothing else writes the table"};
constexpr Meaning kBadBytes{ErrorKind::kCorrupt, "TUNNEL_BLOCK_REFUSED", "send the block again"};
constexpr Meaning kUnsupported{ErrorKind::kUnsupported, "ODPS_UNSUPPORTED", ""};
constexpr Meaning kInvalid{ErrorKind::kInvalidInput, "ODPS_INVALID", ""};
constexpr Meaning kNotMaxCompute{
    ErrorKind::kInvalidInput, "ODPS_ENDPOINT",
    "this is not MaxCompute's answer; check target.endpoint, tunnel_endpoint and the proxy"};
constexpr Meaning kSqlInvalid{ErrorKind::kInvalidInput, "ODPS_SQL_INVALID", ""};
constexpr Meaning kSqlExists{ErrorKind::kConflict, "ODPS_SQL_EXISTS", ""};
constexpr Meaning kSqlFailed{ErrorKind::kInternal, "ODPS_SQL_FAILED", ""};

struct NamedMeaning {
  std::string_view name;
  Meaning meaning;
};

constexpr std::array kByName = {
    NamedMeaning{"NoSuchProject", kNoProject},
    NamedMeaning{"NoSuchTable", kNoTable},
    NamedMeaning{"NoSuchPartition", kNoPartition},
    NamedMeaning{"NoSuchUpload", kNoUpload},
    NamedMeaning{"NoSuchDownload", kNoDownload},
    NamedMeaning{"NoPermission", kDenied},
    NamedMeaning{"AccessDenied", kDenied},
    NamedMeaning{"Unauthorized", kSignature},
    NamedMeaning{"AuthorizationRequired", kSignature},
    NamedMeaning{"AuthenticationRequestExpired", kSignature},
    NamedMeaning{"InvalidAccessKeyId", kSignature},
    NamedMeaning{"SignatureNotMatch", kSignature},
    NamedMeaning{"RequestTimeTooSkewed", kSkew},
    NamedMeaning{"FlowExceeded", kThrottled},
    NamedMeaning{"SlotExceeded", kThrottled},
    NamedMeaning{"StatusConflict", kStatusConflict},
    NamedMeaning{"InvalidStatusChange", kStatusConflict},
    NamedMeaning{"InvalidStateSetting", kConflict},
    NamedMeaning{"TableModified", kConflict},
    NamedMeaning{"ObjectModified", kConflict},
    NamedMeaning{"DataVersionConflict", kConflict},
    NamedMeaning{"CorruptedDataStream", kBadBytes},
    NamedMeaning{"MalformedDataStream", kBadBytes},
    NamedMeaning{"IncompleteBody", kUnavailable},
    NamedMeaning{"InternalServerError", kUnavailable},
    NamedMeaning{"ServiceUnavailable", kUnavailable},
    NamedMeaning{"RequestTimeOut", kUnavailable},
    NamedMeaning{"DataUnderReplication", kUnavailable},
    NamedMeaning{"DataStoreError", kUnavailable},
    NamedMeaning{"NotImplemented", kUnsupported},
    NamedMeaning{"MethodNotAllowed", kUnsupported},
    NamedMeaning{"InstanceTypeNotSupported", kUnsupported},
    NamedMeaning{"ParseError", kSqlInvalid},
};

// "ODPS-<number>", in codes, messages and task texts.
constexpr std::array kByNumber = {
    NamedMeaning{"0010000", kUnavailable}, NamedMeaning{"0430055", kUnavailable},
    NamedMeaning{"0130013", kDenied},      NamedMeaning{"0420095", kDenied},
    NamedMeaning{"0130131", kNoTable},     NamedMeaning{"0420111", kNoProject},
    NamedMeaning{"0130161", kSqlInvalid},  NamedMeaning{"0130071", kSqlInvalid},
    NamedMeaning{"0410031", kSignature},   NamedMeaning{"0410042", kSignature},
    NamedMeaning{"0410051", kSignature},   NamedMeaning{"0110141", kConflict},
    NamedMeaning{"0420153", kUnavailable}, NamedMeaning{"0420411", kInvalid},
    NamedMeaning{"0123055", kSqlInvalid},
};

/// Numbers of the compiler ("0130xxx") that stand for a statement it cannot take.
constexpr std::string_view kCompilerNumbers = "0130";

template <size_t count>
const Meaning* Find(const std::array<NamedMeaning, count>& table, std::string_view name) {
  for (const NamedMeaning& entry : table) {
    if (entry.name == name) return &entry.meaning;
  }
  return nullptr;
}

/// The seven digits behind the first "ODPS-", or "".
std::string_view OdpsNumber(std::string_view text) {
  constexpr std::string_view kPrefix = "ODPS-";
  const size_t at = text.find(kPrefix);
  if (at == text.npos) return "";
  const std::string_view digits = text.substr(at + kPrefix.size(), 7);
  return digits.find_first_not_of("0123456789") == digits.npos ? digits : "";
}

struct Body {
  bool readable = false;  // an error document of MaxCompute
  std::string name;
  std::string message;
  std::string request_id;
  long hold_ms = 0;
};

std::string Excerpt(std::string_view text) {
  std::string out(text.substr(0, kExcerptMaxBytes));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return out + (text.size() > kExcerptMaxBytes ? "..." : "");
}

void ReadXml(const std::string& text, Body& body) {
  pugi::xml_document document;
  if (!document.load_buffer(text.data(), text.size())) return;
  const pugi::xml_node error = document.child("Error");
  if (!error) return;
  body.readable = true;
  body.name = error.child_value("Code");
  body.message = error.child_value("Message");
  body.request_id = error.child_value("RequestId");
}

std::string Member(const nlohmann::json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_string() ? at->get<std::string>() : "";
}

void ReadJson(const std::string& text, Body& body) {
  const auto document = nlohmann::json::parse(text, nullptr, false);
  if (!document.is_object() || !document.contains("Code")) return;
  body.readable = true;
  body.name = Member(document, "Code");
  body.message = Member(document, "Message");
  body.request_id = Member(document, "RequestId");
  const auto hold = document.find("HoldClientMillis");
  if (hold != document.end() && hold->is_number_integer()) {
    body.hold_ms = std::clamp(hold->get<long>(), 0L, kHoldMaxMs);
  }
}

Body ReadBody(const HttpResponse& answer) {
  Body body;
  const size_t at = answer.body.find_first_not_of(" \t\r\n");
  if (at != answer.body.npos && answer.body[at] == '<') ReadXml(answer.body, body);
  if (at != answer.body.npos && answer.body[at] == '{') ReadJson(answer.body, body);
  if (!body.readable) body.message = Excerpt(answer.body);
  const std::string request_id = answer.Header("x-odps-request-id");
  if (!request_id.empty()) body.request_id = request_id;
  return body;
}

Meaning ByStatus(int status, std::string_view not_found_code) {
  if (status == 308 || status == 429) return kThrottled;
  if (status == 408 || status >= 500) return kUnavailable;
  switch (status) {
    case 401: return kSignature;
    case 403: return kDenied;
    case 404: return {ErrorKind::kNotFound, not_found_code, ""};
    case 405: return kUnsupported;
    case 407:
      return {ErrorKind::kDenied, "HTTP_PROXY_DENIED", "check the proxy's user and password"};
    case 409: return kConflict;
    default: return status < 400 ? kNotMaxCompute : kInvalid;
  }
}

Meaning MeaningOf(const HttpResponse& answer, const Body& body, std::string_view not_found_code) {
  if (const Meaning* named = Find(kByName, body.name)) return *named;
  for (const std::string& text : {body.name, body.message}) {
    if (const Meaning* numbered = Find(kByNumber, OdpsNumber(text))) return *numbered;
  }
  const Meaning by_status = ByStatus(answer.status, not_found_code);
  // A 404 page of some web server must not read as "the table does not exist".
  const bool foreign =
      !body.readable && !answer.body.empty() &&
      (by_status.kind == ErrorKind::kNotFound || by_status.kind == ErrorKind::kInvalidInput);
  return foreign ? kNotMaxCompute : by_status;
}

}  // namespace

Error FromAnswer(const HttpResponse& answer, std::string_view not_found_code) {
  const Body body = ReadBody(answer);
  const Meaning meaning = MeaningOf(answer, body, not_found_code);
  std::string text = "MaxCompute answered " + std::to_string(answer.status);
  if (!body.name.empty()) text += " " + body.name;
  if (!body.message.empty()) text += ": " + body.message;
  if (!meaning.next_step.empty()) text += "; " + std::string(meaning.next_step);
  if (!body.request_id.empty()) text += " (request " + body.request_id + ")";
  const long wait_ms = answer.RetryAfterMs() > 0 ? answer.RetryAfterMs() : body.hold_ms;
  return Error(meaning.kind, std::string(meaning.code), ScrubSecrets(text))
      .RetryAfter(wait_ms)
      .HttpStatus(answer.status);
}

bool WantsPlainSignature(const HttpResponse& answer) {
  if (answer.ok()) return false;
  const Body body = ReadBody(answer);
  const std::string text = LowerAscii(body.message);
  const auto says = [&text](std::string_view words) { return text.find(words) != text.npos; };
  if (body.name == "InternalServerError") {
    return says("need ak v3 support") || says("accesskey acl denied");
  }
  if (body.name == "InvalidParameter") return says("odps-0410051");
  return body.name == "AuthorizationRequired" && says("invalid or missing");
}

Error FromTaskText(std::string_view text) {
  const std::string lower = LowerAscii(text);
  Meaning meaning = kSqlFailed;
  const std::string_view number = OdpsNumber(text);
  if (const Meaning* numbered = Find(kByNumber, number)) {
    meaning = *numbered;
  } else if (number.starts_with(kCompilerNumbers)) {
    meaning = kSqlInvalid;
  }
  // "Table already exists" shares its number with "Table not found".
  const bool exists = lower.find("already exist") != lower.npos;
  if (exists && meaning.kind != ErrorKind::kDenied) meaning = kSqlExists;
  std::string message = text.empty() ? "the SQL task failed without a text" : std::string(text);
  if (!meaning.next_step.empty()) message += "; " + std::string(meaning.next_step);
  return Error(meaning.kind, std::string(meaning.code), ScrubSecrets(message));
}

Error UnreadableAnswer(const HttpResponse& answer, std::string_view what) {
  std::string text = "MaxCompute's answer " + std::to_string(answer.status) + " is not " +
                     std::string(what) + ": '" + Excerpt(answer.body) +
                     "'; check target.endpoint, tunnel_endpoint and the proxy";
  return Error(ErrorKind::kCorrupt, "ODPS_ANSWER", ScrubSecrets(text)).HttpStatus(answer.status);
}

}  // namespace mms::maxcompute
