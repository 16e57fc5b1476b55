// SQL instances: a job is accepted, runs on its own thread, is polled, and keeps its result for a
// day. A client sees Running at least once, as on the real service, so that its polling is
// exercised. Thread-safe. After a restart instances are gone (NoSuchObject); tables and data are
// not.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "sandbox/sql/executor.h"
#include "sandbox/users.h"
#include "sandbox/xml.h"

namespace mms::sandbox {

enum class InstanceState { kWaiting, kRunning, kSuccess, kFailed, kCancelled };

/// What is known of an instance at one moment.
struct InstanceView {
  std::string id;
  std::string project;
  std::string owner;  ///< the user's name
  SubmittedJob job;
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
  std::string marker;  ///< ids before this one, the list being newest first; "" = from the newest
  size_t limit = 1'000;
  std::optional<bool> finished;
  bool only_own = false;
  int64_t from_s = 0;
  int64_t to_s = INT64_MAX;
};

class Instances {
 public:
  Instances(Catalog* catalog, Storage* storage);
  /// Cancels what runs and waits for it.
  ~Instances();
  Instances(const Instances&) = delete;
  Instances& operator=(const Instances&) = delete;

  /// The new instance's id. `user` must outlive this; `schema` is the request's default schema
  /// ("" = default).
  std::string Submit(const User& user, const std::string& project, const std::string& schema,
                     SubmittedJob job);
  /// Errors: kNotFound NoSuchObject, kDenied NoPermission (another user's, unless `user` owns the
  /// project). `is_poll` marks the calls a client repeats until the end.
  Result<InstanceView> Find(const User& user, const std::string& project, const std::string& id,
                            bool is_poll);
  Status Cancel(const User& user, const std::string& project, const std::string& id);
  /// The CSV text of a SELECT's result: header, then at most 10,000 rows.
  Result<std::string> Csv(const InstanceView& instance) const;
  /// Waits until the instance has ended, at most so long. Errors: as Find.
  Status WaitForEnd(const User& user, const std::string& project, const std::string& id,
                    std::chrono::milliseconds longest);
  /// Those the user may see, newest first.
  std::vector<InstanceView> List(const User& user, const std::string& project,
                                 const InstanceFilter& filter);

 private:
  struct Instance {
    InstanceView view;
    const User* user = nullptr;
    std::string schema;
    std::atomic<bool> cancelled = false;
    bool polled = false;
  };

  Result<std::shared_ptr<Instance>> FindLocked(const User& user, const std::string& project,
                                               const std::string& id);
  void Work();
  void Run(Instance* instance);
  Result<sql::SqlOutcome> Execute(Instance* instance);
  void Forget();

  Storage* storage_;
  sql::Engine engine_;
  sql::Executor executor_;
  std::mutex mutex_;
  std::condition_variable changed_;  ///< the queue, or stopping
  std::condition_variable ended_;
  std::map<std::string, std::shared_ptr<Instance>> instances_;
  std::deque<std::shared_ptr<Instance>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> workers_;
};

}  // namespace mms::sandbox
