// What stands in a service's store of its jobs and tasks, read beside it at each turn. A reading of
// its own with statements that are prepared once: the store's lists cost a turn more than its work.
//
// One thread. Throws what SOCI throws.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "migration/ledger/database.h"

namespace mms::simulation {

class JobsSeen {
 public:
  /// `folder`: of a service that is open.
  explicit JobsSeen(const std::string& folder);

  struct Job {
    int64_t id = 0;
    std::string name;
    bool stopped = false;
    int64_t done = 0;    ///< tasks
    int64_t failed = 0;  ///< tasks
  };
  /// Those that are not deleted.
  std::vector<Job> Jobs();

  struct Task {
    int64_t id = 0;
    int64_t job_id = 0;
    int status = 0;  ///< service::JobTaskStatus
    bool running = false;
    bool stopped = false;
    int64_t not_before_ms = 0;

    /// It runs, or waits to begin.
    bool IsOpen() const;
  };
  std::vector<Task> Tasks();

 private:
  soci::session sql_;
  long long id_ = 0, job_ = 0, not_before_ = 0;
  int status_ = 0, running_ = 0, stopped_ = 0;
  std::string name_;
  soci::statement jobs_, tasks_;
};

}  // namespace mms::simulation
