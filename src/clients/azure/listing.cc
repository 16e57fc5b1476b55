#include "clients/azure/listing.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <pugixml.hpp>
#include <system_error>
#include <utility>
#include <vector>

#include "base/retry.h"

namespace mms::azure {
namespace {

namespace fs = std::filesystem;

constexpr int kAttemptsMax = 5;

struct Page {
  std::vector<StoredFile> files;
  std::string next_marker;
};

Error BadAnswer(const std::string& text, std::string_view why) {
  return Error(ErrorKind::kCorrupt, "STORAGE_ANSWER",
               fmt::format("the storage's list of files cannot be read: {}; check the endpoint and "
                           "what stands between",
                           why))
      .At(text);
}

bool IsFolder(const pugi::xml_node& blob) {
  const pugi::xml_node properties = blob.child("Properties");
  return std::string_view(properties.child_value("ResourceType")) == "directory" ||
         std::string_view(blob.child("Metadata").child_value("hdi_isfolder")) == "true";
}

Result<Page> ParsePage(const std::string& body, const std::string& prefix,
                       const std::string& text) {
  pugi::xml_document document;
  // Blanks count in names.
  const auto options = pugi::parse_default | pugi::parse_ws_pcdata_single;
  const pugi::xml_parse_result parsed = document.load_buffer(body.data(), body.size(), options);
  const pugi::xml_node root = document.child("EnumerationResults");
  if (!parsed) return BadAnswer(text, parsed.description());
  if (!root) return BadAnswer(text, "it is no EnumerationResults");
  Page page;
  page.next_marker = root.child_value("NextMarker");
  for (const pugi::xml_node& blob : root.child("Blobs").children("Blob")) {
    if (IsFolder(blob)) continue;
    const pugi::xml_node name_node = blob.child("Name");
    std::string name = name_node.child_value();
    if (name_node.attribute("Encoded").as_bool()) name = UrlDecode(name);
    const pugi::xml_node properties = blob.child("Properties");
    const pugi::xml_text size = properties.child("Content-Length").text();
    if (!name.starts_with(prefix) || size.as_llong(-1) < 0) {
      return BadAnswer(text, fmt::format("\"{}\" is outside the folder or has no size", name));
    }
    StoredFile file;
    file.path = name.substr(prefix.size());
    file.size_bytes = size.as_llong();
    file.etag = properties.child_value("Etag");
    file.modified_ms = ParseHttpDate(properties.child_value("Last-Modified"));
    page.files.push_back(std::move(file));
  }
  return page;
}

Status ListBlobs(Storage& storage, const Location& folder, bool hidden,
                 const std::function<Status(StoredFile)>& visit) {
  const std::string text = ToText(folder);
  const std::string prefix = folder.path.empty() ? "" : folder.path + "/";
  const std::string base =
      storage.ContainerUrl(folder.container) +
      "?restype=container&comp=list&include=metadata&maxresults=5000&prefix=" + UrlEncode(prefix);
  std::string marker;
  do {
    HttpRequest request;
    request.url = base + (marker.empty() ? "" : "&marker=" + UrlEncode(marker));
    RetryPolicy policy;
    policy.attempts_max = kAttemptsMax;
    TRY(const Page page, Retry(policy, [&]() -> Result<Page> {
          TRY(const HttpResponse response, storage.Send(request));
          if (!response.ok()) return FromAnswer(response, text);
          return ParsePage(response.body, prefix, text);
        }));
    for (const StoredFile& file : page.files) {
      if (hidden || !IsHidden(file.path)) TRY_VOID(visit(file));
    }
    if (page.next_marker == marker && !marker.empty()) {
      return BadAnswer(text, "a page names itself as the next one");
    }
    marker = page.next_marker;
  } while (!marker.empty());
  return OkStatus();
}

Status ListFolder(const Location& folder, bool hidden,
                  const std::function<Status(StoredFile)>& visit) {
  const auto failed = [&](const std::error_code& why) {
    const bool denied = why == std::errc::permission_denied;
    return Error(denied ? ErrorKind::kDenied : ErrorKind::kUnavailable,
                 denied ? "STORAGE_DENIED" : "STORAGE_UNREACHABLE", why.message())
        .At(ToText(folder));
  };
  std::error_code why;
  if (!fs::exists(folder.path, why)) return why ? Status(failed(why)) : OkStatus();
  fs::recursive_directory_iterator entry(folder.path, why);
  const size_t skip = folder.path.size() + (folder.path.ends_with('/') ? 0 : 1);
  for (; !why && entry != fs::recursive_directory_iterator(); entry.increment(why)) {
    const std::string& path = entry->path().native();
    struct stat facts {};
    if (stat(path.c_str(), &facts) != 0) {
      return failed(std::error_code(errno, std::generic_category()));
    }
    if (S_ISDIR(facts.st_mode)) continue;
    StoredFile file;
    file.path = path.substr(skip);
    if (!hidden && IsHidden(file.path)) continue;
    file.size_bytes = facts.st_size;
    file.etag = LocalEtag(facts);
    file.modified_ms = facts.st_mtim.tv_sec * 1000 + facts.st_mtim.tv_nsec / 1'000'000;
    TRY_VOID(visit(std::move(file)));
  }
  return why ? Status(failed(why)) : OkStatus();
}

}  // namespace

int64_t ParseHttpDate(const std::string& text) {
  std::tm parts{};
  const char* end = strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return 0;
  return static_cast<int64_t>(timegm(&parts)) * 1000;
}

bool IsHidden(std::string_view path) {
  while (!path.empty()) {
    const std::string_view part = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), part.size() + 1));
    const bool partition = part.find('=') != part.npos;
    if (part.starts_with('.') || (part.starts_with('_') && !partition) ||
        part.ends_with("._COPYING_")) {
      return true;
    }
  }
  return false;
}

Status ListFiles(Storage& storage, const Location& folder, bool hidden,
                 const std::function<Status(StoredFile)>& visit) {
  return folder.local ? ListFolder(folder, hidden, visit)
                      : ListBlobs(storage, folder, hidden, visit);
}

}  // namespace mms::azure
