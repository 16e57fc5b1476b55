#include "service/job_evidence.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/clock.h"
#include "base/sha256.h"
#include "base/version.h"
#include "migration/evidence/signing_key.h"
#include "service/job_ledger.h"
#include "service/target_profile.h"

namespace mms::service {
namespace {

namespace fs = std::filesystem;

fs::path EvidenceFolder(const std::string& folder) { return fs::path(folder) / "evidence"; }

Error CannotRead(const fs::path& folder, const std::string& reason) {
  return Error(ErrorKind::kDenied, "EVIDENCE_UNREADABLE",
               "cannot be listed or locked (" + reason + "); see to its rights and its disk")
      .At("folder " + folder.string());
}

/// Of "job-7-2.tar" 2, of "job-7.tar" 0; nullopt = of another job, or no bundle.
std::optional<int64_t> NumberOf(const std::string& name, int64_t job_id) {
  constexpr std::string_view kEnd = ".tar";
  const std::string begin = "job-" + std::to_string(job_id);
  if (name == begin + std::string(kEnd)) return 0;
  if (!name.starts_with(begin + "-") || !name.ends_with(kEnd)) return std::nullopt;
  const std::string_view digits =
      std::string_view(name).substr(begin.size() + 1, name.size() - begin.size() - 1 - kEnd.size());
  int64_t number = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool is_whole = failure == std::errc() && end == digits.data() + digits.size();
  return is_whole && number > 0 ? std::optional(number) : std::nullopt;
}

/// Of the folder of bundles, so that two processes do not take one number. Goes with its object,
/// and with the process.
class FolderLock {
 public:
  static Result<FolderLock> Take(const fs::path& folder) {
    std::error_code failure;
    fs::create_directories(folder, failure);
    if (failure) return CannotRead(folder, failure.message());
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return CannotRead(folder, std::strerror(errno));
    FolderLock lock(fd);
    // Whoever has it writes one bundle and lets go.
    while (::flock(fd, LOCK_EX) != 0) {
      if (errno != EINTR) return CannotRead(folder, std::strerror(errno));
    }
    return lock;
  }
  FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock() {
    if (fd_ >= 0) ::close(fd_);
  }

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  int fd_;
};

/// null = it cannot be read.
nlohmann::json HashOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  Sha256 hash;
  std::string piece(1 << 16, '\0');
  while (file.read(piece.data(), static_cast<std::streamsize>(piece.size())) || file.gcount() > 0) {
    hash.Update(std::string_view(piece).substr(0, static_cast<size_t>(file.gcount())));
  }
  return file.eof() ? nlohmann::json(hash.Finish()) : nlohmann::json();
}

/// `path`: nullopt = the next one that is kept.
Result<WrittenBundle> Write(Store& store, const std::string& folder, const Job& job,
                            std::optional<std::string> path) {
  TRY(const auto ledger, OpenJobLedger(store, folder, job));
  TRY(const auto key, migration::SigningKey::Open(folder + "/evidence.key"));
  TRY(const DataSource source, store.GetSource(job.source_id));
  TRY(const Profile target, store.GetTarget());
  TRY(const auto kept, ListEvidence(folder, job.id));
  migration::EvidenceFacts facts;
  facts.product_version = kVersion;
  facts.made_ms = UnixMs();
  facts.workspace = source.config.Get("db.workspace.url");
  facts.catalog = source.config.Get("db.catalog");
  facts.target = TargetOptionsOf(target);
  facts.target.project = job.dst_project;
  facts.target.schema = job.dst_schema;
  facts.job = {{"id", job.id},
               {"name", job.name},
               {"status", StatusName(StatusOf(job))},
               {"bundle", nullptr},
               {"follows", nullptr}};
  TRY(const LeftOutTables left_out, FindLeftOutTables(store, job, *ledger));
  facts.job["left_out_tables"] = {{"count", left_out.count}, {"names", left_out.names}};
  if (!kept.empty()) {
    const std::string& last = kept.back().path;
    facts.job["follows"] = {{"bundle", fs::path(last).filename().string()},
                            {"sha256", HashOf(last)}};
  }
  if (!path) {
    const int64_t number = kept.empty() ? 1 : kept.back().number + 1;
    facts.job["bundle"] = number;
    const std::string name =
        "job-" + std::to_string(job.id) + "-" + std::to_string(number) + ".tar";
    path = (EvidenceFolder(folder) / name).string();
  }
  WrittenBundle written{*path, {}};
  TRY(written.summary, migration::WriteBundle(*ledger, facts, key, *path));
  return written;
}

}  // namespace

Result<std::vector<KeptBundle>> ListEvidence(const std::string& folder, int64_t job_id) {
  std::vector<KeptBundle> kept;
  std::error_code failure;
  const fs::path bundles = EvidenceFolder(folder);
  fs::directory_iterator entry(bundles, failure);
  if (failure == std::errc::no_such_file_or_directory) return kept;
  for (; !failure && entry != fs::directory_iterator(); entry.increment(failure)) {
    const auto number = NumberOf(entry->path().filename().string(), job_id);
    if (!number) continue;
    const auto size = entry->file_size(failure);
    if (failure) break;
    kept.push_back({*number, entry->path().string(), static_cast<int64_t>(size)});
  }
  if (failure) return CannotRead(bundles, failure.message());
  std::sort(kept.begin(), kept.end(),
            [](const KeptBundle& a, const KeptBundle& b) { return a.number < b.number; });
  return kept;
}

Result<WrittenBundle> KeepJobEvidence(Store& store, const std::string& folder, const Job& job) {
  TRY(const FolderLock lock, FolderLock::Take(EvidenceFolder(folder)));
  return Write(store, folder, job, std::nullopt);
}

Result<WrittenBundle> WriteJobEvidence(Store& store, const std::string& folder, const Job& job,
                                       const std::string& path) {
  return Write(store, folder, job, path);
}

}  // namespace mms::service
