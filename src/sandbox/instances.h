// SQL instances: a job is accepted, runs on its own thread, is polled, and keeps its result for a
// day (the newest 20,000), also across a restart (instance_store.h). A client sees Running at least
// once, as on the real service, so that its polling is exercised. Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "sandbox/instance_store.h"
#include "sandbox/sql/executor.h"
#include "sandbox/users.h"

namespace mms::sandbox {

class Instances {
 public:
  Instances(Catalog* catalog, Storage* storage, InstanceStore* store);
  /// Stops what runs and waits for it; it has failed when the store is opened again.
  ~Instances();
  Instances(const Instances&) = delete;
  Instances& operator=(const Instances&) = delete;

  /// The new instance's id. `user` must outlive this; `schema` is the request's default schema
  /// ("" = default).
  Result<std::string> Submit(const User& user, const std::string& project,
                             const std::string& schema, SubmittedJob job);
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
  Result<std::vector<InstanceView>> List(const User& user, const std::string& project,
                                         InstanceFilter filter);

 private:
  struct Instance {
    InstanceView view;
    const User* user = nullptr;
    std::string schema;
    std::atomic<bool> cancelled = false;
  };

  Result<InstanceView> FindLocked(const User& user, const std::string& project,
                                  const std::string& id);
  void Work();
  void Run(Instance* instance);
  Result<sql::SqlOutcome> Execute(Instance* instance);
  void Keep(Instance* instance);
  Status Forget();

  Storage* storage_;
  InstanceStore* store_;
  sql::Engine engine_;
  sql::Executor executor_;
  std::mutex mutex_;
  std::condition_variable changed_;  ///< the queue, or stopping
  std::condition_variable ended_;
  std::map<std::string, std::shared_ptr<Instance>> running_;  ///< not yet ended in the store
  std::set<std::string> unpolled_;  ///< ids that no client has seen Running yet
  int64_t forgot_s_ = 0;
  std::deque<std::shared_ptr<Instance>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> workers_;
};

}  // namespace mms::sandbox
