#include "clients/azure/location.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <vector>

#include "base/http_client.h"
#include "base/lower_ascii.h"
#include "base/secret.h"

namespace mms::azure {
namespace {

constexpr size_t kNameMaxChars = 63;

/// The text as an error may show it: a query can hold a SAS, so it never gets that far.
std::string Shown(std::string_view text) { return ScrubSecrets(text.substr(0, text.find('?'))); }

Error Invalid(std::string_view text, std::string_view why) {
  return Error(ErrorKind::kInvalidInput, "LOCATION_INVALID",
               fmt::format("location \"{}\": {}", Shown(text), why));
}

std::string_view StripSlashes(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == text.npos) return parts;
    text.remove_prefix(at + 1);
  }
}

/// Account and container names: what Azure allows, and what local stand-ins for it use.
bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= kNameMaxChars &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::islower(c) || std::isdigit(c) || c == '-' || c == '$';
         });
}

/// Blob names are plain keys: "." and ".." would be resolved by one HTTP library and not by the
/// other, and object_store drops empty segments.
bool HasOddSegment(std::string_view path) {
  if (path.empty()) return false;
  const std::vector<std::string_view> segments = Split(path, '/');
  return std::any_of(segments.begin(), segments.end(), [](std::string_view segment) {
    return segment.empty() || segment == "." || segment == "..";
  });
}

struct Host {
  std::string account;
  std::string suffix;
};

/// "account[.zNN].(blob|dfs).suffix"; account is "" when the host has another form.
Host ParseHost(std::string_view host) {
  host = host.substr(0, host.find(':'));
  const std::vector<std::string_view> labels = Split(host, '.');
  for (const size_t service : {size_t{1}, size_t{2}}) {
    if (labels.size() < service + 3) break;
    if (labels[service] != "blob" && labels[service] != "dfs") continue;
    std::string suffix = service == 2 ? std::string(labels[1]) + "." : "";
    const size_t rest = static_cast<size_t>(labels[service + 1].data() - host.data());
    suffix += host.substr(rest);
    return {std::string(labels[0]), suffix};
  }
  return {};
}

Result<Location> MakeLocation(std::string_view text, Location location) {
  if (!location.account.empty() && !IsName(location.account)) {
    return Invalid(text, "the storage account's name is not valid");
  }
  if (!IsName(location.container)) {
    return Invalid(text,
                   "the container is missing or its name is not valid; write "
                   "abfss://container@account.dfs.core.windows.net/path");
  }
  if (HasOddSegment(location.path)) {
    return Invalid(text, "the path has an empty, \".\" or \"..\" part; write it without");
  }
  return location;
}

/// abfss, az and wasbs: container@host/path, host/container/path, or container/path.
Result<Location> ParseBlobUri(std::string_view text, std::string_view rest) {
  const size_t slash = rest.find('/');
  const std::string_view authority = rest.substr(0, slash);
  const std::string_view path = slash == rest.npos ? "" : StripSlashes(rest.substr(slash));
  Location location;
  const size_t at = authority.find('@');
  if (at != authority.npos) {
    const Host host = ParseHost(LowerAscii(authority.substr(at + 1)));
    if (host.account.empty()) {
      return Invalid(text,
                     "the host must be account.dfs.<cloud> or account.blob.<cloud>; for a storage "
                     "behind another host write az://container/path and set storage.account and "
                     "storage.endpoint");
    }
    location.account = host.account;
    location.suffix = host.suffix;
    location.container = LowerAscii(authority.substr(0, at));
    location.path = path;
    return MakeLocation(text, std::move(location));
  }
  const Host host = ParseHost(LowerAscii(authority));
  if (host.account.empty()) {
    location.container = authority;
    location.path = path;
    return MakeLocation(text, std::move(location));
  }
  location.account = host.account;
  location.suffix = host.suffix;
  location.container = path.substr(0, path.find('/'));
  location.path = StripSlashes(path.substr(location.container.size()));
  return MakeLocation(text, std::move(location));
}

Result<Location> ParseHttps(std::string_view text, std::string_view rest) {
  if (rest.find_first_of("?#") != rest.npos) {
    return Invalid(text,
                   "a query or fragment does not belong here; put the SAS into storage.sas as "
                   "env:NAME or file:PATH");
  }
  const size_t slash = rest.find('/');
  const Host host = ParseHost(LowerAscii(rest.substr(0, slash)));
  if (host.account.empty()) {
    return Invalid(text,
                   "the host is not one of Azure Blob storage; write az://container/path and set "
                   "storage.account and storage.endpoint");
  }
  const std::string path = UrlDecode(slash == rest.npos ? "" : StripSlashes(rest.substr(slash)));
  Location location;
  location.account = host.account;
  location.suffix = host.suffix;
  location.container = path.substr(0, path.find('/'));
  location.path = StripSlashes(std::string_view(path).substr(location.container.size()));
  return MakeLocation(text, std::move(location));
}

/// `rest` is what follows "file:", already decoded: /folder, ///folder or //localhost/folder.
Result<Location> ParseLocal(std::string_view text, std::string_view rest) {
  if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    if (rest.starts_with("localhost/")) rest.remove_prefix(9);
  }
  if (!rest.starts_with('/')) {
    return Invalid(text, "a local folder needs its absolute path: file:///folder/table");
  }
  const std::string_view inner = StripSlashes(rest);
  if (HasOddSegment(inner)) {
    return Invalid(text, "the path has an empty, \".\" or \"..\" part; write it without");
  }
  Location location;
  location.local = true;
  location.path = "/" + std::string(inner);
  return location;
}

/// True for "scheme://..." and Hadoop's "file:/...". A partition folder never looks so: '=' is no
/// character of a scheme.
bool HasScheme(std::string_view path) {
  const size_t colon = path.find(':');
  if (colon == path.npos || colon == 0) return false;
  const std::string_view scheme = path.substr(0, colon);
  const bool named = std::all_of(scheme.begin(), scheme.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '+' || c == '-' || c == '.';
  });
  return named && (path.substr(colon).starts_with("://") || path.starts_with("file:/"));
}

}  // namespace

Result<Location> ParseLocation(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return Invalid(text, "it is empty");
  text = text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);

  const size_t colon = text.find(':');
  if (colon == text.npos || text.starts_with('/')) {
    return Invalid(text,
                   "it has no scheme; write abfss://container@account.dfs.core.windows.net/path "
                   "or file:///folder");
  }
  const std::string scheme = LowerAscii(text.substr(0, colon));
  const std::string_view rest = text.substr(colon + 1);
  if (scheme == "dbfs") {
    return Error(
        ErrorKind::kUnsupported, "LOCATION_UNSUPPORTED",
        fmt::format("location \"{}\": workspace storage (dbfs:/) cannot be read from outside "
                    "Databricks; move the table to an external location or a managed one of "
                    "Unity Catalog",
                    Shown(text)));
  }
  if (scheme == "s3" || scheme == "s3a" || scheme == "s3n" || scheme == "gs" || scheme == "r2") {
    return Error(
        ErrorKind::kUnsupported, "LOCATION_UNSUPPORTED",
        fmt::format("location \"{}\": only Azure Blob storage and local folders are read; copy "
                    "the table to Azure, or leave it out (`exclude`, of a job --but)",
                    Shown(text)));
  }
  if (scheme == "file") return ParseLocal(text, UrlDecode(rest));
  if (!rest.starts_with("//")) return Invalid(text, "after the scheme, // is missing");
  if (scheme == "https" || scheme == "http") return ParseHttps(text, rest.substr(2));
  for (const std::string_view known : {"abfss", "abfs", "az", "wasbs", "wasb"}) {
    if (scheme == known) return ParseBlobUri(text, rest.substr(2));
  }
  return Invalid(text, "the scheme is not known; use abfss, az, wasbs, https or file");
}

Result<Location> ResolveFile(const Location& root, std::string_view file_path) {
  if (HasScheme(file_path)) {
    // Decoded already by whoever read the log, so file: must not be decoded a second time.
    if (file_path.starts_with("file:")) return ParseLocal(file_path, file_path.substr(5));
    return ParseLocation(file_path);
  }
  Location location = root;
  const bool absolute = file_path.starts_with('/');
  const std::string_view inner = StripSlashes(file_path);
  if (inner.empty() || HasOddSegment(inner)) {
    return Error(ErrorKind::kCorrupt, "LOCATION_ESCAPES",
                 fmt::format("the Delta log names a file \"{}\" that cannot lie under {}",
                             Shown(file_path), ToText(root)));
  }
  if (absolute) {
    location.path = (root.local ? "/" : "") + std::string(inner);
  } else {
    const bool at_top = root.path.empty() || root.path.ends_with('/');
    location.path = root.path + (at_top ? "" : "/") + std::string(inner);
  }
  return location;
}

std::string ToText(const Location& location) {
  if (location.local) return "file://" + location.path;
  if (location.account.empty()) return fmt::format("az://{}/{}", location.container, location.path);
  std::string host = BlobHost(location.account, location.suffix);
  host.replace(host.find(".blob."), 6, ".dfs.");
  return fmt::format("abfss://{}@{}/{}", location.container, host, location.path);
}

std::string ToTableUrl(const Location& location) {
  std::string url = location.local ? "file:///" : "az://" + location.container + "/";
  const std::string_view inner = StripSlashes(location.path);
  if (!inner.empty()) url += EncodePath(inner) + "/";
  return url;
}

std::string BlobHost(const std::string& account, const std::string& suffix) {
  const std::string cloud = suffix.empty() ? "core.windows.net" : suffix;
  const bool zoned = cloud.size() > 3 && cloud[0] == 'z' && cloud.find('.') <= 3 &&
                     std::isdigit(static_cast<unsigned char>(cloud[1]));
  if (!zoned) return account + ".blob." + cloud;
  const size_t dot = cloud.find('.');
  return account + "." + cloud.substr(0, dot) + ".blob." + cloud.substr(dot + 1);
}

}  // namespace mms::azure
