// Evidence of jobs in service.h: its writing, and trying again what could not be written.
#include <fmt/format.h>

#include <chrono>
#include <set>

#include "service/job_evidence.h"
#include "service/service.h"

namespace mms::service {
namespace {

constexpr int64_t kTryAgainMs = 10'000;

}  // namespace

Status Service::WriteDueEvidence(int64_t job_id) {
  const std::lock_guard lock(evidence_mutex_);
  TRY(const auto due, store_->FindDueEvidence(job_id));
  if (!due) return OkStatus();
  const auto job = store_->GetJob(job_id);
  if (!job) return job.error().code() == "JOB_NOT_FOUND" ? OkStatus() : Status(job.error());
  const auto kept = KeepJobEvidence(*store_, options_.folder, *job);
  // Of a job none of whose tables could be planned there is nothing to tell.
  if (!kept && kept.error().code() != "JOB_NOT_BEGUN") return kept.error();
  return store_->SetEvidenceKept(*due);
}

Status Service::KeepEvidence(int64_t job_id) {
  Status kept = WriteDueEvidence(job_id);
  const std::lock_guard lock(mutex_);
  if (kept) {
    unkept_.erase(job_id);
    return kept;
  }
  // Told once, however often it is tried.
  std::string& known = unkept_[job_id];
  const std::string why = kept.error().ToString();
  if (known == why) return OkStatus();
  known = why;
  return kept;
}

void Service::KeepMissedEvidence() {
  const auto note = [this](const Status& status) {
    if (status) return;
    const std::lock_guard lock(mutex_);
    failure_ = status.error();
  };
  const auto all = store_->ListDueEvidence();
  if (!all) return note(all.error());
  for (const auto& due : *all) {
    if (!ending_)
      note(KeepEvidence(due.job_id));  // one that fails keeps no other from being written
  }
}

Status Service::TickEvidence() {
  const int64_t now = Steady();
  if (now - evidence_tried_ms_ < kTryAgainMs) return OkStatus();
  evidence_tried_ms_ = now;
  TRY(const auto due, store_->ListDueEvidence());
  const std::lock_guard lock(mutex_);
  const bool busy =
      evidence_.valid() && evidence_.wait_for(std::chrono::seconds(0)) != std::future_status::ready;
  // On a thread of its own: a large bundle takes its time.
  if (!due.empty() && !busy) {
    evidence_ = std::async(std::launch::async, [this] { KeepMissedEvidence(); }).share();
  }
  return OkStatus();
}

Result<std::string> Service::WhyForEvidence(const DataSource& source) {
  TRY(const Store::EvidenceWaits waits, store_->ListEvidenceWaits(source.id));
  std::set<int64_t> due;
  for (const auto& [waiting, others] : waits) due.insert(others.begin(), others.end());
  if (due.empty()) return std::string();
  const int64_t first = *due.begin();
  std::string why = "is not written yet";
  {
    const std::lock_guard lock(mutex_);
    const auto known = unkept_.find(first);
    if (known != unkept_.end()) {
      why = fmt::format("cannot be written, and is tried again each {} seconds: {}",
                        kTryAgainMs / 1'000, known->second);
    }
  }
  const std::string more =
      due.size() == 1 ? "" : fmt::format(" (and of {} others)", due.size() - 1);
  return fmt::format("tables wait for the evidence of job {}{}, which {}", first, more, why);
}

}  // namespace mms::service
