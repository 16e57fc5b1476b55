#include "clients/azure/storage.h"

#include <arrow/io/file.h>
#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "clients/azure/blob_file.h"

namespace mms::azure {
namespace {

struct Endpoint {
  std::string url;      ///< without a slash at the end
  std::string account;  ///< the path's one part, or the host's first label
  bool plain = false;   ///< http
};

Error InvalidEndpoint(std::string_view endpoint, std::string_view why) {
  return Error(ErrorKind::kInvalidInput, "STORAGE_ENDPOINT",
               fmt::format("storage.endpoint \"{}\": {}",
                           ScrubSecrets(endpoint.substr(0, endpoint.find('?'))), why));
}

/// True for what cannot carry an account in front: 127.0.0.1, [::1], localhost, with any port.
bool IsBareHost(std::string_view host) {
  return host.starts_with('[') || host.find_first_not_of("0123456789.:") == host.npos ||
         host.substr(0, host.find(':')) == "localhost";
}

Result<Endpoint> ParseEndpoint(std::string_view text) {
  const bool plain = text.starts_with("http://");
  if (!plain && !text.starts_with("https://")) {
    return InvalidEndpoint(text, "it must begin with https:// or http://");
  }
  if (text.find_first_of("?#@ \t\r\n") != text.npos) {
    return InvalidEndpoint(text,
                           "only scheme, host, port and account may stand in it; the SAS belongs "
                           "into storage.sas");
  }
  std::string_view rest = text.substr(text.find("//") + 2);
  while (rest.ends_with('/')) rest.remove_suffix(1);
  const size_t slash = rest.find('/');
  const std::string_view host = rest.substr(0, slash);
  const std::string_view path = slash == rest.npos ? "" : rest.substr(slash + 1);
  if (host.empty() || path.find('/') != path.npos) {
    return InvalidEndpoint(text, "expected https://host or http://host:port/account");
  }
  if (path.empty() && IsBareHost(host)) {
    return InvalidEndpoint(text, "the account is missing: http://host:port/account");
  }
  Endpoint endpoint;
  endpoint.url = std::string(plain ? "http://" : "https://") + std::string(rest);
  endpoint.account = path.empty() ? host.substr(0, host.find('.')) : path;
  endpoint.plain = plain;
  return endpoint;
}

int64_t NowMs() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

Result<std::shared_ptr<Storage>> Storage::Open(const StorageOptions& options, const Location& any) {
  std::shared_ptr<Storage> storage(new Storage);
  storage->local_ = any.local;
  if (any.local) return storage;

  storage->account_ = any.account.empty() ? options.account : any.account;
  std::map<std::string, std::string>& kernel = storage->kernel_options_;
  if (options.endpoint.empty()) {
    if (storage->account_.empty()) {
      return Error(ErrorKind::kInvalidInput, "STORAGE_ACCOUNT_MISSING",
                   fmt::format("{} names no storage account; set storage.account", ToText(any)));
    }
    storage->base_url_ = "https://" + BlobHost(storage->account_, any.suffix);
  } else {
    TRY(const Endpoint endpoint, ParseEndpoint(options.endpoint));
    storage->base_url_ = endpoint.url;
    if (storage->account_.empty()) storage->account_ = endpoint.account;
    if (endpoint.plain) kernel["azure_allow_http"] = "true";
  }
  TRY(storage->sas_, ParseSas(options.sas));
  TRY_VOID(CheckNotExpired(storage->sas_, NowMs()));
  kernel["azure_storage_account_name"] = storage->account_;
  kernel["azure_storage_endpoint"] = storage->base_url_;
  kernel["azure_storage_sas_key"] = storage->sas_.token.Reveal();
  storage->http_ =
      options.http != nullptr ? options.http : std::make_shared<HttpClient>(HttpClient::Options{});
  return storage;
}

Result<std::shared_ptr<arrow::io::RandomAccessFile>> Storage::OpenFile(const Location& location,
                                                                       int64_t size_bytes) {
  const std::string text = ToText(location);
  if (location.local) {
    arrow::Result<std::shared_ptr<arrow::io::ReadableFile>> file =
        arrow::io::ReadableFile::Open(location.path);
    if (!file.ok()) return FromArrow(file.status(), text);
    arrow::Result<int64_t> size = (*file)->GetSize();
    if (!size.ok()) return FromArrow(size.status(), text);
    if (*size != size_bytes) {
      return Error(ErrorKind::kCorrupt, "STORAGE_SIZE",
                   fmt::format("the file has {} bytes, the Delta log says {}", *size, size_bytes))
          .At(text);
    }
    return std::shared_ptr<arrow::io::RandomAccessFile>(*file);
  }
  const bool other = !location.account.empty() && location.account != account_;
  if (local_ || other) {
    return Error(
               ErrorKind::kUnsupported, "STORAGE_OTHER_ACCOUNT",
               fmt::format(
                   "the file lies in another storage account than the table ({}); a shallow clone "
                   "across accounts cannot be read, make a deep clone of it",
                   local_ ? "a local folder" : account_))
        .At(text);
  }
  BlobAddress address;
  address.url = base_url_ + "/" + UrlEncode(location.container) + "/" + EncodePath(location.path);
  address.sas = sas_.token;
  address.text = text;
  return std::shared_ptr<arrow::io::RandomAccessFile>(
      std::make_shared<BlobFile>(http_, std::move(address), size_bytes));
}

}  // namespace mms::azure
