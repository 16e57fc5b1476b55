// `mms status`: what the jobs of a state folder are at, from beside the process that works on them.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <map>
#include <thread>

#include "base/clock.h"
#include "service/job_window.h"
#include "terminal/interrupt.h"
#include "terminal/job_verbs.h"
#include "terminal/job_view.h"
#include "terminal/live_progress.h"
#include "terminal/source_view.h"
#include "terminal/text.h"

namespace mms::terminal {
namespace {

using service::Job;
using service::Store;

constexpr int64_t kJobsMax = 50;
constexpr int64_t kRateWindowMs = 20'000;
constexpr auto kLook = std::chrono::milliseconds(200);

/// Bytes by time, as far back as the window goes.
class Rate {
 public:
  void Add(int64_t at_ms, int64_t bytes) {
    samples_.push_back({at_ms, bytes});
    while (samples_.size() > 2 && samples_.front().at_ms < at_ms - kRateWindowMs) {
      samples_.pop_front();
    }
  }
  /// Bytes a second; nullopt until there is something to compare.
  std::optional<int64_t> get() const {
    if (samples_.size() < 2) return std::nullopt;
    const int64_t spent = samples_.back().at_ms - samples_.front().at_ms;
    const int64_t moved = samples_.back().bytes - samples_.front().bytes;
    if (spent <= 0 || moved < 0) return std::nullopt;  // an attempt began anew
    return moved * 1'000 / spent;
  }

 private:
  struct Sample {
    int64_t at_ms = 0, bytes = 0;
  };
  std::deque<Sample> samples_;
};

struct JobState {
  Job job;
  service::JobUse use;
  std::vector<int64_t> waits_for;  ///< jobs of the same tables whose evidence is not written yet
  std::string waits_why;           ///< for the window of its source; "" = it is open, or none waits
  std::optional<int64_t> rate;     ///< bytes a second
  std::optional<int64_t> eta_ms;   ///< until its bytes are read, at this rate
};

/// Jobs with tasks that wait or run, newest first.
Result<std::vector<JobState>> ReadOpenJobs(Store& store) {
  std::vector<JobState> states;
  TRY(Store::EvidenceWaits waits, store.ListEvidenceWaits(0));
  Store::JobFilter filter;
  for (const service::JobStatus status : {service::JobStatus::kDoing, service::JobStatus::kInit}) {
    filter.status = status;
    TRY(const std::vector<Job> jobs, store.ListJobs(filter, {1, kJobsMax}));
    for (const Job& job : jobs) {
      TRY(const service::JobUse use, store.UseOfJob(job.id));
      std::string why;
      if (job.tasks.waiting > 0 && !job.stopped) {
        TRY(const service::DataSource source, store.GetSource(job.source_id));
        TRY(why, service::WhyWindowWaits(source, UnixMs()));
      }
      states.push_back(
          {job, use, std::move(waits[job.id]), std::move(why), std::nullopt, std::nullopt});
    }
  }
  return states;
}

void Follow(std::map<int64_t, Rate>& rates, int64_t at_ms, std::vector<JobState>* states) {
  for (JobState& state : *states) {
    Rate& rate = rates[state.job.id];
    rate.Add(at_ms, state.use.bytes_copied);
    state.rate = rate.get();
    if (!state.rate || *state.rate <= 0 || !state.use.bytes_planned) continue;
    const int64_t left = std::max<int64_t>(*state.use.bytes_planned - state.use.bytes_copied, 0);
    state.eta_ms = left * 1'000 / *state.rate;
  }
}

std::string Line(const JobState& state) {
  const service::TaskCounts& tasks = state.job.tasks;
  std::string text = fmt::format(
      "job {} {}: {}, {} of {} tasks, {} running, {} failed; {} of {}", state.job.id,
      state.job.name, StateOf(state.job), tasks.done, tasks.total, tasks.running, tasks.failed,
      HumanBytes(state.use.bytes_copied), HumanBytes(state.use.bytes_planned));
  if (state.rate) text += ", " + HumanBytes(*state.rate) + "/s";
  if (state.eta_ms) text += ", ready in " + HumanDuration(*state.eta_ms);
  if (!state.job.stop_reason.empty()) text += "; stopped by its budget";
  if (!state.waits_why.empty()) text += "; waits " + state.waits_why;
  if (!state.waits_for.empty()) {
    text += fmt::format(
        "; tables wait for the evidence of job {}: mms job evidence {} says what keeps it",
        fmt::join(state.waits_for, ", "), state.waits_for.front());
  }
  return text;
}

template <class Value>
Json OrNull(const std::optional<Value>& value) {
  return value ? Json(*value) : Json();
}

Json Fields(const std::vector<JobState>& states) {
  Json jobs = Json::array();
  for (const JobState& state : states) {
    Json fields = JobFields(state.job);
    fields.erase("config");
    fields["bytes"] = state.use.bytes_copied;
    fields["bytes_planned"] = OrNull(state.use.bytes_planned);
    fields["bytes_per_second"] = OrNull(state.rate);
    fields["eta_ms"] = OrNull(state.eta_ms);
    fields["waits_for_evidence_of"] = state.waits_for;
    fields["waits_for_window"] = state.waits_why.empty() ? Json(nullptr) : Json(state.waits_why);
    jobs.push_back(std::move(fields));
  }
  return {{"jobs", std::move(jobs)}};
}

LiveProgress::Look LookAt(const Result<std::vector<JobState>>& states) {
  LiveProgress::Look look;
  if (!states) {
    look.sentence = states.error().ToString();
    look.block = {look.sentence};
    look.fields = {{"jobs", nullptr}};
    return look;
  }
  for (const JobState& state : *states) look.block.push_back(Line(state));
  if (look.block.empty()) look.block = {"no job waits or runs"};
  for (const std::string& line : look.block) {
    look.sentence += (look.sentence.empty() ? "" : "; ") + line;
  }
  look.fields = Fields(*states);
  return look;
}

Status Watch(Store& store, Output& output) {
  std::atomic<bool> interrupted{false};
  const Interrupt interrupt([&] { interrupted = true; });
  std::map<int64_t, Rate> rates;
  LiveProgress progress(output, "status", [&](int64_t elapsed_ms, const Screen&) {
    auto states = ReadOpenJobs(store);
    if (states) Follow(rates, elapsed_ms, &*states);
    return LookAt(states);
  });
  progress.Start();
  while (!interrupted) {
    TRY(const std::vector<JobState> states, ReadOpenJobs(store));
    if (states.empty()) break;
    std::this_thread::sleep_for(kLook);
  }
  progress.Stop();
  return OkStatus();
}

}  // namespace

Result<ExitCode> RunStatus(const JobFlags& flags, Output& output) {
  TRY(const auto store, Store::OpenBeside(flags.state));
  if (flags.watch) {
    TRY_VOID(Watch(*store, output));
    return ExitCode::kDone;
  }
  TRY(const std::vector<JobState> states, ReadOpenJobs(*store));
  if (output.json()) {
    output.Object("status", Fields(states));
    return ExitCode::kDone;
  }
  std::string text;
  for (const JobState& state : states) text += Line(state) + "\n";
  output.Result(text.empty() ? "no job waits or runs\n" : text);
  return ExitCode::kDone;
}

}  // namespace mms::terminal
