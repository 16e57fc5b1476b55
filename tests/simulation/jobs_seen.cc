#include "jobs_seen.h"

#include "service/job.h"

namespace mms::simulation {

using service::JobTaskStatus;

bool JobsSeen::Task::IsOpen() const {
  const auto at = static_cast<JobTaskStatus>(status);
  const bool begins = at == JobTaskStatus::kInit || at == JobTaskStatus::kSchemaDone ||
                      at == JobTaskStatus::kDataDone;
  return running || (!stopped && begins);
}

JobsSeen::JobsSeen(const std::string& folder)
    : sql_(soci::sqlite3, "db=" + folder + "/service.db timeout=5 readonly=true"),
      jobs_((sql_.prepare << "SELECT id, name, stopped FROM jobs WHERE deleted = 0 ORDER BY id",
             soci::into(id_), soci::into(name_), soci::into(stopped_))),
      tasks_((sql_.prepare << "SELECT id, job_id, status, running, stopped, not_before_ms "
                              "FROM job_tasks ORDER BY id",
              soci::into(id_), soci::into(job_), soci::into(status_), soci::into(running_),
              soci::into(stopped_), soci::into(not_before_))) {}

std::vector<JobsSeen::Job> JobsSeen::Jobs() {
  std::vector<Job> jobs;
  jobs_.execute();
  while (jobs_.fetch()) jobs.push_back({id_, name_, stopped_ != 0});
  if (jobs.empty()) return jobs;
  for (const Task& task : Tasks()) {
    if (task.running) continue;
    const auto status = static_cast<JobTaskStatus>(task.status);
    for (Job& job : jobs) {
      if (job.id != task.job_id) continue;
      if (status == JobTaskStatus::kDone) ++job.done;
      if (service::HasFailed(status)) ++job.failed;
    }
  }
  return jobs;
}

std::vector<JobsSeen::Task> JobsSeen::Tasks() {
  std::vector<Task> tasks;
  tasks_.execute();
  while (tasks_.fetch()) {
    tasks.push_back({id_, job_, status_, running_ != 0, stopped_ != 0, not_before_});
  }
  return tasks;
}

}  // namespace mms::simulation
