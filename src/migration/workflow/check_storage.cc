#include "migration/workflow/check_storage.h"

#include <fmt/format.h>

#include <chrono>
#include <set>

#include "clients/azure/sas.h"

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

/// Azure's own word in an error's text for a signature or a time that is not good: the credential
/// itself is wrong, whoever owns the account.
bool IsNotAuthenticated(const Error& error) {
  return error.message().find("AuthenticationFailed") != std::string::npos;
}

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
  } else if (left_ms < kSoonMs) {
    finding.remedy = "it ends within a day: make one that outlasts the migration";
  }
  return finding;
}

std::string StorageRemedy(const Error& error, const std::string& account) {
  if (error.code() != "STORAGE_DENIED" || IsNotAuthenticated(error)) return "";
  // Azure Databricks names the storage of a workspace's managed resource group so.
  if (!account.starts_with("dbstorage")) return "";
  return fmt::format(
      "{} is the storage of the workspace's managed resource group, where a deny assignment bars "
      "every identity but Databricks': no SAS and no role helps. Copy the table to an external "
      "location first (CREATE TABLE ... LOCATION ... AS SELECT)",
      account);
}

void CheckStorage(const SourceOptions& options, Source& source,
                  const std::vector<SourceTable>& tables, CheckSteps& steps) {
  if (!options.storage.sas.empty()) {
    steps.Take("Storage SAS", "make a new SAS with read and list, and set source.storage.sas",
               [&] { return JudgeSas(options.storage.sas, NowMs()); });
  }
  std::set<std::string> seen;
  for (const SourceTable& table : tables) {
    const std::string account = table.location.account.empty() && !table.location.local
                                    ? options.storage.account
                                    : table.location.account;
    if (!seen.insert(account).second) continue;
    const std::string name = table.location.local ? "Storage (local)" : "Storage " + account;
    const bool read = steps.Take(name, "", [&]() -> Result<Finding> {
      TRY(const Snapshot snapshot, source.Inspect(table, std::nullopt));
      const bool has_log = snapshot.version != kNoVersion;
      return Finding{table.name +
                     (has_log ? " is at version " + std::to_string(snapshot.version)
                              : " has " + std::to_string(snapshot.files.size()) + " files")};
    });
    if (!read) steps.steps.back().remedy = StorageRemedy(*steps.steps.back().error, account);
  }
}

}  // namespace mms::migration
