#include "migration/evidence/bundle_check.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/lower_ascii.h"
#include "base/sha256.h"
#include "migration/evidence/tar.h"

namespace mms::migration {
namespace {

constexpr size_t kFilesMax = 64;
constexpr int kDepthMax = 16;
constexpr size_t kSmallFileMax = 1 << 20;

Error Damage(const char* code, std::string_view file, const std::string& what) {
  return Error(ErrorKind::kCorrupt, code, what).At("file " + std::string(file));
}

Error Changed(std::string_view file) {
  return Damage("EVIDENCE_CHANGED", file,
                "is not as it was signed; get the bundle again, and trust nothing in this one");
}

struct File {
  std::string name;
  std::string hash;
};

/// Cuts pieces into lines and hands each to `add`; the first error stays, and the rest is skipped.
class LineReader {
 public:
  using Add = Status (EvidenceTotals::*)(const nlohmann::json&);
  LineReader(std::string_view file, EvidenceTotals* totals, Add add)
      : file_(file), totals_(totals), add_(add) {}

  void Feed(std::string_view piece) {
    while (!fault_ && !piece.empty()) {
      const size_t end = piece.find('\n');
      line_ += piece.substr(0, end);
      if (line_.size() > kEvidenceLineMax) return Fail("is longer than 16 MiB");
      if (end == std::string_view::npos) return;
      piece.remove_prefix(end + 1);
      TakeLine();
      ++number_;
    }
  }
  std::optional<Error> Finish() {
    if (!fault_ && !line_.empty()) Fail("has no end");
    return std::move(fault_);
  }

 private:
  void TakeLine() {
    // What lies deeper is not looked at, and would cost memory by the byte.
    const auto shallow = [](int depth, nlohmann::json::parse_event_t, const nlohmann::json&) {
      return depth <= kDepthMax;
    };
    const auto document = nlohmann::json::parse(line_, shallow, false);
    line_.clear();
    const Status added = (totals_->*add_)(document);
    if (!added) Fail(added.error().message());
  }
  void Fail(const std::string& why) {
    fault_ = Damage("EVIDENCE_TOTALS", file_, "line " + std::to_string(number_) + " " + why);
  }

  std::string_view file_;
  EvidenceTotals* totals_;
  Add add_;
  std::string line_;
  int64_t number_ = 1;
  std::optional<Error> fault_;
};

/// What SHA256SUMS lists; malformed lines are left out.
std::vector<File> ParseSums(std::string_view text) {
  constexpr size_t kHashDigits = 64;
  constexpr std::string_view kGap = "  ";
  std::vector<File> files;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.size() <= kHashDigits + kGap.size()) continue;
    files.push_back({std::string(line.substr(kHashDigits + kGap.size())),
                     std::string(line.substr(0, kHashDigits))});
  }
  return files;
}

const File* Find(const std::vector<File>& files, std::string_view name) {
  const auto found =
      std::find_if(files.begin(), files.end(), [&](const File& file) { return file.name == name; });
  return found == files.end() ? nullptr : &*found;
}

class Checker {
 public:
  Result<BundleSummary> Check(TarReader reader, const std::string& trusted) {
    TRY_VOID(ReadAll(&reader));
    for (const std::string_view name : {kKeyFile, kSumsFile, kSignatureFile}) {
      if (!Find(files_, name)) return Missing(name);
    }
    const std::vector<File> listed = ParseSums(small_[std::string(kSumsFile)]);
    TRY(const PublicKey key, CheckSignature(listed));
    TRY_VOID(CheckFiles(listed));
    BundleSummary summary;
    summary.key_fingerprint = key.Fingerprint();
    if (!trusted.empty() && LowerAscii(trusted) != summary.key_fingerprint) {
      return Error(ErrorKind::kDenied, "EVIDENCE_OTHER_KEY",
                   "it is whole, but signed by the key " + summary.key_fingerprint +
                       " and not by " + trusted + "; ask who gave it to you");
    }
    TRY_VOID(CheckTotals());
    summary.manifest = std::move(manifest_);
    summary.totals = std::move(totals_);
    return summary;
  }

 private:
  static Error Missing(std::string_view name) {
    return Damage("EVIDENCE_MISSING", name, "is not in the bundle; get the bundle again");
  }

  Status ReadAll(TarReader* reader) {
    for (;;) {
      TRY(const auto entry, reader->Next());
      if (!entry) break;
      if (files_.size() == kFilesMax) {
        return Damage("EVIDENCE_ADDED", entry->name,
                      "a bundle has fewer files; it is none of ours");
      }
      if (Find(files_, entry->name)) {
        return Damage("EVIDENCE_ADDED", entry->name, "stands in the bundle twice");
      }
      TRY_VOID(ReadFile(reader, *entry));
    }
    fault_ = partitions_.Finish();
    if (std::optional<Error> fault = tables_.Finish(); !fault_) fault_ = std::move(fault);
    return OkStatus();
  }

  /// Hashes a file, and keeps what it says until the signature is seen.
  Status ReadFile(TarReader* reader, const TarReader::Entry& entry) {
    Sha256 hash;
    for (;;) {
      TRY(const std::string_view piece, reader->Read());
      if (piece.empty()) break;
      hash.Update(piece);
      if (entry.name == kPartitionsFile) {
        partitions_.Feed(piece);
      } else if (entry.name == kTablesFile) {
        tables_.Feed(piece);
      } else if (entry.size_bytes <= static_cast<int64_t>(kSmallFileMax)) {
        small_[entry.name] += piece;
      }
    }
    files_.push_back({entry.name, hash.Finish()});
    return OkStatus();
  }

  /// Which file it is when the signature does not fit is told by the hashes: those of a file that
  /// was changed alone still fit the signature.
  Result<PublicKey> CheckSignature(const std::vector<File>& listed) {
    const std::string& sums = small_[std::string(kSumsFile)];
    const File* key_hash = Find(listed, kKeyFile);
    const bool key_fits = key_hash && key_hash->hash == Find(files_, kKeyFile)->hash;
    const auto key = PublicKey::Parse(small_[std::string(kKeyFile)]);
    if (key && key->Verifies(sums, small_[std::string(kSignatureFile)])) return *key;
    bool others_fit = !listed.empty();
    for (const File& file : listed) {
      const File* found = Find(files_, file.name);
      if (file.name != kKeyFile && (!found || found->hash != file.hash)) others_fit = false;
    }
    if (!others_fit || !key_hash) return Changed(kSumsFile);
    if (!key_fits) return Changed(kKeyFile);
    if (!key) return key.error();
    return Damage("EVIDENCE_CHANGED", kSignatureFile,
                  "does not fit " + std::string(kSumsFile) +
                      ": one of the two is not as it was signed; trust nothing in this bundle");
  }

  /// The files are those that are listed, no more and no fewer, in the same order, unchanged.
  Status CheckFiles(const std::vector<File>& listed) {
    std::vector<File> wanted = listed;
    wanted.push_back({std::string(kSumsFile), ""});
    wanted.push_back({std::string(kSignatureFile), ""});
    for (const File& file : wanted) {
      if (!Find(files_, file.name)) return Missing(file.name);
    }
    for (const File& file : files_) {
      if (!Find(wanted, file.name)) {
        return Damage("EVIDENCE_ADDED", file.name, "was not signed with the bundle; take it out");
      }
    }
    for (const std::string_view name : {kPartitionsFile, kTablesFile, kManifestFile}) {
      if (!Find(files_, name)) return Missing(name);
    }
    if (wanted.size() != files_.size()) return Changed(kSumsFile);
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (wanted[i].name != files_[i].name) {
        return Damage("EVIDENCE_ORDER", files_[i].name,
                      "stands where " + wanted[i].name + " was written; get the bundle again");
      }
      if (!wanted[i].hash.empty() && wanted[i].hash != files_[i].hash) {
        return Changed(wanted[i].name);
      }
    }
    return OkStatus();
  }

  /// What is signed is what its maker says; that it adds up is seen here.
  Status CheckTotals() {
    manifest_ = nlohmann::json::parse(small_[std::string(kManifestFile)], nullptr, false);
    if (!manifest_.is_object() || !manifest_.value("totals", nlohmann::json()).is_object()) {
      return Damage("EVIDENCE_TOTALS", kManifestFile, "is no manifest");
    }
    const auto version = manifest_.value("format_version", nlohmann::json());
    if (version != 1) {
      return Error(ErrorKind::kUnsupported, "EVIDENCE_FORMAT",
                   "is of format " + version.dump() + "; check it with a later release of mms")
          .At("file " + std::string(kManifestFile));
    }
    if (fault_) return *std::move(fault_);
    const nlohmann::json counted = totals_.ToJson();
    for (const auto& [name, value] : counted.items()) {
      const auto said = manifest_["totals"].value(name, nlohmann::json());
      if (said == value) continue;
      return Damage("EVIDENCE_TOTALS", kManifestFile,
                    "says " + name + " " + said.dump() + ", the lines add up to " + value.dump() +
                        "; it was not made by mms as it is");
    }
    return OkStatus();
  }

  std::vector<File> files_;                   ///< as they stand in the archive
  std::map<std::string, std::string> small_;  ///< contents of all but the lines
  EvidenceTotals totals_;
  LineReader partitions_{kPartitionsFile, &totals_, &EvidenceTotals::AddPartition};
  LineReader tables_{kTablesFile, &totals_, &EvidenceTotals::AddTable};
  std::optional<Error> fault_;  ///< of the lines; counts once the signature was seen
  nlohmann::json manifest_;
};

}  // namespace

Result<BundleSummary> CheckBundle(const std::string& path, const std::string& key_fingerprint) {
  TRY(TarReader reader, TarReader::Open(path));
  auto checked = Checker().Check(std::move(reader), key_fingerprint);
  if (!checked) return std::move(checked).error().At("bundle " + path);
  return checked;
}

}  // namespace mms::migration
