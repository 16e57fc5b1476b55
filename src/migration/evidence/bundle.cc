#include "migration/evidence/bundle.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

#include "base/new_file.h"
#include "base/sha256.h"
#include "migration/evidence/tar.h"

namespace mms::migration {
namespace {

constexpr size_t kPieceBytes = 1 << 16;

/// Lines that wait for their place in the archive, in a file without a name that goes with it.
class Spool {
 public:
  Status Add(std::string_view line) {
    if (!file_) file_.reset(std::tmpfile());
    if (file_ && std::fwrite(line.data(), 1, line.size(), file_.get()) == line.size()) {
      return OkStatus();
    }
    return Failed();
  }

  template <class Visit>
  Status Read(Visit visit) {
    if (!file_) return OkStatus();
    if (std::fflush(file_.get()) != 0) return Failed();
    std::rewind(file_.get());
    std::string piece(kPieceBytes, '\0');
    for (;;) {
      const size_t size = std::fread(piece.data(), 1, piece.size(), file_.get());
      if (size == 0) break;
      TRY_VOID(visit(std::string_view(piece).substr(0, size)));
    }
    return std::ferror(file_.get()) == 0 ? OkStatus() : Failed();
  }

 private:
  static Status Failed() {
    const int reason = errno;
    const bool full = reason == ENOSPC || reason == EDQUOT;
    return Error(full ? ErrorKind::kLimitReached : ErrorKind::kDenied, "OUTPUT_NOT_WRITABLE",
                 std::string("a file that is put aside cannot be written or read (") +
                     std::strerror(reason) + "); free space in the folder for temporary files")
        .At("temporary folder");
  }

  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_;
};

class BundleWriter {
 public:
  BundleWriter(Ledger& ledger, const EvidenceFacts& facts, NewFile* file)
      : ledger_(ledger), facts_(facts), tar_(file) {}

  Result<BundleSummary> Write(const SigningKey& key) {
    TRY_VOID(WritePartitions());
    TRY_VOID(Begin(kTablesFile));
    TRY_VOID(tables_.Read([&](std::string_view piece) { return Append(piece); }));
    TRY_VOID(End());
    TRY(const std::string run, ledger_.LastRun());
    auto run_document = nlohmann::json::parse(run.empty() ? "null" : run, nullptr, false);
    TRY_VOID(WriteWhole(kRunFile, CanonicalLine(std::move(run_document))));
    TRY(const std::string target, ledger_.Target());
    BundleSummary summary;
    summary.manifest = ManifestOf(facts_, target, totals_);
    TRY_VOID(WriteWhole(kManifestFile, CanonicalLine(summary.manifest)));
    TRY_VOID(WriteWhole(kKeyFile, key.PublicPem()));
    // The list of the files so far: it cannot hold its own hash.
    const std::string sums = sums_;
    TRY_VOID(WriteWhole(kSumsFile, sums));
    TRY_VOID(WriteWhole(kSignatureFile, key.Sign(sums)));
    TRY_VOID(tar_.Finish());
    summary.key_fingerprint = key.Public().Fingerprint();
    summary.totals = totals_;
    return summary;
  }

 private:
  /// One pass over the ledger: a run may be at work, and the sums have to be those of the lines.
  Status WritePartitions() {
    TRY_VOID(Begin(kPartitionsFile));
    TRY_VOID(ledger_.ListTables([&](const TableRecord& table) -> Status {
      TRY(nlohmann::json line, TableLine(table, facts_.target));
      TRY_VOID(totals_.AddTable(line));
      TRY(const std::string text, LineText(std::move(line), table));
      TRY_VOID(tables_.Add(text));
      return ledger_.ListUnits(UnitScope(table), std::nullopt,
                               [&](const UnitRecord& unit) -> Status {
                                 TRY(nlohmann::json part, PartitionLine(table, unit));
                                 TRY_VOID(totals_.AddPartition(part));
                                 TRY(const std::string part_text, LineText(std::move(part), table));
                                 return Append(part_text);
                               });
    }));
    return End();
  }

  static Result<std::string> LineText(nlohmann::json line, const TableRecord& table) {
    std::string text = CanonicalLine(std::move(line));
    if (text.size() <= kEvidenceLineMax) return text;
    return Error(ErrorKind::kLimitReached, "EVIDENCE_LINE",
                 "what is to be said of it takes more than 16 MiB; leave the table out")
        .At("table " + table.source_name);
  }

  Status Begin(std::string_view name) {
    name_ = name;
    hash_ = Sha256();
    return tar_.Begin(name_);
  }
  Status Append(std::string_view bytes) {
    hash_.Update(bytes);
    return tar_.Write(bytes);
  }
  Status End() {
    sums_ += hash_.Finish() + "  " + name_ + "\n";
    return tar_.End();
  }
  Status WriteWhole(std::string_view name, std::string_view bytes) {
    TRY_VOID(Begin(name));
    TRY_VOID(Append(bytes));
    return End();
  }

  Ledger& ledger_;
  const EvidenceFacts& facts_;
  TarWriter tar_;
  Spool tables_;
  EvidenceTotals totals_;
  std::string name_;
  Sha256 hash_;
  std::string sums_;
};

}  // namespace

Result<BundleSummary> WriteBundle(Ledger& ledger, const EvidenceFacts& facts, const SigningKey& key,
                                  const std::string& path) {
  TRY(NewFile file, NewFile::Create(path));
  TRY(BundleSummary summary, BundleWriter(ledger, facts, &file).Write(key));
  TRY_VOID(file.Commit());
  return summary;
}

}  // namespace mms::migration
