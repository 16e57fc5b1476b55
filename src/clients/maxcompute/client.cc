#include "clients/maxcompute/client.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <utility>

#include "clients/maxcompute/documents.h"
#include "clients/maxcompute/errors.h"

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

Error BadEndpoint(const std::string& setting, const std::string& value) {
  return Error(ErrorKind::kInvalidInput, "ODPS_ENDPOINT",
               setting + " '" + value + "' is not an address: write http(s)://host[:port]");
}

}  // namespace

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

struct Client::State {
  State(Options given, std::shared_ptr<HttpClient> client)
      : options(std::move(given)), http(std::move(client)), signer(options.credentials) {}

  Options options;
  std::shared_ptr<HttpClient> http;
  Signer signer;
  std::mutex mutex;
  std::string tunnel_endpoint;  // guarded by mutex; "" = not asked yet
};

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

Result<HttpResponse> Client::Send(const Call& call) {
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
  std::string authorization = state_->signer.Authorization(to_sign, now);

  HttpRequest request;
  request.method = call.method;
  request.url = base + EncodePath(call.path) + EncodeQuery(to_sign.query);
  request.headers = std::move(to_sign.headers);
  request.headers.emplace_back("Authorization", std::move(authorization));
  const Secret& token = options.credentials.security_token;
  if (!token.empty()) request.headers.emplace_back("authorization-sts-token", token.Reveal());
  request.body = call.body;
  request.upload = call.upload;
  request.on_head = call.on_head;
  request.on_body = call.on_body;
  request.timeout_ms = call.timeout_ms;
  request.send_once = call.send_once;
  return state_->http->Send(request);
}

Result<HttpResponse> Client::Exchange(const Call& call, std::string_view not_found_code) {
  TRY(HttpResponse answer, Send(call));
  if (!answer.ok()) return FromAnswer(answer, not_found_code);
  return answer;
}

Result<HttpResponse> Client::Fetch(const Call& call, std::string_view not_found_code) {
  return Retry(state_->options.retry, [&] { return Exchange(call, not_found_code); });
}

Status Client::CheckProject() {
  const std::string& project = state_->options.project;
  Call call;
  call.path = "/projects/" + project;
  Result<HttpResponse> answer = Fetch(call, "ODPS_PROJECT_NOT_FOUND");
  if (!answer) return std::move(answer).error().At("project " + project);
  if (answer->body.find("<Project") == std::string::npos) {
    return UnreadableAnswer(*answer, "a project document").At("project " + project);
  }
  return OkStatus();
}

Result<TableInfo> Client::FetchTable(const std::string& table) {
  Call call;
  call.path = "/projects/" + state_->options.project + "/tables/" + table;
  Result<HttpResponse> answer = Fetch(call, "ODPS_TABLE_NOT_FOUND");
  if (!answer) return std::move(answer).error().At("target table " + table);
  Result<TableInfo> info = ParseTable(*answer);
  if (!info) return std::move(info).error().At("target table " + table);
  return info;
}

Status Client::ListPartitions(const std::string& table,
                              const std::function<Status(const PartitionSpec&)>& visit) {
  Call call;
  call.path = "/projects/" + state_->options.project + "/tables/" + table;
  std::string marker;
  while (true) {
    call.query = {{"partitions", ""}, {"expectmarker", "true"}};
    if (!marker.empty()) call.query.emplace_back("marker", marker);
    Result<HttpResponse> answer = Fetch(call, "ODPS_TABLE_NOT_FOUND");
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
  Call call;
  call.path = "/projects/" + options.project + "/tunnel";
  call.query = {{"service", ""}};
  if (!options.quota_name.empty()) call.query.emplace_back("quotaName", options.quota_name);
  Result<HttpResponse> answer = Fetch(call, "ODPS_PROJECT_NOT_FOUND");
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
