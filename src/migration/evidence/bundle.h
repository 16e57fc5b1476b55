// An evidence bundle: everything that the ledger knows of a migration in one archive (tar.h), in
// forms that open without this program, signed by the state folder's key.
//
//   partitions.jsonl   a line for each partition (record.h)
//   tables.jsonl       a line for each table
//   run.json           of the last run, as the ledger keeps it; null when there was none
//   manifest.json      what it is about, and the sums
//   evidence.pub       the public key
//   SHA256SUMS         the hash of each file above, in the order of the archive (`sha256sum -c`)
//   SHA256SUMS.sig     Ed25519 over the bytes of SHA256SUMS
//
// Memory is bounded by one page of the ledger and one line, whatever their number.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "migration/evidence/record.h"
#include "migration/evidence/signing_key.h"
#include "migration/ledger/ledger.h"

namespace mms::migration {

inline constexpr std::string_view kPartitionsFile = "partitions.jsonl";
inline constexpr std::string_view kTablesFile = "tables.jsonl";
inline constexpr std::string_view kRunFile = "run.json";
inline constexpr std::string_view kManifestFile = "manifest.json";
inline constexpr std::string_view kKeyFile = "evidence.pub";
inline constexpr std::string_view kSumsFile = "SHA256SUMS";
inline constexpr std::string_view kSignatureFile = "SHA256SUMS.sig";
/// Longer lines and single files are refused, by writer and reader.
inline constexpr size_t kEvidenceLineMax = 16 << 20;

struct BundleSummary {
  std::string key_fingerprint;  ///< of the key it is signed by
  nlohmann::json manifest;
  EvidenceTotals totals;
};

/// Writes the bundle to `path`, which is there whole or not at all. A ledger that a run works on is
/// told as it is read. Errors: the ledger's, base/new_file.h's, kLimitReached EVIDENCE_LINE.
Result<BundleSummary> WriteBundle(Ledger& ledger, const EvidenceFacts& facts, const SigningKey& key,
                                  const std::string& path);

}  // namespace mms::migration
