#include "migration/inspect/storage_access.h"

#include <utility>

namespace mms::migration {
namespace {

azure::Credential ToCredential(databricks::TableCredential given) {
  azure::Credential credential;
  const bool sas = !given.sas.empty();
  credential.kind = sas ? azure::Credential::Kind::kSas : azure::Credential::Kind::kBearer;
  credential.text = sas ? std::move(given.sas) : std::move(given.bearer);
  credential.expires_ms = given.expires_ms;
  return credential;
}

}  // namespace

StorageAccess::StorageAccess(StorageAccessOptions options, std::shared_ptr<HttpClient> http)
    : options_([&] {
        if (!options.storage.http) options.storage.http = http;
        return std::move(options);
      }()),
      http_(std::move(http)),
      vending_(options_.storage.auth == azure::StorageAuth::kVended
                   ? std::make_shared<databricks::CredentialVending>(
                         std::make_shared<databricks::WorkspaceApi>(
                             options_.workspace,
                             databricks::TokensOf(options_.sign_in, options_.workspace, http_),
                             http_, options_.limit))
                   : nullptr) {}

/// Holds mutex_.
Result<std::shared_ptr<azure::CredentialKeeper>> StorageAccess::SharedKeeper() {
  if (!shared_) {
    TRY(shared_, azure::MakeKeeper(options_.storage, http_));
  }
  return shared_;
}

std::shared_ptr<azure::CredentialKeeper> StorageAccess::VendedKeeper(
    const std::string& table, const std::string& catalog_id) {
  return std::make_shared<azure::CredentialKeeper>(
      [vending = vending_, table, catalog_id]() -> Result<azure::Credential> {
        TRY(databricks::TableCredential given, vending->FetchForTable(table, catalog_id));
        return ToCredential(std::move(given));
      });
}

Result<std::shared_ptr<azure::Storage>> StorageAccess::Open(const azure::Location& location,
                                                            const std::string& table,
                                                            const std::string& catalog_id) {
  azure::StorageOptions options = options_.storage;
  if (location.local) return azure::Storage::Open(options, location);
  const bool in_catalog = table != azure::ToText(location);
  if (vending_ && in_catalog) {
    options.keeper = VendedKeeper(table, catalog_id);
    return azure::Storage::Open(options, location);
  }
  std::lock_guard lock(mutex_);
  auto& storage = storages_[location.account + "." + location.suffix];
  if (!storage) {
    // A storage that cannot be opened stays null here and is tried again by the next caller.
    TRY(options.keeper, SharedKeeper());
    TRY(storage, azure::Storage::Open(options, location));
  }
  return storage;
}

Result<delta::Table::Place> LogPlace(const std::shared_ptr<azure::Storage>& storage,
                                     const azure::Location& location) {
  delta::Table::Place place;
  place.url = azure::ToTableUrl(location);
  if (storage->local()) return place;
  TRY(place.options, storage->KernelOptions(location));
  place.transport = [storage](const HttpRequest& request) { return storage->Send(request); };
  return place;
}

Result<std::vector<uint64_t>> ReadAbsoluteVector(const std::shared_ptr<azure::Storage>& storage,
                                                 const azure::Location& root,
                                                 const delta::DeletionVector& vector) {
  // In the form of `path` in an `add` action, which is percent-encoded.
  TRY(azure::Location file, azure::ResolveFile(root, UrlDecode(vector.path_or_inline)));
  if (file.local != root.local) {
    return Error(ErrorKind::kUnsupported, "STORAGE_OTHER_ACCOUNT",
                 "the deletion vector lies in another storage than its table (a shallow clone); "
                 "make a deep clone of it")
        .At(azure::ToText(file));
  }
  azure::Location container = file;
  container.path.assign(file.local ? 1 : 0, '/');
  TRY(const delta::Table::Place place, LogPlace(storage, container));
  delta::DeletionVector there = vector;
  there.path_or_inline = azure::ToTableUrl(file);
  there.path_or_inline.pop_back();  // the slash of a folder
  return delta::ReadDeletionVectorAt(place, there);
}

Result<std::unique_ptr<delta::Table>> OpenLog(const std::shared_ptr<azure::Storage>& storage,
                                              const azure::Location& location,
                                              std::optional<int64_t> version) {
  TRY(const delta::Table::Place place, LogPlace(storage, location));
  return delta::Table::Open(place, version);
}

}  // namespace mms::migration
