#include "sandbox/faults.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "sandbox/table.h"

namespace mms::sandbox {
namespace {

using Json = nlohmann::json;

constexpr int64_t kDelayMsMax = 600'000;

Error Bad(const std::string& what) {
  return Error(ErrorKind::kInvalidInput, "SANDBOX_FAULTS",
               what + "; docs/sandbox.md shows the form of fault rules");
}

struct Bounds {
  int64_t least;
  int64_t most;
};

/// The whole number below `key`; `absent` when there is none.
Result<int64_t> Number(const Json& json, const char* key, int64_t absent, Bounds bounds) {
  auto found = json.find(key);
  if (found == json.end()) return absent;
  bool good = found->is_number_integer() && found->get<int64_t>() >= bounds.least &&
              found->get<int64_t>() <= bounds.most;
  if (good) return found->get<int64_t>();
  return Bad(std::string(key) + " must be a whole number from " + std::to_string(bounds.least) +
             " to " + std::to_string(bounds.most));
}

Result<bool> Flag(const Json& json, const char* key) {
  auto found = json.find(key);
  if (found == json.end()) return false;
  if (found->is_boolean()) return found->get<bool>();
  return Bad(std::string(key) + " must be true or false");
}

Result<std::string> Text(const Json& json, const char* key) {
  auto found = json.find(key);
  if (found == json.end()) return std::string();
  if (found->is_string()) return found->get<std::string>();
  return Bad(std::string(key) + " must be a text");
}

/// Of the body that is sent, or that is asked for.
bool HasCoding(const Call& call, const std::string& coding) {
  for (const char* name : {"content-encoding", "accept-encoding"}) {
    const std::string* header = call.http->FindHeader(name);
    if (header != nullptr && *header == coding) return true;
  }
  return false;
}

/// The code that the service would give with a status.
std::string UsualCode(int status) {
  switch (status) {
    case 308: return "SlotReassigned";
    case 401: return "Unauthorized";
    case 403: return "NoPermission";
    case 404: return "NoSuchObject";
    case 408: return "RequestTimeOut";
    case 409: return "StatusConflict";
    case 429: return "FlowExceeded";
    case 503: return "ServiceUnavailable";
    default: return status >= 500 ? "InternalServerError" : "InvalidArgument";
  }
}

}  // namespace

Status Faults::ReadWhen(const Json& json, Rule* rule) {
  constexpr Bounds kCount{1, INT64_MAX};
  TRY(rule->nth, Number(json, "nth", 0, kCount));
  TRY(rule->every, Number(json, "every", 0, kCount));
  TRY(int64_t seed, Number(json, "seed", 1, {0, INT64_MAX}));
  rule->random.seed(static_cast<uint64_t>(seed));
  if (json.contains("probability")) {
    bool good = json["probability"].is_number() && json["probability"].get<double>() >= 0 &&
                json["probability"].get<double>() <= 1;
    if (!good) return Bad("probability must be a number from 0 to 1");
    rule->probability = json["probability"].get<double>();
  }
  if ((rule->nth > 0) + (rule->every > 0) + (rule->probability >= 0) > 1) {
    return Bad("give one of nth, every and probability");
  }
  TRY(rule->times, Number(json, "times", -1, kCount));
  return OkStatus();
}

Status Faults::ReadFault(const Json& json, Fault* fault) {
  TRY(int64_t status, Number(json, "status", 0, {300, 599}));
  fault->status = static_cast<int>(status);
  TRY(fault->code, Text(json, "code"));
  TRY(fault->retry_after_s, Number(json, "retry_after_s", -1, {0, 86'400}));
  TRY(fault->hold_ms, Number(json, "hold_client_ms", -1, {0, kDelayMsMax}));
  TRY(fault->cut_after_bytes, Number(json, "cut_after_bytes", -1, {0, INT64_MAX}));
  TRY(fault->drop_answer, Flag(json, "drop_answer"));
  TRY(fault->session_gone, Flag(json, "session_gone"));
  TRY(fault->key_gone, Flag(json, "key_gone"));
  TRY(fault->initiating_ms, Number(json, "initiating_ms", 0, {1, kDelayMsMax}));
  TRY(fault->delay_ms, Number(json, "delay_ms", 0, {1, kDelayMsMax}));
  int actions = (fault->status != 0) + (fault->cut_after_bytes >= 0) + fault->drop_answer +
                fault->session_gone + fault->key_gone + (fault->initiating_ms > 0);
  if (actions > 1) {
    return Bad(
        "give one of status, cut_after_bytes, drop_answer, session_gone, key_gone and "
        "initiating_ms");
  }
  if (actions == 0 && fault->delay_ms == 0) {
    return Bad(
        "give an action: status, cut_after_bytes, drop_answer, session_gone, key_gone, "
        "initiating_ms or delay_ms");
  }
  bool dressed = !fault->code.empty() || fault->retry_after_s >= 0 || fault->hold_ms >= 0;
  if (dressed && fault->status == 0) {
    return Bad("code, retry_after_s and hold_client_ms belong to a status");
  }
  return OkStatus();
}

Result<Faults::Rule> Faults::ReadRule(const Json& json) {
  static const std::set<std::string> kKeys{
      "call",          "object",         "coding",          "nth",         "every",
      "probability",   "seed",           "times",           "status",      "code",
      "retry_after_s", "hold_client_ms", "cut_after_bytes", "drop_answer", "session_gone",
      "key_gone",      "initiating_ms",  "delay_ms"};
  if (!json.is_object()) return Bad("a rule must be an object");
  for (const auto& [key, value] : json.items()) {
    if (!kKeys.contains(key)) return Bad("'" + key + "' is not a key of a rule");
  }
  Rule rule;
  rule.text = json.dump();
  TRY(std::string call, Text(json, "call"));
  auto name = FindCallName(call);
  rule.any_call = call == "any";
  if (!rule.any_call && (!name || IsAdmin(*name))) {
    return Bad("'" + call + "' is not a call; write any, put_block, commit_upload, ...");
  }
  rule.call = name.value_or(CallName::kUnknown);
  TRY(rule.object, Text(json, "object"));
  TRY(rule.coding, Text(json, "coding"));
  TRY_VOID(ReadWhen(json, &rule));
  TRY_VOID(ReadFault(json, &rule.fault));
  if (rule.fault.initiating_ms > 0 && rule.call != CallName::kCreateDownload) {
    return Bad("initiating_ms belongs to create_download");
  }
  return rule;
}

Status Faults::Set(const std::string& json_text) {
  auto json = Json::parse(json_text, nullptr, false);
  if (!json.is_object() || json.size() != 1 || !json.contains("faults") ||
      !json["faults"].is_array()) {
    return Bad("fault rules must be JSON {\"faults\": [...]}");
  }
  std::vector<Rule> rules;
  for (const Json& item : json["faults"]) {
    auto rule = ReadRule(item);
    if (!rule) {
      return std::move(rule).error().At("fault rule " + std::to_string(rules.size()));
    }
    rules.push_back(std::move(*rule));
  }
  std::lock_guard lock(mutex_);
  rules_ = std::move(rules);
  gone_.clear();
  expired_.clear();
  return OkStatus();
}

bool Faults::IsDue(Rule* rule) {
  ++rule->seen;
  bool due = true;
  if (rule->nth > 0) due = rule->seen == rule->nth;
  if (rule->every > 0) due = rule->seen % rule->every == 0;
  if (rule->probability >= 0) {
    // Drawn for every call, so that the seed alone decides which ones.
    due = std::uniform_real_distribution<double>(0, 1)(rule->random) < rule->probability;
  }
  if (rule->times >= 0 && rule->fired >= rule->times) due = false;
  if (due) ++rule->fired;
  return due;
}

std::optional<Fault> Faults::Next(const Call& call, const Target& target) {
  if (IsAdmin(target.name)) return std::nullopt;
  std::lock_guard lock(mutex_);
  for (size_t i = 0; i < rules_.size(); ++i) {
    Rule& rule = rules_[i];
    if (!rule.any_call && rule.call != target.name) continue;
    if (!rule.object.empty() && rule.object != target.object) continue;
    if (!rule.coding.empty() && !HasCoding(call, rule.coding)) continue;
    if (!IsDue(&rule)) continue;
    if (rule.fault.session_gone) gone_.insert(SessionOf(call, target));
    std::fprintf(stderr, "mms sandbox: fault rule %zu fired (%lld) on %s %s: %s [%s]\n", i,
                 static_cast<long long>(rule.fired), std::string(NameText(target.name)).c_str(),
                 call.path.c_str(), rule.text.c_str(), call.request_id.c_str());
    return rule.fault;
  }
  return std::nullopt;
}

bool Faults::IsGone(const Call& call, const Target& target) {
  std::lock_guard lock(mutex_);
  return !gone_.empty() && gone_.contains(SessionOf(call, target));
}

void Faults::ExpireKey(const std::string& user) {
  std::lock_guard lock(mutex_);
  expired_.insert(user);
}

bool Faults::IsExpired(const std::string& user, const Target& target) {
  std::lock_guard lock(mutex_);
  return !IsAdmin(target.name) && expired_.contains(user);
}

void Faults::Delay(int64_t ms) {
  std::unique_lock lock(mutex_);
  ended_.wait_for(lock, std::chrono::milliseconds(ms), [this] { return no_delays_; });
}

void Faults::EndDelays() {
  {
    std::lock_guard lock(mutex_);
    no_delays_ = true;
  }
  ended_.notify_all();
}

Json Faults::Describe() {
  std::lock_guard lock(mutex_);
  Json list = Json::array();
  for (const Rule& rule : rules_) {
    Json item = Json::parse(rule.text);
    item["seen"] = rule.seen;
    item["fired"] = rule.fired;
    list.push_back(std::move(item));
  }
  return {{"faults", std::move(list)}};
}

std::string SessionOf(const Call& call, const Target& target) {
  for (const char* name : {"uploadid", "downloadid", "upsertid"}) {
    if (call.Has(name)) return call.Parameter(name);
  }
  return target.instance ? target.object : "";
}

Answer FaultAnswer(const Fault& fault, bool tunnel, const std::string& request_id) {
  Error error(ErrorKind::kUnavailable, fault.code.empty() ? UsualCode(fault.status) : fault.code,
              "a fault rule of the sandbox refused this call");
  Answer answer = tunnel ? TunnelError(error) : RestError(error, request_id);
  answer.status = fault.status;
  if (fault.retry_after_s >= 0) {
    answer.headers.emplace_back("Retry-After", std::to_string(fault.retry_after_s));
  }
  if (fault.hold_ms >= 0 && tunnel) {
    Json body = Json::parse(answer.body);
    body["HoldClientMillis"] = fault.hold_ms;
    answer.body = body.dump();
  }
  return answer;
}

Result<size_t> CutSource::Read(void* buffer, size_t size) {
  if (left_ == 0) {
    connection_->Abort();
    return Error(ErrorKind::kUnavailable, "HTTP_PEER_GONE", "a fault rule cut the connection");
  }
  TRY(size_t got, source_->Read(buffer, std::min(size, static_cast<size_t>(left_))));
  left_ -= static_cast<int64_t>(got);
  return got;
}

Status CutResponder::Send(int status, const HttpHeaders& headers, std::string_view body) {
  if (!whole_ && static_cast<int64_t>(body.size()) <= left_) {
    return responder_->Send(status, headers, body);
  }
  // Chunked: a length in the header would have to lie.
  TRY_VOID(Start(status, headers));
  return Write(body.data(), body.size());
}

Status CutResponder::Start(int status, const HttpHeaders& headers) {
  if (!whole_) return responder_->Start(status, headers);
  dropped_ = true;
  responder_->Abort();
  return Error(ErrorKind::kUnavailable, "HTTP_PEER_GONE", "a fault rule dropped the answer");
}

Status CutResponder::Write(const void* data, size_t size) {
  size_t now = std::min(size, static_cast<size_t>(left_));
  TRY_VOID(responder_->Write(data, now));
  left_ -= static_cast<int64_t>(now);
  if (now == size) return OkStatus();
  responder_->Abort();
  return Error(ErrorKind::kUnavailable, "HTTP_PEER_GONE", "a fault rule cut the connection");
}

Status CutResponder::Finish() { return responder_->Finish(); }

}  // namespace mms::sandbox
