#include "clients/maxcompute/client.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/fault_point.h"
#include "base/lower_ascii.h"
#include "clients/maxcompute/client_state.h"
#include "clients/maxcompute/documents.h"
#include "clients/maxcompute/errors.h"
#include "clients/maxcompute/random_id.h"
#include "clients/maxcompute/signing.h"

namespace mms::maxcompute {
namespace {

constexpr std::string_view kUserAgent = "open-mms/0.1";

std::string Joined(const PartitionSpec& spec, bool quoted) {
  std::string text;
  for (const auto& [name, value] : spec) {
    if (!text.empty()) text += ",";
    text += name + "=" + (quoted ? QuoteLiteral(value) : value);
  }
  return text;
}

std::string EncodeQuery(const std::vector<std::pair<std::string, std::string>>& query) {
  std::string out;
  for (const auto& [name, value] : query) {
    out += (out.empty() ? "?" : "&") + UrlEncode(name);
    if (!value.empty()) out += "=" + UrlEncode(value);
  }
  return out;
}

std::string WithoutSlash(std::string text) {
  while (text.ends_with('/')) text.pop_back();
  return text;
}

bool IsHttp(std::string_view address) {
  return address.starts_with("http://") || address.starts_with("https://");
}

/// A control call of Tunnel, not a stream of rows: PyODPS marks its repeats for the service's logs.
bool IsTunnel(const Client::Call& call) {
  return call.upload == nullptr && !call.on_body &&
         std::any_of(call.headers.begin(), call.headers.end(),
                     [](const auto& header) { return header.first == "x-odps-tunnel-version"; });
}

Error BadEndpoint(const std::string& setting, const std::string& value) {
  return Error(ErrorKind::kInvalidInput, "ODPS_ENDPOINT",
               setting + " '" + value + "' is not an address: write http(s)://host[:port]");
}

}  // namespace

const std::string& JobProject(const Options& options) {
  return options.job_project.empty() ? options.project : options.job_project;
}

bool UsesSchema(const Options& options) {
  return !options.schema.empty() && options.schema != "default";
}

std::string ToTunnelText(const PartitionSpec& spec) { return Joined(spec, false); }
std::string ToSqlText(const PartitionSpec& spec) { return Joined(spec, true); }

std::string QuoteLiteral(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    switch (c) {
      case '\b': out += "\\b"; break;
      case '\t': out += "\\t"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\0': out += "\\0"; break;
      case '\'': out += "\\'"; break;
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      default: out.push_back(c);
    }
  }
  return out + "'";
}

std::string QuoteName(std::string_view name) {
  std::string out = "`";
  for (const char c : name) {
    if (c == '`') out.push_back('`');
    out.push_back(c);
  }
  return out + "`";
}

Client::Client(Options options, std::shared_ptr<HttpClient> http)
    : state_(new State(std::move(options), std::move(http))) {
  Options& mine = state_->options;
  mine.endpoint = WithoutSlash(mine.endpoint);
  mine.tunnel_endpoint = WithoutSlash(mine.tunnel_endpoint);
  if (!mine.retry.cancelled) {
    mine.retry.cancelled = [client = state_->http] { return client->cancelled(); };
  }
}

Client::~Client() = default;

const Options& Client::options() const { return state_->options; }
std::shared_ptr<HttpClient> Client::http() const { return state_->http; }

Result<HttpResponse> Client::SendSigned(const Call& call, const AccessKey& key,
                                        const std::string& region) {
  const Options& options = state_->options;
  const std::string base = WithoutSlash(call.base.empty() ? options.endpoint : call.base);
  if (!IsHttp(base)) return BadEndpoint("target.endpoint", base);
  const auto now = std::chrono::system_clock::now();

  // Only `path` is signed: an /api prefix belongs to the endpoint.
  SignedRequest to_sign{call.method, call.path, call.query, call.headers};
  to_sign.query.emplace_back("curr_project", options.project);
  if (UsesSchema(options)) to_sign.query.emplace_back("curr_schema", options.schema);
  to_sign.headers.emplace_back("Date", HttpDate(now));
  to_sign.headers.emplace_back("x-odps-user-agent", kUserAgent);
  HttpRequest request;
  request.headers = to_sign.headers;
  if (!key.bearer_token.empty()) {
    request.headers.emplace_back("x-odps-bearer-token", key.bearer_token.Reveal());
  } else {
    request.headers.emplace_back("Authorization", Authorization(to_sign, key, region, now));
    if (!key.security_token.empty()) {
      request.headers.emplace_back("authorization-sts-token", key.security_token.Reveal());
    }
  }
  request.method = call.method;
  request.url = base + EncodePath(call.path) + EncodeQuery(to_sign.query);
  request.body = call.body;
  request.upload = call.upload;
  request.on_head = call.on_head;
  request.on_body = call.on_body;
  request.timeout_ms = call.timeout_ms;
  request.despite_cancel = call.despite_cancel;
  request.send_once = RuleOf(call.kind).repeat == Repeat::kIfUnsent;
  return state_->http->Send(request);
}

Result<HttpResponse> Client::PerformOnce(const Call& call) {
  const std::string_view not_found_code = RuleOf(call.kind).not_found_code;
  TRY(AccessKey key, state_->keys.Get(std::chrono::system_clock::now()));
  const bool plain = state_->signs_plain;
  const std::string region = plain ? "" : state_->options.credentials.region;
  TRY(HttpResponse answer, SendSigned(call, key, region));
  if (answer.ok()) return answer;
  // Refused for its signature, a call was not applied and may go again with another one; but the
  // rows of a block are gone, and only its caller can make them anew.
  Error error = FromAnswer(answer, not_found_code);
  bool again = false;
  if (!region.empty() && WantsPlainSignature(answer)) {
    state_->signs_plain = again = true;
  } else if (error.code() == "ODPS_SIGNATURE") {
    again = state_->keys.Refused(key);
  }
  if (!again) return error;
  if (call.upload != nullptr) {
    return Error(ErrorKind::kUnavailable, "ODPS_UNAVAILABLE",
                 "the block was refused for a signature that is out of date by now; send it again");
  }
  TRY(key, state_->keys.Get(std::chrono::system_clock::now()));
  TRY(answer, SendSigned(call, key, state_->signs_plain ? "" : region));
  if (!answer.ok()) return FromAnswer(answer, not_found_code);
  return answer;
}

Result<HttpResponse> Client::Perform(const Call& call) {
  const CallRule& rule = RuleOf(call.kind);
  Call attempt = call;
  if (IsTunnel(call)) attempt.headers.emplace_back("odps-tunnel-retry-trace-id", RandomId());
  const size_t fixed_headers = attempt.headers.size();
  Backoff backoff(state_->options.retry);
  FaultPoint(Moment::kBefore, rule.name);
  for (int index = 0;; ++index) {
    attempt.headers.resize(fixed_headers);
    if (IsTunnel(call)) {
      attempt.headers.emplace_back("odps-tunnel-retry-index", std::to_string(index));
    }
    Result<HttpResponse> answer = PerformOnce(attempt);
    FaultPoint(Moment::kAfter, rule.name);
    if (answer || rule.repeat == Repeat::kByCaller) return answer;
    const Error& error = answer.error();
    const bool unsent = error.kind() == ErrorKind::kThrottled || error.code() == "HTTP_UNREACHABLE";
    if (rule.repeat == Repeat::kIfUnsent && !unsent) return answer;
    if (!backoff.Wait(error)) return answer;
  }
}

Result<Client::ProjectInfo> Client::FetchProject() {
  const std::string& project = state_->options.project;
  Call call{CallKind::kFetchProject};
  call.path = "/projects/" + project;
  Result<HttpResponse> answer = Perform(call);
  if (!answer) return std::move(answer).error().At("project " + project);
  const auto properties = ParseProject(*answer);
  if (!properties) return Error(properties.error()).At("project " + project);
  ProjectInfo info;
  const auto schemas = properties->find("odps.schema.model.enabled");
  if (schemas != properties->end()) info.has_schemas = LowerAscii(schemas->second) == "true";
  return info;
}

Result<bool> Client::HasSchema(const std::string& schema) {
  const std::string& project = state_->options.project;
  Call call{CallKind::kListSchemas};
  call.path = "/projects/" + project + "/schemas";
  std::string marker;
  while (true) {
    call.query = {{"expectmarker", "true"}, {"name", schema}};  // names that begin like it
    if (!marker.empty()) call.query.emplace_back("marker", marker);
    Result<HttpResponse> answer = Perform(call);
    if (!answer) return std::move(answer).error().At("project " + project);
    Result<SchemaPage> page = ParseSchemaPage(*answer);
    if (!page) return std::move(page).error().At("project " + project);
    for (const std::string& name : page->names) {
      if (LowerAscii(name) == LowerAscii(schema)) return true;
    }
    if (page->marker.empty()) return false;
    if (page->marker == marker) {  // an endless list otherwise
      return Error(ErrorKind::kCorrupt, "ODPS_ANSWER",
                   "the list of schemas gives the marker '" + marker + "' twice")
          .At("project " + project);
    }
    marker = std::move(page->marker);
  }
}

Result<std::optional<std::string>> Client::FindAnyTable() {
  const std::string& project = state_->options.project;
  Call call{CallKind::kListTables};
  call.path = "/projects/" + project + "/tables";
  call.query = {{"expectmarker", "true"}, {"maxitems", "1"}};
  Result<HttpResponse> answer = Perform(call);
  if (!answer) return std::move(answer).error().At("project " + project);
  Result<std::optional<std::string>> name = ParseFirstTable(*answer);
  if (!name) return std::move(name).error().At("project " + project);
  return name;
}

Result<TableInfo> Client::FetchTable(const std::string& table) {
  Call call{CallKind::kFetchTable};
  call.path = "/projects/" + state_->options.project + "/tables/" + table;
  Result<HttpResponse> answer = Perform(call);
  if (!answer) return std::move(answer).error().At("target table " + table);
  Result<TableInfo> info = ParseTable(*answer);
  if (!info) return std::move(info).error().At("target table " + table);
  call.query = {{"extended", ""}};
  Result<HttpResponse> extended = Perform(call);
  if (!extended) return std::move(extended).error().At("target table " + table);
  Result<TableTraits> traits = ParseTableTraits(*extended);
  if (!traits) return std::move(traits).error().At("target table " + table);
  info->traits = *std::move(traits);
  return info;
}

Status Client::ListPartitions(const std::string& table,
                              const std::function<Status(const PartitionSpec&)>& visit) {
  Call call{CallKind::kListPartitions};
  call.path = "/projects/" + state_->options.project + "/tables/" + table;
  std::string marker;
  while (true) {
    call.query = {{"partitions", ""}, {"expectmarker", "true"}};
    if (!marker.empty()) call.query.emplace_back("marker", marker);
    Result<HttpResponse> answer = Perform(call);
    if (!answer) return std::move(answer).error().At("target table " + table);
    Result<PartitionPage> page = ParsePartitionPage(*answer);
    if (!page) return std::move(page).error().At("target table " + table);
    for (const PartitionSpec& partition : page->partitions) {
      TRY_VOID(visit(partition));
    }
    if (page->marker.empty()) return OkStatus();
    if (page->marker == marker) {  // an endless list otherwise
      return Error(ErrorKind::kCorrupt, "ODPS_ANSWER",
                   "the list of partitions gives the marker '" + marker + "' twice")
          .At("target table " + table);
    }
    marker = std::move(page->marker);
  }
}

Result<std::string> Client::DiscoverTunnel() {
  const Options& options = state_->options;
  Call call{CallKind::kFindTunnel};
  call.path = "/projects/" + options.project + "/tunnel";
  call.query = {{"service", ""}};
  if (!options.quota_name.empty()) call.query.emplace_back("quotaName", options.quota_name);
  Result<HttpResponse> answer = Perform(call);
  if (!answer) return std::move(answer).error().At("tunnel endpoint");
  std::string host = answer->body;
  std::erase_if(host, [](char c) { return c == ' ' || c == '\r' || c == '\n' || c == '\t'; });
  const bool plausible =
      !host.empty() && host.size() < 300 && host.find_first_of("<>{}\"'@?#") == std::string::npos;
  if (!plausible) return UnreadableAnswer(*answer, "a Tunnel host").At("tunnel endpoint");
  // The answer has no scheme: Tunnel is spoken to as the control plane is.
  const std::string scheme = options.endpoint.substr(0, options.endpoint.find("://") + 3);
  return WithoutSlash(IsHttp(host) ? host : scheme + host);
}

Result<std::string> Client::TunnelEndpoint() {
  const std::string& configured = state_->options.tunnel_endpoint;
  if (!configured.empty()) {
    if (!IsHttp(configured)) return BadEndpoint("target.tunnel_endpoint", configured);
    return configured;
  }
  std::lock_guard lock(state_->mutex);  // one thread asks, the others wait for its answer
  if (state_->tunnel_endpoint.empty()) {
    TRY(state_->tunnel_endpoint, DiscoverTunnel());
  }
  return state_->tunnel_endpoint;
}

}  // namespace mms::maxcompute
