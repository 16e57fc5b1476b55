#include "base/http_client.h"

#include <curl/curl.h>
#include <strings.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/lower_ascii.h"
#include "base/secret.h"

namespace mms {
namespace {

constexpr size_t kErrorBodyMaxBytes = 64 * 1024;
constexpr size_t kBodyMaxBytes = 256 * 1024 * 1024;  // a listing, not data: data streams by on_body
constexpr long kUploadBufferBytes = 512 * 1024;
constexpr long kDownloadBufferBytes = 256 * 1024;
constexpr long kConnectionsMax = 5;  // kept open by a handle, as curl_easy_perform does
constexpr int kPollMaxMs = 1000;

/// Everything one running exchange needs in libcurl's callbacks.
struct Exchange {
  const HttpRequest* request;
  std::stop_token cancel;     // the client's
  BandwidthLimit* bandwidth;  // nullptr = no limit
  HttpResponse response;
  std::optional<Error> error;
  bool head_told = false;

  bool Stopped() const {
    return request->stop.stop_requested() || (cancel.stop_requested() && !request->despite_cancel);
  }

  /// Pauses until `bytes` more are within the limit.
  void Pace(size_t bytes) const {
    using std::chrono::microseconds;
    constexpr microseconds kSlice = std::chrono::milliseconds(100);
    microseconds pause = bandwidth->Book(bytes, BandwidthLimit::Clock::now());
    while (pause.count() > 0 && !Stopped()) {
      std::this_thread::sleep_for(std::min(pause, kSlice));
      pause -= kSlice;
    }
  }
};

/// Scheme, host and path of a URL: what an error may show. User and password are left out too.
std::string Shown(const std::string& url) {
  std::string shown = url.substr(0, url.find_first_of("?#"));
  const size_t scheme = shown.find("://");
  if (scheme != shown.npos) {
    const size_t host = scheme + 3;
    const size_t at = shown.find('@', host);
    if (at < shown.find('/', host)) shown.erase(host, at + 1 - host);
  }
  return ScrubSecrets(shown);
}

std::string_view Trimmed(std::string_view text) {
  const auto space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return text;
}

size_t OnHeader(char* data, size_t size, size_t count, void* context) {
  auto* exchange = static_cast<Exchange*>(context);
  const std::string_view line(data, size * count);
  if (line.starts_with("HTTP/")) {  // a new header block: 100 Continue, or a proxy's before ours
    exchange->response.headers.clear();
    const size_t space = line.find(' ');
    exchange->response.status =
        space == line.npos ? 0 : std::atoi(std::string(line.substr(space + 1, 3)).c_str());
    return size * count;
  }
  const size_t colon = line.find(':');
  if (colon != line.npos) {
    const std::string name = LowerAscii(line.substr(0, colon));
    std::string& value = exchange->response.headers[name];
    // The one header that comes several times and cannot be joined by commas.
    const bool further = name == "set-cookie" && !value.empty();
    value = (further ? value + "\n" : "") + std::string(Trimmed(line.substr(colon + 1)));
  }
  return size * count;
}

size_t OnBody(char* data, size_t size, size_t count, void* context) {
  auto* exchange = static_cast<Exchange*>(context);
  const std::string_view bytes(data, size * count);
  if (exchange->bandwidth != nullptr) exchange->Pace(bytes.size());
  std::string& body = exchange->response.body;
  if (exchange->request->on_body) {
    if (!exchange->response.ok()) {  // the start of an error's text is enough
      body.append(bytes.substr(0, kErrorBodyMaxBytes - std::min(body.size(), kErrorBodyMaxBytes)));
      return bytes.size();
    }
    Status status = OkStatus();
    if (!std::exchange(exchange->head_told, true) && exchange->request->on_head) {
      status = exchange->request->on_head(exchange->response);
    }
    if (status) status = exchange->request->on_body(bytes);
    if (status) return bytes.size();
    exchange->error = std::move(status).error();
    return 0;
  }
  if (body.size() + bytes.size() > kBodyMaxBytes) {
    exchange->error =
        Error(ErrorKind::kLimitReached, "HTTP_BODY_TOO_LARGE",
              exchange->request->method + " " + Shown(exchange->request->url) +
                  ": the answer is longer than 256 MiB; check that the address is right");
    return 0;
  }
  body.append(bytes);
  return bytes.size();
}

size_t OnUpload(char* data, size_t size, size_t count, void* context) {
  auto* exchange = static_cast<Exchange*>(context);
  std::span<char> buffer(data, size * count);
  if (exchange->bandwidth != nullptr) {
    buffer = buffer.first(std::min(buffer.size(), exchange->bandwidth->piece_bytes()));
  }
  Result<size_t> read = exchange->request->upload->Read(buffer);
  if (read) {
    CHECK(*read <= buffer.size());
    if (exchange->bandwidth != nullptr) exchange->Pace(*read);
    return *read;
  }
  exchange->error = std::move(read).error();
  return CURL_READFUNC_ABORT;
}

/// libcurl wants to send an upload from its start again (a kept connection was closed under it).
/// The body is made once, so that ends the request as HTTP_BROKEN and the caller decides.
int OnSeek(void*, curl_off_t, int) { return CURL_SEEKFUNC_FAIL; }

Error FromCurl(CURLcode code, const char* detail, const HttpRequest& request) {
  const std::string what = *detail != '\0' ? detail : curl_easy_strerror(code);
  const std::string text = request.method + " " + Shown(request.url) + ": " + ScrubSecrets(what);
  switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
      return Error(ErrorKind::kInvalidInput, "HTTP_URL",
                   text + "; check the address in the configuration");
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return Error(ErrorKind::kInvalidInput, "HTTP_TLS",
                   text + "; check the host name and the CA bundle (ca_file)");
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
      return Error(ErrorKind::kUnavailable, "HTTP_UNREACHABLE",
                   text + "; check the address, the network, proxy and ca_file");
    case CURLE_OPERATION_TIMEDOUT: return Error(ErrorKind::kUnavailable, "HTTP_TIMEOUT", text);
    default: return Error(ErrorKind::kUnavailable, "HTTP_BROKEN", text);
  }
}

Error Cancelled() { return Error(ErrorKind::kCancelled, "CANCELLED", "stopped on request"); }

void InitCurlOnce() {
  static const bool done = [] { return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK; }();
  CHECK(done);
}

}  // namespace

/// A transfer and the loop that drives it, which keeps the connections. As curl_easy_perform, but
/// for being woken from another thread.
struct HttpClient::Handle {
  CURLM* loop = curl_multi_init();
  CURL* curl = curl_easy_init();

  Handle() {
    CHECK(loop != nullptr && curl != nullptr);
    curl_multi_setopt(loop, CURLMOPT_MAXCONNECTS, kConnectionsMax);
  }
  ~Handle() {
    curl_easy_cleanup(curl);
    curl_multi_cleanup(loop);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  CURLcode Perform(const Exchange& exchange) {
    const auto wake = [this] { curl_multi_wakeup(loop); };
    const std::stop_callback on_cancel(exchange.cancel, wake);
    const std::stop_callback on_stop(exchange.request->stop, wake);
    CHECK(curl_multi_add_handle(loop, curl) == CURLM_OK);
    const CURLcode code = Drive(exchange);
    curl_multi_remove_handle(loop, curl);  // closes the connection of what was not finished
    return code;
  }

 private:
  CURLcode Drive(const Exchange& exchange) {
    int running = 1;
    while (true) {
      if (exchange.Stopped()) return CURLE_ABORTED_BY_CALLBACK;
      if (curl_multi_perform(loop, &running) != CURLM_OK) return CURLE_FAILED_INIT;
      if (running == 0) break;
      if (curl_multi_poll(loop, nullptr, 0, kPollMaxMs, nullptr) != CURLM_OK) {
        return CURLE_FAILED_INIT;
      }
    }
    int left = 0;
    const CURLMsg* done = curl_multi_info_read(loop, &left);
    CHECK(done != nullptr && done->msg == CURLMSG_DONE);
    return done->data.result;
  }
};

namespace {

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using LineList = std::unique_ptr<curl_slist, FreeList>;

void Append(LineList& list, const std::string& line) {
  curl_slist* longer = curl_slist_append(list.get(), line.c_str());
  CHECK(longer != nullptr);
  (void)list.release();
  list.reset(longer);
}

/// libcurl's "host:port:connect-host:connect-port", where an empty port is the URL's own.
LineList ConnectLines(const std::map<std::string, std::string>& addresses) {
  LineList lines;
  for (const auto& [host, address] : addresses) {
    const bool bare_v6 =
        !address.starts_with('[') && std::count(address.begin(), address.end(), ':') > 1;
    const std::string target = bare_v6 ? "[" + address + "]" : address;
    const bool port = target.rfind(':') != target.npos && !target.ends_with(']');
    Append(lines, host + "::" + target + (port ? "" : ":"));
  }
  return lines;
}

}  // namespace

struct HttpClient::Pool {
  LineList connect_to;
  std::mutex mutex;
  // Used last, taken first: its connection is the warmest.
  std::vector<std::unique_ptr<Handle>> idle;
};

HttpClient::HttpClient(Options options) : options_(std::move(options)), pool_(new Pool) {
  InitCurlOnce();
  pool_->connect_to = ConnectLines(options_.addresses);
  if (options_.bandwidth.limited()) bandwidth_.emplace(options_.bandwidth);
}
HttpClient::~HttpClient() = default;

std::unique_ptr<HttpClient::Handle> HttpClient::Take() {
  {
    std::lock_guard lock(pool_->mutex);
    if (!pool_->idle.empty()) {
      auto handle = std::move(pool_->idle.back());
      pool_->idle.pop_back();
      return handle;
    }
  }
  return std::make_unique<Handle>();
}

void HttpClient::Give(std::unique_ptr<Handle> handle) {
  std::lock_guard lock(pool_->mutex);
  pool_->idle.push_back(std::move(handle));
}

namespace {

void SetMethod(CURL* curl, const HttpRequest& request) {
  if (request.upload != nullptr) {
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, OnUpload);
    curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, OnSeek);
  } else if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.c_str());
  } else if (request.method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  }
  if (request.method != "HEAD") {
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
}

/// Bytes that would end a header line early and smuggle another in.
bool HasControl(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

Result<LineList> MakeHeaders(const HttpRequest& request) {
  LineList list;
  Append(list, "Expect:");  // a wait of a second per upload otherwise
  bool has_type = false;
  for (const auto& [name, value] : request.headers) {
    if (name.empty() || name.find(':') != name.npos || HasControl(name) || HasControl(value)) {
      return Error(ErrorKind::kInvalidInput, "HTTP_HEADER",
                   "header " + UrlEncode(name) +
                       " holds a line break or another control character; check the setting it "
                       "comes from");
    }
    has_type = has_type || strcasecmp(name.c_str(), "content-type") == 0;
    Append(list, value.empty() ? name + ";" : name + ": " + value);
  }
  if (!has_type) Append(list, "Content-Type:");
  if (request.upload != nullptr) Append(list, "Transfer-Encoding: chunked");
  return list;
}

void SetConnection(CURL* curl, const HttpRequest& request, const HttpClient::Options& options) {
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, options.user_agent.c_str());
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, options.connect_timeout_ms);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, request.timeout_ms);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, request.stall_timeout_s);
  curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, kUploadBufferBytes);
  curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, kDownloadBufferBytes);
  curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, request.send_once ? 1L : 0L);
  if (!options.ca_file.empty()) {
    curl_easy_setopt(curl, CURLOPT_CAINFO, options.ca_file.c_str());
    curl_easy_setopt(curl, CURLOPT_PROXY_CAINFO, options.ca_file.c_str());
  }
  if (options.proxy.empty()) return;
  curl_easy_setopt(curl, CURLOPT_PROXY, options.proxy.c_str());
  if (options.proxy_user.empty()) return;
  curl_easy_setopt(curl, CURLOPT_PROXYUSERNAME, options.proxy_user.c_str());
  curl_easy_setopt(curl, CURLOPT_PROXYPASSWORD, options.proxy_password.Reveal().c_str());
}

/// A proxy that did not open the way to the peer: nothing was sent.
std::optional<Error> FromProxy(CURL* curl, const HttpRequest& request) {
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_HTTP_CONNECTCODE, &status);
  if (status < 300) return std::nullopt;
  const std::string text = request.method + " " + Shown(request.url) + ": the proxy answered " +
                           std::to_string(status) + " to CONNECT";
  if (status == 407) {
    return Error(ErrorKind::kDenied, "HTTP_PROXY_DENIED",
                 text + "; check the proxy's user and password");
  }
  return Error(ErrorKind::kUnavailable, "HTTP_UNREACHABLE",
               text + "; see whether the proxy may reach this address");
}

}  // namespace

Result<HttpResponse> HttpClient::Send(const HttpRequest& request) {
  Exchange exchange{&request, cancel_.get_token(), bandwidth_ ? &*bandwidth_ : nullptr, {}, {},
                    false};
  if (exchange.Stopped()) return Cancelled();
  TRY(LineList headers, MakeHeaders(request));
  auto handle = Take();
  CURL* curl = handle->curl;
  curl_easy_reset(curl);  // keeps connections, DNS and TLS sessions
  char detail[CURL_ERROR_SIZE] = "";
  SetConnection(curl, request, options_);
  curl_easy_setopt(curl, CURLOPT_CONNECT_TO, pool_->connect_to.get());
  SetMethod(curl, request);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
  curl_easy_setopt(curl, CURLOPT_READDATA, &exchange);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, OnHeader);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &exchange);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &exchange);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  const CURLcode code = handle->Perform(exchange);
  // libcurl keeps the pointer; the handle outlives `detail` in the pool.
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, nullptr);
  std::optional<Error> proxy_error;
  if (code != CURLE_OK) proxy_error = FromProxy(curl, request);
  Give(std::move(handle));
  if (proxy_error) return *std::move(proxy_error);
  if (exchange.error) return *std::move(exchange.error);
  if (code == CURLE_ABORTED_BY_CALLBACK) return Cancelled();
  // A peer may answer with an error and close before it has read the whole upload: the answer
  // counts.
  const bool answered = exchange.response.status >= 400 && request.upload != nullptr;
  if (code != CURLE_OK && !answered) return FromCurl(code, detail, request);
  return std::move(exchange.response);
}

}  // namespace mms
