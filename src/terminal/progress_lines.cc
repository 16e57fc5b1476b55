#include "terminal/progress_lines.h"

#include <fmt/format.h>

#include <algorithm>

#include "terminal/text.h"

namespace mms::terminal {
namespace {

using migration::TableProgress;
using Stage = migration::TableProgress::Stage;

// Cells of the parts of a line, so that lines stand under each other.
constexpr int kNameLeast = 12;
constexpr int kNameMost = 40;
constexpr int kStage = 9;
constexpr int kPercent = 4;
constexpr int kBytes = 19;
constexpr int kRate = 10;
constexpr int kTimeLeft = 11;
constexpr int kRows = 18;
constexpr int kBarLeast = 8;
constexpr int kBarMost = 24;

/// Which parts a screen has room for, the most telling first.
struct Layout {
  int name = kNameLeast;
  int bar = 0;
  bool stage = false, percent = false, bytes = false, rate = false, time_left = false, rows = false;
};

Layout LayOut(const std::vector<ProgressNumbers>& lines, int width) {
  Layout layout;
  for (const ProgressNumbers& line : lines) {
    layout.name = std::max(layout.name, DisplayWidth(Printable(line.name)));
  }
  layout.name = std::min({layout.name, kNameMost, std::max(kNameLeast, width / 3), width});
  int left = width - layout.name;
  const auto take = [&](bool& part, int cells) {
    if (left < cells + 2) return;
    part = true;
    left -= cells + 2;
  };
  take(layout.percent, kPercent);
  take(layout.stage, kStage);
  take(layout.bytes, kBytes);
  take(layout.time_left, kTimeLeft);
  take(layout.rate, kRate);
  take(layout.rows, kRows);
  if (left >= kBarLeast + 2) layout.bar = std::min(left - 2, kBarMost);
  return layout;
}

std::optional<int64_t> Percent(const ProgressNumbers& line) {
  if (!line.bytes_total) return std::nullopt;
  if (*line.bytes_total == 0) return 100;
  const double done = static_cast<double>(line.bytes_done);
  const double percent = done * 100 / static_cast<double>(*line.bytes_total);
  return std::clamp<int64_t>(static_cast<int64_t>(percent), 0, 100);
}

std::string PercentText(const ProgressNumbers& line) {
  const auto percent = Percent(line);
  return percent ? fmt::format("{}%", *percent) : "?";
}

std::string Bar(const ProgressNumbers& line, int width, bool utf8) {
  const int filled = static_cast<int>(Percent(line).value_or(0)) * width / 100;
  std::string bar;
  for (int i = 0; i < width; ++i) {
    if (utf8) {
      bar += i < filled ? "█" : "░";
    } else {
      bar += i < filled ? "#" : ".";
    }
  }
  return bar;
}

std::string RateText(const std::optional<int64_t>& bytes_per_second) {
  return bytes_per_second ? HumanBytes(bytes_per_second) + "/s" : "?/s";
}

std::string LineText(const ProgressNumbers& line, const Layout& layout, bool utf8) {
  std::string text = PadRight(KeepEnd(Printable(line.name), layout.name, utf8), layout.name);
  if (layout.stage) text += "  " + PadRight(line.stage, kStage);
  if (layout.bar > 0) text += "  " + Bar(line, layout.bar, utf8);
  if (layout.percent) text += "  " + PadLeft(PercentText(line), kPercent);
  if (layout.bytes) {
    const std::string bytes = HumanBytes(line.bytes_done) + "/" + HumanBytes(line.bytes_total);
    text += "  " + PadLeft(bytes, kBytes);
  }
  if (layout.rows) text += "  " + PadLeft(Thousands(line.rows_done) + " rows", kRows);
  if (layout.rate) text += "  " + PadLeft(RateText(line.bytes_per_second), kRate);
  if (layout.time_left) {
    text += "  " + PadRight("ETA " + HumanDuration(line.time_left_ms), kTimeLeft);
  }
  return text;
}

/// Bytes of a table are unknown until it is planned.
std::optional<int64_t> KnownBytes(const TableProgress& table) {
  const bool unplanned = table.stage == Stage::kWaiting || table.stage == Stage::kPlanning;
  if (unplanned && table.bytes_total == 0 && table.units_total == 0) return std::nullopt;
  return table.bytes_total;
}

ProgressNumbers NumbersOf(const TableProgress& table, const RateMeter& meter) {
  ProgressNumbers numbers;
  numbers.name = table.name;
  numbers.stage = StageName(table.stage);
  numbers.bytes_total = KnownBytes(table);
  numbers.bytes_done = table.bytes_done;
  numbers.rows_done = table.rows_done;
  numbers.bytes_per_second = meter.BytesPerSecond();
  if (numbers.bytes_total) {
    numbers.time_left_ms = meter.TimeLeftMs(*numbers.bytes_total - numbers.bytes_done);
  }
  return numbers;
}

}  // namespace

void RateMeter::Add(int64_t now_ms, int64_t bytes_done) {
  // Going backwards means a new attempt: what was measured before says nothing about it.
  if (!samples_.empty() && bytes_done < samples_.back().second) samples_.clear();
  samples_.emplace_back(now_ms, bytes_done);
  while (samples_.size() > 2 && samples_[1].first <= now_ms - kWindowMs) samples_.pop_front();
}

std::optional<int64_t> RateMeter::BytesPerSecond() const {
  if (samples_.size() < 2) return std::nullopt;
  const int64_t spent_ms = samples_.back().first - samples_.front().first;
  if (spent_ms < kLeastMs) return std::nullopt;
  return (samples_.back().second - samples_.front().second) * 1000 / spent_ms;
}

std::optional<int64_t> RateMeter::TimeLeftMs(std::optional<int64_t> bytes_left) const {
  const auto rate = BytesPerSecond();
  if (!bytes_left || !rate || *rate <= 0) return std::nullopt;
  return std::max<int64_t>(0, *bytes_left) * 1000 / *rate;
}

bool HasEnded(Stage stage) {
  return stage == Stage::kDone || stage == Stage::kFailed || stage == Stage::kRefused;
}

std::string_view StageName(Stage stage) {
  switch (stage) {
    case Stage::kWaiting: return "waiting";
    case Stage::kPlanning: return "planning";
    case Stage::kCreating: return "creating";
    case Stage::kCopying: return "copying";
    case Stage::kVerifying: return "verifying";
    case Stage::kDone: return "done";
    case Stage::kFailed: return "failed";
    case Stage::kRefused: return "refused";
  }
  return "waiting";
}

ProgressMoment ProgressMeter::Measure(const migration::Progress::View& view, int64_t elapsed_ms) {
  ProgressMoment moment;
  moment.elapsed_ms = elapsed_ms;
  moment.tables_total = view.tables_total;
  moment.tables_done = view.tables_done;
  moment.tables_failed = view.tables_failed;
  bool bytes_known = view.tables_total > 0;
  for (const TableProgress& table : view.running) {
    if (HasEnded(table.stage)) {
      tables_.erase(table.name);
      continue;
    }
    if (!KnownBytes(table)) bytes_known = false;
    if (table.stage == Stage::kWaiting) continue;
    RateMeter& meter = tables_[table.name];
    meter.Add(elapsed_ms, table.bytes_done);
    moment.running.push_back(NumbersOf(table, meter));
    moment.running_tables.push_back(table);
  }
  // Only now: what earlier runs did counts in at once while planning, and is no speed.
  if (bytes_known) total_.Add(elapsed_ms, view.bytes_done);
  ProgressNumbers& total = moment.total;
  total.name = view.tables_total == 0
                   ? "listing tables"
                   : fmt::format("total {}/{} tables", Thousands(view.tables_done),
                                 Thousands(view.tables_total));
  if (view.tables_failed > 0) total.name += fmt::format(", {} failed", view.tables_failed);
  total.stage = HumanDuration(elapsed_ms);
  if (bytes_known) total.bytes_total = view.bytes_total;
  total.bytes_done = view.bytes_done;
  total.rows_done = view.rows_done;
  total.bytes_per_second = total_.BytesPerSecond();
  if (bytes_known) total.time_left_ms = total_.TimeLeftMs(view.bytes_total - view.bytes_done);
  return moment;
}

std::vector<std::string> ProgressBlock(const ProgressMoment& moment, const Screen& screen) {
  // The last cell stays free: some terminals wrap as soon as it is written.
  const int width = std::max(screen.width, 2) - 1;
  const size_t lines_max = static_cast<size_t>(std::max(screen.height - 3, 1));
  std::vector<ProgressNumbers> lines = moment.running;
  size_t left_out = 0;
  if (lines.size() > lines_max) {
    left_out = lines.size() - lines_max + 1;
    lines.resize(lines_max - 1);
  }
  lines.push_back(moment.total);
  const Layout layout = LayOut(lines, width);
  std::vector<std::string> block;
  for (const ProgressNumbers& line : lines) block.push_back(LineText(line, layout, screen.utf8));
  if (left_out > 0) {
    const std::string more = fmt::format("and {} more", Thousands(static_cast<int64_t>(left_out)));
    block.insert(block.end() - 1, KeepEnd(more, width, screen.utf8));
  }
  return block;
}

std::string ProgressSentence(const ProgressMoment& moment) {
  constexpr size_t kNamesMax = 5;
  std::string text = fmt::format("{}  {} of {} tables", HumanDuration(moment.elapsed_ms),
                                 Thousands(moment.tables_done),
                                 moment.tables_total == 0 ? "?" : Thousands(moment.tables_total));
  if (moment.tables_failed > 0) text += fmt::format(", {} failed", moment.tables_failed);
  text += fmt::format(", {} of {} ({}), {} rows, {}, ETA {}", HumanBytes(moment.total.bytes_done),
                      HumanBytes(moment.total.bytes_total), PercentText(moment.total),
                      Thousands(moment.total.rows_done), RateText(moment.total.bytes_per_second),
                      HumanDuration(moment.total.time_left_ms));
  for (size_t i = 0; i < moment.running.size() && i < kNamesMax; ++i) {
    text += fmt::format("{} {} {}", i == 0 ? ";" : ",", moment.running[i].stage,
                        Printable(moment.running[i].name));
  }
  if (moment.running.size() > kNamesMax) {
    text += fmt::format(" and {} more", moment.running.size() - kNamesMax);
  }
  return text;
}

Json ProgressFields(const ProgressMoment& moment) {
  Json fields = {
      {"elapsed_ms", moment.elapsed_ms},
      {"tables_total", moment.tables_total == 0 ? Json(nullptr) : Json(moment.tables_total)},
      {"tables_done", moment.tables_done},
      {"tables_failed", moment.tables_failed},
      {"bytes_total", OrNull(moment.total.bytes_total)},
      {"bytes_done", moment.total.bytes_done},
      {"rows_done", moment.total.rows_done},
      {"bytes_per_second", OrNull(moment.total.bytes_per_second)},
      {"time_left_ms", OrNull(moment.total.time_left_ms)},
      {"running", Json::array()}};
  for (size_t i = 0; i < moment.running.size(); ++i) {
    const ProgressNumbers& line = moment.running[i];
    const TableProgress& table = moment.running_tables[i];
    fields["running"].push_back({{"table", line.name},
                                 {"stage", line.stage},
                                 {"bytes_total", OrNull(line.bytes_total)},
                                 {"bytes_done", line.bytes_done},
                                 {"rows_done", line.rows_done},
                                 {"units_total", table.units_total},
                                 {"units_done", table.units_done},
                                 {"bytes_per_second", OrNull(line.bytes_per_second)},
                                 {"time_left_ms", OrNull(line.time_left_ms)}});
  }
  return fields;
}

std::string EndedLine(const TableReport& table, const Screen& screen) {
  const bool good = table.outcome <= Outcome::kNotCompared;
  const bool soft = table.outcome == Outcome::kRefused || table.outcome == Outcome::kPending ||
                    table.outcome == Outcome::kNotComparable;
  const char* mark = good ? (screen.utf8 ? "✓" : "ok") : (screen.utf8 ? "✗" : "!!");
  const Color color = good ? Color::kGreen : soft ? Color::kYellow : Color::kRed;
  std::string text = Colored(mark, color, screen) + " " + Printable(table.source);
  if (table.planned) {
    text += (screen.utf8 ? " → " : " -> ") + Printable(table.target) +
            fmt::format("  {} rows  {}", Thousands(table.rows_copied), HumanBytes(table.bytes));
  }
  text += "  " + Colored(OutcomeName(table.outcome), color, screen);
  if (!good && !table.reasons.empty()) text += ": " + Printable(table.reasons.front());
  return text;
}

std::string BottomBlock::Redraw(const std::vector<std::string>& above,
                                const std::vector<std::string>& block) {
  // Lines are overwritten and then cleared to their end, never cleared first: no flicker.
  std::string out;
  if (lines_ > 0) out += fmt::format("\x1b[{}A\r", lines_);
  for (const std::string& line : above) out += line + "\x1b[K\n";
  for (const std::string& line : block) out += line + "\x1b[K\n";
  out += "\x1b[J";
  lines_ = block.size();
  return out;
}

}  // namespace mms::terminal
