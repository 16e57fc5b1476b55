#include "clients/azure/storage.h"

#include <arrow/io/file.h>
#include <fmt/format.h>

#include <utility>

#include "clients/azure/blob_file.h"

namespace mms::azure {
namespace {

struct Endpoint {
  std::string url;      ///< without a slash at the end
  std::string account;  ///< the path's one part, or the host's first label
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
  return endpoint;
}

/// What an error may show of the URL of a request of the kernel: the path, or the listed prefix.
std::string ObjectOf(const std::string& url) {
  const size_t query = url.find('?');
  const std::string path = UrlDecode(url.substr(0, query));
  const size_t prefix = query == url.npos ? url.npos : url.find("prefix=", query);
  if (prefix == url.npos) return path;
  const size_t from = prefix + 7;
  return path + "/" + UrlDecode(url.substr(from, url.find('&', from) - from));
}

}  // namespace

Result<std::shared_ptr<CredentialKeeper>> MakeKeeper(const StorageOptions& options,
                                                     const std::shared_ptr<HttpClient>& http) {
  switch (options.auth) {
    case StorageAuth::kSas: {
      CredentialKeeper::Options keeping;
      keeping.pause_ms = 0;  // a file costs nothing to look at
      TRY(CredentialProvider provider, FromSas(options.sas, options.sas_file));
      auto keeper = std::make_shared<CredentialKeeper>(std::move(provider), std::move(keeping));
      TRY_VOID(keeper->Get());
      return keeper;
    }
    case StorageAuth::kServicePrincipal:
      return std::make_shared<CredentialKeeper>(FromServicePrincipal(options.principal, http));
    case StorageAuth::kVended: break;
  }
  return Error(ErrorKind::kInvalidInput, "STORAGE_VENDED_LOCATION",
               "Unity Catalog gives credentials for its own tables only; choose the table by "
               "tables[].include, or set source.storage.sas or a service principal");
}

Result<std::shared_ptr<Storage>> Storage::Open(const StorageOptions& options, const Location& any) {
  std::shared_ptr<Storage> storage(new Storage);
  storage->local_ = any.local;
  if (any.local) return storage;

  storage->name_ = any.account.empty() ? options.account : any.account;
  storage->any_account_ = options.auth == StorageAuth::kServicePrincipal;
  storage->own_endpoint_ = !options.endpoint.empty();
  if (options.endpoint.empty()) {
    if (storage->name_.empty()) {
      return Error(ErrorKind::kInvalidInput, "STORAGE_ACCOUNT_MISSING",
                   fmt::format("{} names no storage account; set storage.account", ToText(any)));
    }
    storage->base_url_ = "https://" + BlobHost(storage->name_, any.suffix);
  } else {
    TRY(const Endpoint endpoint, ParseEndpoint(options.endpoint));
    storage->base_url_ = endpoint.url;
    if (storage->name_.empty()) storage->name_ = endpoint.account;
  }
  const auto http =
      options.http != nullptr ? options.http : std::make_shared<HttpClient>(HttpClient::Options{});
  std::shared_ptr<CredentialKeeper> keeper = options.keeper;
  if (keeper == nullptr) {
    TRY(keeper, MakeKeeper(options, http));
  }
  storage->account_ = std::make_shared<Account>(http, std::move(keeper));
  return storage;
}

std::shared_ptr<Storage> Storage::Counted(ByteCount sent) const {
  std::shared_ptr<Storage> counted(new Storage(*this));
  if (account_) counted->account_ = account_->Counted(std::move(sent));
  return counted;
}

namespace {

/// The address of account `other` beside that of `account`: a private endpoint has the account as
/// its first label, an emulator as the path; "" = it shows no place for another.
std::string AddressBeside(const std::string& base_url, const std::string& account,
                          const std::string& other) {
  const size_t host = base_url.find("//") + 2;
  const size_t slash = base_url.find('/', host);
  if (slash != base_url.npos) return base_url.substr(0, slash + 1) + other;
  if (base_url.compare(host, account.size() + 1, account + ".") != 0) return "";
  return base_url.substr(0, host) + other + base_url.substr(host + account.size());
}

}  // namespace

Result<Storage::Reach> Storage::ReachOf(const Location& location) const {
  const bool other = !location.account.empty() && location.account != name_;
  if (!local_ && !other) return Reach{name_, base_url_};
  std::string why;
  Reach reach;
  reach.account = location.account;
  if (local_) {
    why = "its table lies in a local folder; make a deep clone of it";
  } else if (!any_account_) {
    why = "the credential is for the table's account " + name_ +
          "; read by a service principal that has the role Storage Blob Data Reader on both, or "
          "make a deep clone of it";
  } else if (own_endpoint_) {
    reach.base_url = AddressBeside(base_url_, name_, location.account);
    why = "source.storage.endpoint " + base_url_ +
          " does not tell where; leave it out and resolve the accounts' names to their private "
          "endpoints, or make a deep clone of it";
  } else {
    reach.base_url = "https://" + BlobHost(location.account, location.suffix);
  }
  if (!reach.base_url.empty()) return reach;
  return Error(ErrorKind::kUnsupported, "STORAGE_OTHER_ACCOUNT",
               "the file lies in another storage account than its table (a shallow clone), and " +
                   why)
      .At(ToText(location));
}

Result<std::map<std::string, std::string>> Storage::KernelOptions(const Location& location) const {
  TRY(const Reach reach, ReachOf(location));
  return std::map<std::string, std::string>{{"azure_storage_account_name", reach.account},
                                            {"azure_storage_endpoint", reach.base_url}};
}

std::string Storage::ContainerUrl(const std::string& container) const {
  return base_url_ + "/" + UrlEncode(container);
}

Result<HttpResponse> Storage::Send(const HttpRequest& request) {
  CHECK(account_ != nullptr);
  return account_->Send(request, ObjectOf(request.url));
}

std::string LocalEtag(const struct stat& facts) {
  return fmt::format("{}.{:09}", facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec);
}

namespace {

Result<std::shared_ptr<arrow::io::RandomAccessFile>> OpenLocal(const std::string& path,
                                                               int64_t size_bytes,
                                                               const std::string& etag) {
  const std::string text = "file://" + path;
  arrow::Result<std::shared_ptr<arrow::io::ReadableFile>> file =
      arrow::io::ReadableFile::Open(path);
  if (!file.ok()) {
    Error error = FromArrow(file.status(), text);
    const bool gone = error.kind() == ErrorKind::kNotFound && !etag.empty();
    return gone ? FileChanged(text) : std::move(error);
  }
  struct stat facts {};
  if (fstat((*file)->file_descriptor(), &facts) != 0) {
    return FromArrow(arrow::Status::IOError("cannot be looked at"), text);
  }
  if (!etag.empty() && (facts.st_size != size_bytes || LocalEtag(facts) != etag)) {
    return FileChanged(text);
  }
  if (facts.st_size != size_bytes) {
    return Error(ErrorKind::kCorrupt, "STORAGE_SIZE",
                 fmt::format("the file has {} bytes, the Delta log says {}", facts.st_size,
                             size_bytes))
        .At(text);
  }
  return std::shared_ptr<arrow::io::RandomAccessFile>(*file);
}

}  // namespace

Result<std::shared_ptr<arrow::io::RandomAccessFile>> Storage::OpenFile(const Location& location,
                                                                       int64_t size_bytes,
                                                                       const std::string& etag) {
  const std::string text = ToText(location);
  if (location.local) return OpenLocal(location.path, size_bytes, etag);
  TRY(const Reach reach, ReachOf(location));
  BlobAddress address;
  address.url =
      reach.base_url + "/" + UrlEncode(location.container) + "/" + EncodePath(location.path);
  address.text = text;
  address.etag = etag;
  return std::shared_ptr<arrow::io::RandomAccessFile>(
      std::make_shared<BlobFile>(account_, std::move(address), size_bytes));
}

}  // namespace mms::azure
