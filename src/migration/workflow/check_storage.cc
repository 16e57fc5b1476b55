#include "migration/workflow/check_storage.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <set>

#include "clients/azure/sas.h"
#include "clients/azure/service_principal.h"
#include "clients/databricks/credential_vending.h"

namespace mms::migration {
namespace {

constexpr int64_t kHourMs = 3'600'000;
constexpr int64_t kSoonMs = 24 * kHourMs;

int64_t NowMs() {
  using std::chrono::milliseconds;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<milliseconds>(now).count();
}

std::string_view KindText(azure::SasFacts::Kind kind) {
  switch (kind) {
    case azure::SasFacts::Kind::kAccount: return "account";
    case azure::SasFacts::Kind::kService: return "service";
    case azure::SasFacts::Kind::kUserDelegation: return "user delegation";
  }
  return "";
}

/// Azure's own words in an error's text for a signature, a token or a time that is not good: the
/// credential itself is wrong, whoever owns the account.
bool IsNotAuthenticated(const Error& error) {
  return error.message().find("AuthenticationFailed") != std::string::npos ||
         error.message().find("InvalidAuthenticationInfo") != std::string::npos;
}

/// "; good for 59 minutes"
std::string TimeLeft(std::optional<int64_t> expires_ms) {
  if (!expires_ms) return "; its end is not told";
  return fmt::format("; good for {} minutes", (*expires_ms - NowMs()) / 60'000);
}

class StorageSteps {
 public:
  StorageSteps(const StorageQuestion& question, CheckSteps& steps)
      : question_(question), storage_(question.options.storage), steps_(steps) {}

  void Run() {
    bool opens = true;  // what lies in Azure
    if (storage_.auth == azure::StorageAuth::kServicePrincipal) opens = SignInAsPrincipal();
    if (!storage_.sas.empty()) {
      opens = steps_.Take("Storage SAS",
                          "make a new SAS with read and list, and set source.storage.sas",
                          [&] { return JudgeSas(storage_.sas, NowMs()); });
    }
    std::set<std::string> seen;
    for (const SourceTable& table : question_.tables) {
      const bool local = table.location.local;
      const std::string account = AccountOf(table.location);
      if (!seen.insert(account).second) continue;
      const bool vends = storage_.auth == azure::StorageAuth::kVended && !local;
      if (vends && !Vend(table, account)) continue;
      if (opens || local) Read(table, account);
    }
  }

 private:
  /// Its address where nobody names it; "" = on this machine.
  std::string AccountOf(const azure::Location& location) const {
    if (location.local || !location.account.empty()) return location.account;
    return storage_.account.empty() ? storage_.endpoint : storage_.account;
  }

  bool SignInAsPrincipal() {
    const azure::ServicePrincipal& principal = storage_.principal;
    return steps_.Take("Azure service principal", "", [&]() -> Result<Finding> {
      TRY(const azure::Credential token, azure::FromServicePrincipal(principal, question_.http)());
      return Finding{fmt::format("Microsoft Entra ID gives application {} a token{}",
                                 principal.client_id, TimeLeft(token.expires_ms))};
    });
  }

  bool Vend(const SourceTable& table, const std::string& account) {
    return steps_.Take("Vended credential " + account, "", [&]() -> Result<Finding> {
      if (!question_.api || table.catalog_id.empty()) {
        return Error(ErrorKind::kInvalidInput, "STORAGE_VENDED_LOCATION",
                     "Unity Catalog gives credentials for tables of the catalog alone; choose " +
                         table.name + " by include, or set a SAS or a service principal");
      }
      databricks::CredentialVending vending(question_.api);
      TRY(const databricks::TableCredential given,
          vending.FetchForTable(table.name, table.catalog_id));
      const bool sas = !given.sas.empty();
      const std::string kind =
          sas ? "a SAS, rights " + azure::ReadSasFacts(given.sas.Reveal()).rights
              : std::string("a token of Microsoft Entra ID");
      return Finding{
          fmt::format("for table {}: {}{}", table.name, kind, TimeLeft(given.expires_ms))};
    });
  }

  void Read(const SourceTable& table, const std::string& account) {
    const std::string name = table.location.local ? "Storage (local)" : "Storage " + account;
    const bool read = steps_.Take(name, "", [&]() -> Result<Finding> {
      const Result<Snapshot> seen = question_.source.Inspect(table, std::nullopt);
      if (!seen) {
        if (seen.error().code() != "DELTA_FEATURE_UNSUPPORTED") return seen.error();
        return Finding{"the log of " + table.name + " was read"};  // to move it is another matter
      }
      const bool has_log = seen->version != kNoVersion;
      return Finding{table.name + (has_log
                                       ? " is at version " + std::to_string(seen->version)
                                       : " has " + std::to_string(seen->files.size()) + " files")};
    });
    if (read) return;
    CheckStep& step = steps_.steps.back();
    step.remedy = StorageRemedy(*step.error, account, storage_.auth);
  }

  const StorageQuestion& question_;
  const azure::StorageOptions& storage_;
  CheckSteps& steps_;
};

}  // namespace

Result<Finding> JudgeSas(const Secret& sas, int64_t now_ms) {
  TRY(const azure::Sas parsed, azure::ParseSas(sas));
  TRY_VOID(azure::CheckNotExpired(parsed, now_ms));
  const azure::SasFacts& facts = parsed.facts;
  Finding finding;
  finding.detail = fmt::format("{} SAS, rights {}", KindText(facts.kind),
                               facts.rights.empty() ? "not told" : facts.rights);
  if (!facts.expires_ms) {
    finding.detail += facts.policy.empty()
                          ? ", its end is not told"
                          : fmt::format(", its end stands in the stored policy {}", facts.policy);
    finding.remedy = "see in Azure that it outlasts the migration";
    finding.outcome = CheckOutcome::kUnknown;
    return finding;
  }
  const int64_t left_ms = *facts.expires_ms - now_ms;
  finding.detail +=
      fmt::format(", until {} ({} hours left)", facts.expires_text, left_ms / kHourMs);
  if (facts.starts_ms && *facts.starts_ms > now_ms) {
    finding.remedy = "it is not good yet: wait, or make one that begins now";
    finding.outcome = CheckOutcome::kWarning;
  } else if (left_ms < kSoonMs) {
    finding.remedy = "it ends within a day: make one that outlasts the migration";
    finding.outcome = CheckOutcome::kWarning;
  }
  return finding;
}

std::string StorageRemedy(const Error& error, const std::string& account, azure::StorageAuth auth) {
  if (error.code() != "STORAGE_DENIED" || IsNotAuthenticated(error)) return "";
  const bool vended = auth == azure::StorageAuth::kVended;
  // Azure Databricks names the storage of a workspace's managed resource group so.
  if (account.starts_with("dbstorage") && !vended) {
    return fmt::format(
        "{} is the storage of the workspace's managed resource group, where a deny assignment bars "
        "every identity but Databricks': no SAS and no role helps. Set source.storage.auth: "
        "vended, "
        "so that Unity Catalog gives the credentials, or copy the table to an external location "
        "first (CREATE TABLE ... LOCATION ... AS SELECT)",
        account);
  }
  if (vended) {
    return "the credential is what Unity Catalog gave for this table, so it is the account's "
           "firewall that bars this machine: let its network in, or use a private endpoint";
  }
  return "";
}

void CheckStorage(const StorageQuestion& question, CheckSteps& steps) {
  StorageSteps(question, steps).Run();
}

}  // namespace mms::migration
