#include "terminal/progress_display.h"

#include <unistd.h>

#include <algorithm>

#include "terminal/report_table.h"

namespace mms::terminal {
namespace {

constexpr int64_t kRedrawMs = 150;
constexpr int64_t kSentenceMs = 5'000;
constexpr int64_t kObjectMs = 1'000;

}  // namespace

ProgressDisplay::ProgressDisplay(migration::Workflow& workflow, Output& output)
    : workflow_(workflow), output_(output) {}

ProgressDisplay::~ProgressDisplay() { Stop(); }

void ProgressDisplay::Start() {
  next_sentence_ms_ = output_.json() ? kObjectMs : kSentenceMs;
  thread_ = std::thread([this] { Loop(); });
}

void ProgressDisplay::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
    Show(true);
  }
}

void ProgressDisplay::Note(const std::string& line) {
  {
    std::lock_guard lock(mutex_);
    notes_.push_back(line);
  }
  wake_.notify_all();
}

int64_t ProgressDisplay::ElapsedMs() const {
  const auto spent = std::chrono::steady_clock::now() - start_;
  return std::chrono::duration_cast<std::chrono::milliseconds>(spent).count();
}

void ProgressDisplay::Loop() {
  Show(false);  // at once, so that a person sees that something goes on
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait_for(lock, std::chrono::milliseconds(kRedrawMs),
                   [&] { return stopping_ || !notes_.empty(); });
    if (stopping_) return;
    lock.unlock();
    Show(false);
    lock.lock();
  }
}

void ProgressDisplay::ShowEnded(const migration::Progress::View& view,
                                std::vector<std::string>& above) {
  const Screen screen = ScreenOf(STDERR_FILENO);
  for (const migration::TableProgress& progress : view.running) {
    if (!HasEnded(progress.stage) || ended_.contains(progress.name)) continue;
    auto table = workflow_.ledger().FindTable(progress.name);
    if (!table || !*table) {
      // Refused before it had a place in the ledger, or a ledger that fails: show what is known.
      const std::string why = table ? "" : ": " + table.error().ToString();
      above.push_back(progress.name + "  " + std::string(StageName(progress.stage)) + why);
      ended_.insert(progress.name);
      continue;
    }
    auto report = ReadTableReport(workflow_.ledger(), **table);
    ended_.insert(progress.name);
    if (!report) {
      above.push_back(report.error().ToString());
    } else if (output_.json()) {
      output_.Object("table", TableFields(*report));
    } else {
      above.push_back(EndedLine(*report, screen));
    }
  }
}

void ProgressDisplay::Show(bool last) {
  const migration::Progress::View view = workflow_.progress().Read();
  const ProgressMoment moment = meter_.Measure(view, ElapsedMs());
  std::vector<std::string> above;
  {
    std::lock_guard lock(mutex_);
    above.swap(notes_);
  }
  ShowEnded(view, above);
  const Screen screen = ScreenOf(STDERR_FILENO);
  if (screen.terminal && !output_.json()) {
    std::vector<std::string> block;
    if (!last) block = ProgressBlock(moment, screen);
    output_.Draw(block_.Redraw(above, block));
    return;
  }
  for (const std::string& line : above) output_.Log(line);
  if (moment.elapsed_ms < next_sentence_ms_ && !(last && output_.json())) return;
  if (output_.json()) {
    output_.Object("progress", ProgressFields(moment));
    next_sentence_ms_ = moment.elapsed_ms + kObjectMs;
  } else {
    output_.Log(ProgressSentence(moment));
    next_sentence_ms_ = moment.elapsed_ms + kSentenceMs;
  }
}

}  // namespace mms::terminal
