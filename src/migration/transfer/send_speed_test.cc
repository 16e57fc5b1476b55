#include "migration/transfer/send_speed.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <map>

namespace mms::migration {
namespace {

using maxcompute::BlockResult;
using maxcompute::Codec;
using BatchPtr = std::shared_ptr<arrow::RecordBatch>;
using std::chrono::steady_clock;

constexpr double kMegabyte = 1e6;

std::vector<Codec> Order(const std::vector<SendSpeed>& speeds) {
  std::vector<Codec> order;
  for (const SendSpeed& speed : FasterThanRaw(speeds)) order.push_back(speed.codec);
  return order;
}

TEST(FasterThanRaw, TheFastestLeads) {
  EXPECT_EQ(Order({{Codec::kRaw, 10}, {Codec::kLz4, 24}, {Codec::kZstd, 40}}),
            (std::vector{Codec::kZstd, Codec::kLz4}));
  EXPECT_EQ(Order({{Codec::kRaw, 200}, {Codec::kLz4, 480}, {Codec::kZstd, 350}}),
            (std::vector{Codec::kLz4, Codec::kZstd}));
}

TEST(FasterThanRaw, ALittleFasterIsNotEnough) {
  EXPECT_EQ(Order({{Codec::kRaw, 100}, {Codec::kLz4, 124}, {Codec::kZstd, 125}}),
            (std::vector{Codec::kZstd}));
}

TEST(FasterThanRaw, WhatTheServiceRefusedDoesNotCount) {
  EXPECT_TRUE(
      Order({{Codec::kRaw, 10}, {Codec::kLz4, 0, "400"}, {Codec::kZstd, 40, "400"}}).empty());
  EXPECT_TRUE(FasterThanRaw({}).empty());
}

class Rows : public maxcompute::BatchSource {
 public:
  explicit Rows(int64_t batches) : left_(batches) {}
  Result<BatchPtr> Next() override {
    if (left_ == 0) return BatchPtr();
    --left_;
    arrow::Int64Builder builder;
    EXPECT_TRUE(builder.AppendValues(std::vector<int64_t>(kRows, left_)).ok());
    return arrow::RecordBatch::Make(arrow::schema({arrow::field("n", arrow::int64())}), kRows,
                                    {*builder.Finish()});
  }
  int64_t left() const { return left_; }
  static constexpr int64_t kRows = 4096;
  static constexpr int64_t kBytes = kRows * 8;

 private:
  int64_t left_;
};

/// A link on a clock of its own that brings rows with the speeds given, codec by codec.
class Link {
 public:
  explicit Link(std::map<Codec, double> bytes_per_second) : speeds_(std::move(bytes_per_second)) {}

  MeasureOptions Options() {
    MeasureOptions options;
    options.sample_bytes = 2 * Rows::kBytes;
    options.send_bytes = 1 << 20;
    options.now = [this] { return now_; };
    options.send = [this](Codec codec, maxcompute::BatchSource& rows) { return Send(codec, rows); };
    return options;
  }
  int sends(Codec codec) { return sends_[codec]; }
  int64_t bytes() const { return bytes_; }
  double first_raw_factor = 1;  ///< of the first block's speed: a connection is slow at first

 private:
  Result<BlockResult> Send(Codec codec, maxcompute::BatchSource& rows) {
    ++sends_[codec];
    const auto speed = speeds_.find(codec);
    if (speed == speeds_.end()) {
      return Error(ErrorKind::kInvalidInput, "TUNNEL_INVALID", "what is that");
    }
    const bool first = codec == Codec::kRaw && sends_[codec] == 1;
    const double now = speed->second * (first ? first_raw_factor : 1);
    BlockResult sent;
    while (true) {
      TRY(const BatchPtr batch, rows.Next());
      if (batch == nullptr) break;
      sent.arrow_bytes += Rows::kBytes;
      now_ += std::chrono::duration_cast<steady_clock::duration>(
          std::chrono::duration<double>(static_cast<double>(Rows::kBytes) / now));
    }
    bytes_ += sent.arrow_bytes;
    return sent;
  }

  std::map<Codec, double> speeds_;
  std::map<Codec, int> sends_;
  steady_clock::time_point now_;
  int64_t bytes_ = 0;
};

TEST(MeasureSending, TellsTheSpeedOfEachCodecFromASampleOfTheRows) {
  Link link({{Codec::kRaw, 50e6}, {Codec::kLz4, 120e6}, {Codec::kZstd, 200e6}});
  Rows rows(5);
  const auto speeds = MeasureSending(rows, link.Options());
  ASSERT_TRUE(speeds) << speeds.error().ToString();
  ASSERT_EQ(speeds->size(), 3U);
  EXPECT_NEAR((*speeds)[0].bytes_per_second, 50e6, kMegabyte);
  EXPECT_NEAR((*speeds)[2].bytes_per_second, 200e6, kMegabyte);
  EXPECT_EQ(Order(*speeds), (std::vector{Codec::kZstd, Codec::kLz4}));
  EXPECT_EQ(rows.left(), 3) << "no more than the sample is read";
}

TEST(MeasureSending, AFastLinkIsTriedRawAlone) {
  Link link({{Codec::kRaw, 1e9}, {Codec::kLz4, 2e9}, {Codec::kZstd, 2e9}});
  Rows rows(5);
  const auto speeds = MeasureSending(rows, link.Options());
  ASSERT_TRUE(speeds);
  EXPECT_TRUE(FasterThanRaw(*speeds).empty());
  EXPECT_EQ(link.bytes(), 1 << 20);
}

TEST(MeasureSending, AConnectionThatWasSlowAtFirstGetsASecondChance) {
  Link link({{Codec::kRaw, 400e6}, {Codec::kLz4, 300e6}, {Codec::kZstd, 200e6}});
  link.first_raw_factor = 0.1;
  Rows rows(5);
  const auto speeds = MeasureSending(rows, link.Options());
  ASSERT_TRUE(speeds);
  EXPECT_EQ(link.sends(Codec::kRaw), 2);
  EXPECT_TRUE(FasterThanRaw(*speeds).empty());
}

TEST(MeasureSending, ASlowLinkIsNotKeptBusyForLong) {
  Link link({{Codec::kRaw, 0.1e6}, {Codec::kLz4, 0.2e6}, {Codec::kZstd, 0.4e6}});
  Rows rows(5);
  const auto speeds = MeasureSending(rows, link.Options());
  ASSERT_TRUE(speeds);
  EXPECT_EQ(link.sends(Codec::kRaw), 1);
  EXPECT_LE(link.bytes(), static_cast<int64_t>(0.7e6) + 3 * Rows::kBytes);
  EXPECT_EQ(Order(*speeds), (std::vector{Codec::kZstd, Codec::kLz4}));
}

TEST(MeasureSending, ARefusedCodecIsNoErrorAndARefusedRawBlockIs) {
  Link link({{Codec::kRaw, 1e6}, {Codec::kLz4, 2e6}});
  Rows rows(5);
  const auto speeds = MeasureSending(rows, link.Options());
  ASSERT_TRUE(speeds);
  EXPECT_EQ(Order(*speeds), (std::vector{Codec::kLz4}));
  EXPECT_NE((*speeds)[2].refusal.find("what is that"), std::string::npos);
  Link closed({});
  EXPECT_EQ(MeasureSending(rows, closed.Options()).error().code(), "TUNNEL_INVALID");
}

TEST(MeasureSending, NoRowsAreNoMeasure) {
  Link link({});
  Rows rows(0);
  const auto speeds = MeasureSending(rows, link.Options());
  ASSERT_TRUE(speeds);
  EXPECT_TRUE(speeds->empty());
}

}  // namespace
}  // namespace mms::migration
