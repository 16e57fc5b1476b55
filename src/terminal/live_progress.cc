#include "terminal/live_progress.h"

#include <unistd.h>

#include <chrono>
#include <utility>

namespace mms::terminal {
namespace {

constexpr int64_t kRedrawMs = 150;
constexpr int64_t kSentenceMs = 5'000;
constexpr int64_t kObjectMs = 1'000;

int64_t NowMs() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

}  // namespace

LiveProgress::LiveProgress(Output& output, std::string kind, LookAt look_at)
    : output_(output), kind_(std::move(kind)), look_at_(std::move(look_at)), start_ms_(NowMs()) {}

LiveProgress::~LiveProgress() { Stop(); }

void LiveProgress::Start() {
  next_ms_ = output_.json() ? kObjectMs : kSentenceMs;
  thread_ = std::thread([this] { Loop(); });
}

void LiveProgress::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
    Show(true);
  }
}

void LiveProgress::Note(const std::string& line) {
  {
    const std::lock_guard lock(mutex_);
    notes_.push_back(line);
  }
  wake_.notify_all();
}

void LiveProgress::Loop() {
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

void LiveProgress::Show(bool last) {
  const int64_t elapsed_ms = NowMs() - start_ms_;
  const Screen screen = ScreenOf(STDERR_FILENO);
  std::vector<std::string> above;
  {
    const std::lock_guard lock(mutex_);
    above.swap(notes_);
  }
  Look look = look_at_(elapsed_ms, screen);
  above.insert(above.end(), look.above.begin(), look.above.end());
  if (screen.terminal && !output_.json()) {
    output_.Draw(block_.Redraw(above, last ? std::vector<std::string>() : look.block));
    return;
  }
  for (const std::string& line : above) output_.Log(line);
  if (elapsed_ms < next_ms_ && !(last && output_.json())) return;
  if (output_.json()) {
    output_.Object(kind_, std::move(look.fields));
    next_ms_ = elapsed_ms + kObjectMs;
  } else {
    output_.Log(look.sentence);
    next_ms_ = elapsed_ms + kSentenceMs;
  }
}

}  // namespace mms::terminal
