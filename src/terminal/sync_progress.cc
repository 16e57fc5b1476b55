#include "terminal/sync_progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>

#include "terminal/text.h"

namespace mms::terminal {
namespace {

constexpr int64_t kRedrawMs = 200;
constexpr int64_t kSentenceMs = 5'000;
constexpr int64_t kObjectMs = 1'000;

int64_t NowMs() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

}  // namespace

std::string ScanSentence(const migration::ScanProgress& progress) {
  std::string text =
      fmt::format("{}.{:02} %", progress.hundredths / 100, progress.hundredths % 100);
  if (progress.tables_total == 0) return text + "  listing schemas and tables";
  text += fmt::format("  {} of {}, {} read", Thousands(progress.tables_done),
                      Counted(progress.tables_total, "table"), Thousands(progress.tables_read));
  if (progress.tables_failed > 0) text += ", " + Thousands(progress.tables_failed) + " failed";
  return text;
}

Json ScanFields(const migration::ScanProgress& progress, int64_t elapsed_ms) {
  return {{"hundredths", progress.hundredths},       {"tables_total", progress.tables_total},
          {"tables_done", progress.tables_done},     {"tables_read", progress.tables_read},
          {"tables_failed", progress.tables_failed}, {"elapsed_ms", elapsed_ms}};
}

SyncProgress::SyncProgress(const migration::Scan& scan, Output& output)
    : scan_(scan), output_(output), start_ms_(NowMs()) {
  next_ms_ = output_.json() ? kObjectMs : kSentenceMs;
  thread_ = std::thread([this] { Loop(); });
}

SyncProgress::~SyncProgress() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
  Show(true);
}

void SyncProgress::Note(const std::string& line) {
  {
    const std::lock_guard lock(mutex_);
    notes_.push_back(line);
  }
  wake_.notify_all();
}

void SyncProgress::Loop() {
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

void SyncProgress::Show(bool last) {
  const migration::ScanProgress progress = scan_.Progress();
  const int64_t elapsed_ms = NowMs() - start_ms_;
  std::vector<std::string> above;
  {
    const std::lock_guard lock(mutex_);
    above.swap(notes_);
  }
  const Screen screen = ScreenOf(STDERR_FILENO);
  if (screen.terminal && !output_.json()) {
    std::vector<std::string> block;
    if (!last) block.push_back(ScanSentence(progress) + "  " + HumanDuration(elapsed_ms));
    output_.Draw(block_.Redraw(above, block));
    return;
  }
  for (const std::string& line : above) output_.Log(line);
  if (elapsed_ms < next_ms_ && !(last && output_.json())) return;
  if (output_.json()) {
    output_.Object("sync_progress", ScanFields(progress, elapsed_ms));
    next_ms_ = elapsed_ms + kObjectMs;
  } else {
    output_.Log(ScanSentence(progress));
    next_ms_ = elapsed_ms + kSentenceMs;
  }
}

}  // namespace mms::terminal
