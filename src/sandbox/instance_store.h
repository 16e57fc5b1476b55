// SQL instances on disk (DATA/instances.sqlite), so that they outlive the process as they do on the
// service: who asks after a restart finds the instance, its task and its result. An instance is
// written when it is accepted and again when it has ended; one that a dead process left in between
// is Failed from the next start on. Results themselves are files (result_file.h).
//
// Thread-safe. Errors: kInternal InternalServerError.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/sqlite.h"
#include "sandbox/xml.h"

namespace mms::sandbox {

enum class InstanceState {  // never renumber: stored
  kWaiting = 0,
  kRunning = 1,
  kSuccess = 2,
  kFailed = 3,
  kCancelled = 4
};

/// What is known of an instance at one moment.
struct InstanceView {
  std::string id;
  std::string project;
  std::string owner;  ///< the user's name
  SubmittedJob job;   ///< of an ended instance the task's name and the job's text alone
  InstanceState state = InstanceState::kWaiting;
  int64_t submitted_s = 0;
  int64_t ended_s = 0;
  bool is_select = false;
  std::string text;         ///< result text, or "FAILED: ..."
  std::string result_path;  ///< SELECT
  bool finished() const {
    return state != InstanceState::kWaiting && state != InstanceState::kRunning;
  }
};

struct InstanceFilter {
  std::string owner;   ///< "" = everybody's
  std::string marker;  ///< ids before this one, the list being newest first; "" = from the newest
  size_t limit = 1'000;
  std::optional<bool> finished;
  int64_t from_s = 0;
  int64_t to_s = INT64_MAX;
};

class InstanceStore {
 public:
  static Result<std::unique_ptr<InstanceStore>> Open(const std::string& data_dir);

  Status Add(const InstanceView& instance);
  Status Finish(const InstanceView& instance);
  Result<std::optional<InstanceView>> Find(const std::string& id);
  /// Newest first, without the jobs' texts. One that runs is kWaiting.
  Result<std::vector<InstanceView>> List(const std::string& project, const InstanceFilter& filter);

  /// Drops ended instances that are older than `oldest_s` or beyond the newest `most`; returns the
  /// paths of their results.
  Result<std::vector<std::string>> Forget(int64_t oldest_s, size_t most);
  /// Every result that is kept.
  Result<std::vector<std::string>> ResultPaths();

 private:
  explicit InstanceStore(std::unique_ptr<Sqlite> database) : database_(std::move(database)) {}

  std::mutex mutex_;
  std::unique_ptr<Sqlite> database_;
};

}  // namespace mms::sandbox
