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

delta::Table::Place LogPlace(const std::shared_ptr<azure::Storage>& storage,
                             const azure::Location& location) {
  delta::Table::Place place;
  place.url = azure::ToTableUrl(location);
  if (!storage->local()) {
    place.options = storage->kernel_options();
    place.transport = [storage](const HttpRequest& request) { return storage->Send(request); };
  }
  return place;
}

Result<std::unique_ptr<delta::Table>> OpenLog(const std::shared_ptr<azure::Storage>& storage,
                                              const azure::Location& location,
                                              std::optional<int64_t> version) {
  return delta::Table::Open(LogPlace(storage, location), version);
}

}  // namespace mms::migration
