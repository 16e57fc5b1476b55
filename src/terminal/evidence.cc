#include <utility>

#include "base/clock.h"
#include "base/version.h"
#include "migration/evidence/bundle.h"
#include "migration/evidence/bundle_check.h"
#include "terminal/config.h"
#include "terminal/evidence_view.h"
#include "terminal/interrupt.h"
#include "terminal/text.h"
#include "terminal/verbs.h"

namespace mms::terminal {
namespace {

using migration::BundleSummary;

Result<BundleSummary> Write(const std::string& file, const std::string& bundle) {
  TRY(const Config config, LoadConfig(file, SecretUse::kIgnore));
  const migration::RunOptions& options = config.options;
  TRY(const auto ledger, migration::Ledger::OpenToRead(options.state_folder));
  TRY(const auto key, migration::SigningKey::Open(options.state_folder + "/evidence.key"));
  migration::EvidenceFacts facts;
  facts.product_version = kVersion;
  facts.made_ms = UnixMs();
  facts.workspace = options.source.workspace;
  facts.catalog = options.source.catalog;
  facts.target = options.target;
  return migration::WriteBundle(*ledger, facts, key, bundle);
}

/// " (3 by checksum, 1 by count)".
std::string MethodsText(const BundleSummary& summary) {
  std::string text;
  for (const auto& [method, count] : summary.totals.matches()) {
    text += (text.empty() ? " (" : ", ") + Thousands(count) + " by " + Printable(method);
  }
  return text.empty() ? text : text + ")";
}

/// "3 tables, 5 partitions: 4 Match (3 by checksum, 1 by count), 1 Mismatch".
std::string CountsText(const BundleSummary& summary) {
  std::string text = Counted(summary.totals.tables(), "table") + ", " +
                     Counted(summary.totals.partitions(), "partition");
  const char* before = ": ";
  for (const auto& [verdict, count] : summary.totals.verdicts()) {
    text += std::exchange(before, ", ") + Thousands(count) + " " + Printable(verdict);
    if (verdict == migration::VerdictName(migration::Verdict::kMatch)) text += MethodsText(summary);
  }
  return text;
}

/// A text of the manifest; a bundle of another maker may have anything there.
std::string Said(const BundleSummary& summary, const char* name) {
  const auto value = summary.manifest.value(name, nlohmann::json());
  return value.is_string() ? Printable(value.get<std::string>()) : "?";
}

Json Fields(const std::string& bundle, const BundleSummary& summary) {
  return {{"bundle", bundle},
          {"key_fingerprint", summary.key_fingerprint},
          {"manifest", Json::parse(summary.manifest.dump())}};
}

}  // namespace

ExitCode RunEvidence(const std::string& file, const std::string& bundle, Output& output) {
  ExitOnInterrupt();
  const auto written = Write(file, bundle);
  if (!written) return output.Fail(written.error());
  PrintEvidence(bundle, *written, output);
  return ExitCode::kDone;
}

void PrintEvidence(const std::string& bundle, const BundleSummary& summary, Output& output) {
  if (output.json()) {
    output.Object("evidence", Fields(bundle, summary));
    return;
  }
  output.Result(bundle + ": " + CountsText(summary) + "\nsigned by key " + summary.key_fingerprint +
                "\n");
}

ExitCode RunEvidenceCheck(const std::string& bundle, const std::string& key, Output& output) {
  ExitOnInterrupt();
  const auto checked = migration::CheckBundle(bundle, key);
  if (!checked) return output.Fail(checked.error());
  if (output.json()) {
    Json fields = Fields(bundle, *checked);
    fields["key_trusted"] = !key.empty();
    output.Object("evidence_check", fields);
    return ExitCode::kDone;
  }
  std::string text = bundle + ": whole, and as it was signed\n" + CountsText(*checked) + "\nmade " +
                     Said(*checked, "made_at") + " by mms " + Said(*checked, "product_version") +
                     ", of " + Said(*checked, "target") + "\nsigned by key " +
                     checked->key_fingerprint;
  text += key.empty() ? ": compare it with what its maker told you, or give that as --key\n"
                      : ", the one that was given\n";
  output.Result(text);
  return ExitCode::kDone;
}

}  // namespace mms::terminal
