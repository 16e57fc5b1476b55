#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>

#include "migration/ledger/ledger.h"

namespace mms::migration {
namespace {

class ExtraUnits : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/mms-ledger-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    auto opened = Ledger::Open(folder_);
    ASSERT_TRUE(opened) << opened.error().ToString();
    ledger_ = *std::move(opened);
  }
  void TearDown() override {
    ledger_.reset();
    std::filesystem::remove_all(folder_);
  }

  static UnitRecord Unit(const std::string& partition, const std::string& fingerprint) {
    UnitRecord unit;
    unit.partition = partition;
    unit.fingerprint = fingerprint;
    unit.plan_json = "{}";
    unit.rows_planned = 10;
    return unit;
  }

  static UnitRecord Made(const std::string& partition) {
    UnitRecord unit = Unit(partition, "made");
    unit.difference = "made at the target";
    unit.task = 4;
    return unit;
  }

  int64_t Save(int64_t version, const std::vector<UnitRecord>& units, Ledger::Keeping keeping) {
    TableRecord table;
    table.source_name = "main.sales.orders";
    table.target_table = "orders";
    table.version = version;
    table.plan_json = "{}";
    auto saved = ledger_->SavePlan(table, units, keeping);
    EXPECT_TRUE(saved) << saved.error().ToString();
    return saved ? *saved : 0;
  }

  std::map<std::string, UnitRecord> Units(int64_t table) {
    std::map<std::string, UnitRecord> units;
    EXPECT_TRUE(ledger_->ListAllUnits(table, [&](UnitRecord unit) {
      units.emplace(unit.partition, unit);
      return OkStatus();
    }));
    return units;
  }

  void Load(const UnitRecord& unit) {
    const int generation = unit.generation + 1;
    ASSERT_TRUE(ledger_->BeginLoad(unit.id, unit.generation).get());
    ASSERT_TRUE(ledger_->SetSession(unit.id, generation, "s").get());
    ASSERT_TRUE(ledger_->BeginCommit(unit.id, generation, {10, ""}).get());
    ASSERT_TRUE(ledger_->Committed(unit.id, generation).get());
    Ledger::Comparison match;
    match.verdict = Verdict::kMatch;
    match.rows_target = 10;
    ASSERT_TRUE(ledger_->Verified(unit.id, generation, match).get());
  }

  std::string folder_;
  std::unique_ptr<Ledger> ledger_;
};

TEST_F(ExtraUnits, OnlyWhatNoUnitHasBecomesOneAndItCountsInNoSumOfRows) {
  const int64_t table = Save(1, {Unit("ds=1", "f1"), Unit("ds=2", "f2")}, {});
  for (const auto& [name, unit] : Units(table)) Load(unit);
  ASSERT_TRUE(ledger_->AddExtra(table, {Made("ds=1"), Made("ds=2"), Made("ds=9")}));
  ASSERT_TRUE(ledger_->AddExtra(table, {Made("ds=9")})) << "again";
  const auto units = Units(table);
  ASSERT_EQ(units.size(), 3U);
  EXPECT_EQ(units.at("ds=1").verdict, Verdict::kMatch);
  const UnitRecord& made = units.at("ds=9");
  EXPECT_TRUE(IsMadeAtTarget(made));
  EXPECT_EQ(made.state, UnitState::kVerified);
  EXPECT_EQ(made.task, 4);
  EXPECT_EQ(made.rows_planned, 0);
  EXPECT_EQ(made.rows_target, std::nullopt) << "nobody counted it";
  EXPECT_EQ(made.difference, "made at the target");
  EXPECT_EQ(made.plan_json, "{}");
  const TableTotals totals = ledger_->Totals(table).value();
  EXPECT_EQ(totals.units, 3);
  EXPECT_EQ(totals.Settled(), 3);
  EXPECT_EQ(totals.extra, 1);
  EXPECT_EQ(totals.rows_target, 20);
}

TEST_F(ExtraUnits, WhatWasSetAsideIsKnown) {
  const int64_t table = Save(1, {Unit("ds=1", "f1")}, {});
  Load(Units(table).at("ds=1"));
  Save(2, {Unit("ds=2", "f2")}, {Ledger::Others::kSetAside});
  ASSERT_TRUE(ledger_->AddExtra(table, {Made("ds=1")}));
  EXPECT_EQ(Units(table).at("ds=1").verdict, Verdict::kMatch);
}

TEST_F(ExtraUnits, WhatTheSourceHasByNowIsLoadedHoweverTheRestIsKept) {
  const int64_t table = Save(1, {Unit("ds=1", "f1")}, {});
  Load(Units(table).at("ds=1"));
  ASSERT_TRUE(ledger_->AddExtra(table, {Made("ds=9")}));
  Save(2, {Unit("ds=1", "other"), Unit("ds=9", "f9")}, {Ledger::Others::kKeepFinished});
  const auto units = Units(table);
  EXPECT_EQ(units.at("ds=1").verdict, Verdict::kMatch) << "finished by the same job";
  EXPECT_EQ(units.at("ds=9").state, UnitState::kPlanned);
  EXPECT_EQ(units.at("ds=9").verdict, Verdict::kPending);
}

}  // namespace
}  // namespace mms::migration
