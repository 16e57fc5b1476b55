#include "sandbox/storage.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace mms::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr char kStaging[] = ".staging";
constexpr char kResults[] = ".results";
constexpr std::string_view kParquet = ".parquet";
constexpr std::string_view kWideParquet = ".us.parquet";

Error Failed(const std::string& what) {
  return Error(ErrorKind::kInternal, "InternalServerError", what + ": " + std::strerror(errno));
}

/// "<32 hex>-<digits>.parquet": the names FinalPath makes. Other files are the user's.
bool IsOurs(const std::string& name) {
  size_t dash = name.find('-');
  if (dash != 32 || !name.ends_with(".parquet")) return false;
  return std::all_of(name.begin(), name.begin() + 32,
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

Result<std::unique_ptr<Storage>> Storage::Open(const std::string& data_dir) {
  std::error_code ec;
  for (const char* folder : {"", kStaging, kResults}) {
    fs::create_directories(fs::path(data_dir) / folder, ec);
    if (ec) {
      return Error(ErrorKind::kInvalidInput, "SANDBOX_DATA_UNWRITABLE",
                   "cannot create " + data_dir + "/" + folder + ": " + ec.message() +
                       "; choose another --data folder");
    }
  }
  std::string absolute = fs::canonical(data_dir, ec).string();
  int lock = ::open((absolute + "/.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock < 0) return Failed("cannot open " + absolute + "/.lock");
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock);
    return Error(ErrorKind::kConflict, "SANDBOX_DATA_LOCKED",
                 "another sandbox uses " + data_dir + "; stop it or choose another --data folder");
  }
  return std::unique_ptr<Storage>(new Storage(absolute, lock));
}

Storage::~Storage() { ::close(lock_); }

std::string Storage::StagedPath(const std::string& upload_id, int64_t block,
                                const std::string& tag) {
  return std::string(kStaging) + "/" + upload_id + "/" + std::to_string(block) + "." + tag +
         ".parquet";
}

std::string Storage::FinalPath(const TableName& table, const PartitionSpec& spec,
                               const std::string& upload_id, int64_t block) {
  std::string number = std::to_string(block);
  std::string folder = table.project + "/" + table.schema + "/" + table.table + "/";
  if (!spec.empty()) folder += spec + "/";
  return folder + upload_id + "-" + std::string(5 - std::min<size_t>(5, number.size()), '0') +
         number + ".parquet";
}

std::string Storage::WidePath(const std::string& path) {
  if (IsWide(path)) return path;
  return path.substr(0, path.size() - kParquet.size()) + std::string(kWideParquet);
}

bool Storage::IsWide(const std::string& path) { return path.ends_with(kWideParquet); }

std::string Storage::ResultPath(const std::string& instance_id) {
  return std::string(kResults) + "/" + instance_id + ".parquet";
}

Status Storage::MakeParent(const std::string& path) const {
  std::error_code ec;
  fs::create_directories(fs::path(Absolute(path)).parent_path(), ec);
  if (ec) {
    return Error(ErrorKind::kInternal, "InternalServerError",
                 "cannot create the folder of " + path + ": " + ec.message());
  }
  return OkStatus();
}

Status Storage::Publish(const std::string& staged, const std::string& final_path) const {
  std::string from = Absolute(staged);
  std::string to = Absolute(final_path);
  for (int attempt = 0; attempt < 5; ++attempt) {
    TRY_VOID(MakeParent(final_path));
    if (::link(from.c_str(), to.c_str()) == 0) return OkStatus();
    if (errno == EEXIST) {
      // Left by a commit that was refused; the block may have been replaced since.
      ::unlink(to.c_str());
    } else if (errno != ENOENT || !fs::exists(from)) {  // else Remove took the empty folder: again
      break;
    }
  }
  // A file system without hard links: copy; the sweep after a kill treats the copy like a link.
  std::error_code ec;
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, ec);
  if (!ec) return OkStatus();
  return Error(ErrorKind::kInternal, "InternalServerError",
               "cannot place " + final_path + ": " + ec.message());
}

void Storage::Remove(const std::string& path) const {
  std::error_code ignored;
  fs::path absolute = Absolute(path);
  fs::remove(absolute, ignored);
  // Folders that became empty go too, up to the table's; a folder in use is not empty and stays.
  for (fs::path folder = absolute.parent_path();
       folder.string().size() > data_dir_.size() && folder.filename() != kStaging &&
       folder.filename() != kResults && fs::remove(folder, ignored);
       folder = folder.parent_path()) {
  }
}

void Storage::Retire(const std::vector<std::string>& paths) {
  std::lock_guard lock(mutex_);
  for (const std::string& path : paths) {
    if (leased_.contains(path)) {
      doomed_.insert(path);
    } else {
      Remove(path);
    }
  }
}

Result<std::shared_ptr<FileLease>> Storage::Lease(const PathLister& list) {
  std::lock_guard lock(mutex_);
  TRY(std::vector<std::string> paths, list());
  for (const std::string& path : paths) ++leased_[path];
  return std::make_shared<FileLease>(this, std::move(paths));
}

void Storage::Release(const std::vector<std::string>& paths) {
  std::lock_guard lock(mutex_);
  for (const std::string& path : paths) {
    auto found = leased_.find(path);
    if (--found->second > 0) continue;
    leased_.erase(found);
    if (doomed_.erase(path) > 0) Remove(path);
  }
}

Status Storage::Sweep(const std::vector<std::string>& live) {
  std::set<std::string> keep(live.begin(), live.end());
  std::vector<std::string> waste;
  try {
    for (const auto& entry : fs::recursive_directory_iterator(data_dir_)) {
      if (!entry.is_regular_file()) continue;
      std::string path = entry.path().string().substr(data_dir_.size() + 1);
      bool staged = path.starts_with(kStaging) || path.starts_with(kResults);
      if (!staged && !IsOurs(entry.path().filename().string())) continue;
      if (!keep.contains(path)) waste.push_back(path);
    }
  } catch (const std::exception& e) {
    return Error(ErrorKind::kInternal, "InternalServerError",
                 std::string("cannot look through the data folder: ") + e.what());
  }
  for (const std::string& path : waste) Remove(path);
  return OkStatus();
}

}  // namespace mms::sandbox
