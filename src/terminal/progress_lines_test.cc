#include "terminal/progress_lines.h"

#include <gtest/gtest.h>

#include "terminal/text.h"

namespace mms::terminal {
namespace {

using migration::Progress;
using migration::TableProgress;
using Stage = migration::TableProgress::Stage;

TableProgress Table(const std::string& name, Stage stage, int64_t total, int64_t done,
                    int64_t rows) {
  TableProgress table;
  table.name = name;
  table.stage = stage;
  table.bytes_total = total;
  table.bytes_done = done;
  table.rows_done = rows;
  table.units_total = total > 0 ? 1 : 0;
  return table;
}

/// Two moments four seconds apart: 100 MiB/s on one table, one being planned, one ended.
ProgressMoment Moment(bool all_planned) {
  ProgressMeter meter;
  Progress::View view;
  view.tables_total = 3;
  view.running = {Table("main.sales.orders", Stage::kCopying, 1LL << 30, 100LL << 20, 1000)};
  view.bytes_total = 2LL << 30;
  view.bytes_done = 300LL << 20;
  meter.Measure(view, 1'000);
  view.running[0].bytes_done = 500LL << 20;
  view.running[0].rows_done = 1'234'567;
  view.running.push_back(Table("main.sales.lines",
                               all_planned ? Stage::kVerifying : Stage::kPlanning,
                               all_planned ? 64LL << 20 : 0, all_planned ? 64LL << 20 : 0, 0));
  view.running.push_back(Table("main.sales.old", Stage::kDone, 10, 10, 7));
  view.tables_done = 1;
  view.bytes_done = 700LL << 20;
  view.rows_done = 2'000'000;
  return meter.Measure(view, 5'000);
}

Screen Wide(int width, bool utf8 = true) {
  Screen screen;
  screen.terminal = true;
  screen.utf8 = utf8;
  screen.width = width;
  screen.height = 24;
  return screen;
}

std::string Joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

TEST(ProgressBlock, ShowsEachRunningTableAndTheTotal) {
  EXPECT_EQ(Joined(ProgressBlock(Moment(true), Wide(140))),
            "main.sales.orders  copying    ███████████░░░░░░░░░░░░░   48%     500 MiB/1.00 GiB"
            "      1,234,567 rows   100 MiB/s  ETA 0:05   \n"
            "main.sales.lines   verifying  ████████████████████████  100%    64.0 MiB/64.0 MiB"
            "              0 rows         ?/s  ETA ?      \n"
            "total 1/3 tables   0:05       ████████░░░░░░░░░░░░░░░░   34%     700 MiB/2.00 GiB"
            "      2,000,000 rows   100 MiB/s  ETA 0:13   \n");
}

TEST(ProgressBlock, UnknownTotalsAreShownAsUnknown) {
  const auto block = ProgressBlock(Moment(false), Wide(80, false));
  ASSERT_EQ(block.size(), 3u);
  EXPECT_NE(block[1].find("planning "), std::string::npos) << block[1];
  EXPECT_NE(block[1].find("  ?  "), std::string::npos) << block[1];
  EXPECT_NE(block[1].find("0 B/?"), std::string::npos) << block[1];
  EXPECT_NE(block[2].find("700 MiB/?"), std::string::npos) << block[2];
  EXPECT_NE(block[2].find("ETA ?"), std::string::npos) << block[2];
}

TEST(ProgressBlock, NoLineIsAsWideAsTheScreenWhateverItsWidth) {
  for (const bool utf8 : {true, false}) {
    for (int width = 2; width < 200; ++width) {
      for (const std::string& line : ProgressBlock(Moment(true), Wide(width, utf8))) {
        EXPECT_LT(DisplayWidth(line), width) << line;
      }
    }
  }
}

TEST(ProgressBlock, IsNeverHigherThanTheScreen) {
  ProgressMeter meter;
  Progress::View view;
  view.tables_total = 50;
  for (int i = 0; i < 50; ++i) {
    view.running.push_back(Table("t" + std::to_string(i), Stage::kCopying, 10, 1, 1));
  }
  const ProgressMoment moment = meter.Measure(view, 1'000);
  Screen screen = Wide(80);
  screen.height = 10;
  const auto block = ProgressBlock(moment, screen);
  ASSERT_EQ(block.size(), 8u);  // 6 tables, "and 44 more", the total
  EXPECT_EQ(block[6], "and 44 more");
}

TEST(ProgressBlock, WaitingTablesHaveNoLineButKeepTheTotalUnknown) {
  ProgressMeter meter;
  Progress::View view;
  view.tables_total = 1;
  view.running = {Table("t", Stage::kWaiting, 0, 0, 0)};
  const ProgressMoment moment = meter.Measure(view, 0);
  EXPECT_TRUE(moment.running.empty());
  EXPECT_FALSE(moment.total.bytes_total.has_value());
}

TEST(ProgressBlock, AnEmptyTableThatIsPlannedIsKnown) {
  ProgressMeter meter;
  Progress::View view;
  view.tables_total = 1;
  TableProgress empty = Table("t", Stage::kWaiting, 0, 0, 0);
  empty.units_total = 1;
  view.running = {empty};
  EXPECT_EQ(meter.Measure(view, 0).total.bytes_total, 0);
}

TEST(RateMeter, IsUnknownUntilTimeHasPassedAndForgetsOldTimes) {
  RateMeter meter;
  meter.Add(0, 0);
  EXPECT_FALSE(meter.BytesPerSecond());
  meter.Add(100, 50);
  EXPECT_FALSE(meter.BytesPerSecond());
  meter.Add(1'000, 1'000);
  EXPECT_EQ(meter.BytesPerSecond(), 1'000);
  EXPECT_EQ(meter.TimeLeftMs(3'000), 3'000);
  for (int64_t second = 2; second <= 30; ++second) meter.Add(second * 1'000, 1'000);
  EXPECT_EQ(meter.BytesPerSecond(), 0);
  EXPECT_FALSE(meter.TimeLeftMs(3'000)) << "nothing moves: no end can be told";
}

TEST(RateMeter, StartsAnewWhenANewAttemptBegins) {
  RateMeter meter;
  meter.Add(0, 1'000'000);
  meter.Add(1'000, 10);
  EXPECT_FALSE(meter.BytesPerSecond());
  meter.Add(2'000, 110);
  EXPECT_EQ(meter.BytesPerSecond(), 100);
}

TEST(ProgressSentence, SaysTotalsAndNames) {
  EXPECT_EQ(ProgressSentence(Moment(true)),
            "0:05  1 of 3 tables, 700 MiB of 2.00 GiB (34%), 2,000,000 rows, 100 MiB/s, ETA 0:13; "
            "copying main.sales.orders, verifying main.sales.lines");
  EXPECT_EQ(ProgressSentence(ProgressMeter().Measure({}, 0)),
            "0:00  0 of ? tables, 0 B of ? (?), 0 rows, ?/s, ETA ?");
}

TEST(ProgressFields, UnknownIsNull) {
  const Json fields = ProgressFields(Moment(false));
  EXPECT_TRUE(fields["bytes_total"].is_null());
  EXPECT_TRUE(fields["time_left_ms"].is_null());
  EXPECT_EQ(fields["bytes_done"], 700LL << 20);
  ASSERT_EQ(fields["running"].size(), 2u);
  EXPECT_EQ(fields["running"][0]["table"], "main.sales.orders");
  EXPECT_EQ(fields["running"][0]["bytes_per_second"], 100LL << 20);
  EXPECT_TRUE(fields["running"][1]["bytes_total"].is_null());
}

TEST(BottomBlock, RedrawsInPlaceAndLetsLinesScrollAbove) {
  BottomBlock block;
  EXPECT_EQ(block.Redraw({}, {"a", "b"}), "a\x1b[K\nb\x1b[K\n\x1b[J");
  EXPECT_EQ(block.Redraw({"done"}, {"b"}), "\x1b[2A\rdone\x1b[K\nb\x1b[K\n\x1b[J");
  EXPECT_EQ(block.Redraw({}, {}), "\x1b[1A\r\x1b[J");
  EXPECT_EQ(block.Redraw({}, {}), "\x1b[J");
}

TEST(EndedLine, NamesTheResultAndTheFirstReason) {
  TableReport table;
  table.source = "main.sales.orders";
  table.target = "orders";
  table.planned = true;
  table.version = 3;
  table.rows_copied = 1500;
  table.bytes = 2048;
  table.outcome = Outcome::kMatch;
  EXPECT_EQ(EndedLine(table, Wide(80)),
            "✓ main.sales.orders → orders  1,500 rows  2.00 KiB  Match");
  table.outcome = Outcome::kMismatch;
  table.reasons = {"partition ds=1: column b differs"};
  EXPECT_EQ(EndedLine(table, Wide(80, false)),
            "!! main.sales.orders -> orders  1,500 rows  2.00 KiB  Mismatch: "
            "partition ds=1: column b differs");
}

}  // namespace
}  // namespace mms::terminal
