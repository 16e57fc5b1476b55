// What a new plan leaves of an earlier one: Ledger::SavePlan.
#include <gtest/gtest.h>

#include <map>

#include "migration/ledger/ledger_fixture.h"

namespace mms::migration {
namespace {

TEST_F(LedgerTest, AnEqualPlanGoesOnInASessionAndAnyOtherDoesNot) {
  auto ledger = OpenLedger();
  const auto load = [&](int64_t id, int generation) {
    EXPECT_TRUE(ledger->BeginLoad(id, generation).get());
    EXPECT_TRUE(ledger->SetSession(id, generation + 1, "s").get());
    EXPECT_TRUE(ledger->NoteBlock(id, generation + 1, {0, 5, "", ""}).get());
  };
  const auto blocks = [&](int64_t id) {
    int count = 0;
    EXPECT_TRUE(ledger->ListBlocks(id, [&](const Ledger::SentBlock&) -> Status {
      ++count;
      return OkStatus();
    }));
    return count;
  };
  const int64_t table = Save(*ledger, Table(7), {Unit("a", "f")});
  const int64_t id = Units(*ledger, table).at(0).id;
  load(id, 0);
  Save(*ledger, Table(7), {Unit("a", "f")});
  EXPECT_EQ(Units(*ledger, table).at(0).state, UnitState::kLoading);
  EXPECT_EQ(Units(*ledger, table).at(0).session_id, "s");
  EXPECT_EQ(blocks(id), 1);
  UnitRecord other_splits = Unit("a", "f");
  other_splits.plan_json = R"({"splits":"two"})";
  TableRecord other_columns = Table(7), other_target = Table(7);
  other_columns.plan_json = R"({"columns":["x"]})";
  other_target.target_table = "elsewhere";
  const std::vector<std::pair<TableRecord, UnitRecord>> others = {
      {Table(7), other_splits},        {Table(7), Unit("a", "g")},     {Table(8), Unit("a", "g")},
      {other_columns, Unit("a", "g")}, {other_target, Unit("a", "g")},
  };
  int generation = 1;
  for (const auto& [plan, unit] : others) {
    Save(*ledger, plan, {unit});
    EXPECT_EQ(Units(*ledger, table).at(0).state, UnitState::kPlanned);
    EXPECT_EQ(Units(*ledger, table).at(0).session_id, "");
    EXPECT_EQ(blocks(id), 0);
    load(id, generation++);
  }
}

TEST_F(LedgerTest, AnotherPlanKeepsFinishedUnitsOfEqualContentOnly) {
  auto ledger = OpenLedger();
  const int64_t table = Save(*ledger, Table(7),
                             {Unit("ds=1", "a"), Unit("ds=2", "b"), Unit("ds=3", "c"),
                              Unit("ds=4", "d"), Unit("ds=5", "e")});
  std::vector<UnitRecord> units = Units(*ledger, table);
  Commit(*ledger, units[0]);
  Commit(*ledger, units[1]);
  const int generation = Commit(*ledger, units[2]);
  ASSERT_TRUE(
      ledger->Verified(units[2].id, generation, {Verdict::kMatch, 10, "t", ""}).get().has_value());
  ASSERT_TRUE(ledger->BeginLoad(units[3].id, 0).get().has_value());

  EXPECT_EQ(Save(*ledger, Table(8),
                 {Unit("ds=1", "a"), Unit("ds=2", "B"), Unit("ds=3", "c"), Unit("ds=4", "d"),
                  Unit("ds=6", "g")}),
            table);
  EXPECT_EQ(ledger->FindTable("main.sales.orders").value()->version, 8);
  units = Units(*ledger, table);
  ASSERT_EQ(units.size(), 5u);
  EXPECT_EQ(units[0].state, UnitState::kCommitted);
  EXPECT_EQ(units[0].session_id, "sds=1");
  EXPECT_EQ(units[0].source_checksum, "{\"rows\":10}");
  EXPECT_EQ(units[1].state, UnitState::kPlanned) << "content changed";
  EXPECT_EQ(units[1].generation, 1) << "generations go on counting";
  EXPECT_EQ(units[1].fingerprint, "B");
  EXPECT_EQ(units[1].rows_copied, std::nullopt);
  EXPECT_EQ(units[2].state, UnitState::kVerified);
  EXPECT_EQ(units[2].verdict, Verdict::kMatch);
  EXPECT_EQ(units[3].state, UnitState::kPlanned) << "half loaded is not finished";
  EXPECT_EQ(units[4].partition, "ds=6");
}

TEST_F(LedgerTest, APlanForAnotherTargetTableKeepsNoUnit) {
  auto ledger = OpenLedger();
  const int64_t table = Save(*ledger, Table(), {Unit("", "a")});
  Commit(*ledger, Units(*ledger, table).at(0));
  TableRecord other = Table();
  other.target_table = "orders_2";
  Save(*ledger, other, {Unit("", "a")});
  EXPECT_EQ(Units(*ledger, table).at(0).state, UnitState::kPlanned);
}

TEST_F(LedgerTest, APlanNeverForgetsACommitThatMayBeUnderWay) {
  auto ledger = OpenLedger();
  const int64_t table = Save(*ledger, Table(), {Unit("", "a")});
  const int64_t id = Units(*ledger, table).at(0).id;
  ASSERT_TRUE(ledger->BeginLoad(id, 0).get().has_value());
  ASSERT_TRUE(ledger->SetSession(id, 1, "s").get().has_value());
  ASSERT_TRUE(ledger->BeginCommit(id, 1, {10, ""}).get().has_value());
  auto saved = ledger->SavePlan(Table(9), {Unit("", "other")});
  ASSERT_FALSE(saved.has_value());
  EXPECT_EQ(saved.error().code(), "LEDGER_COMMITTING");
  EXPECT_EQ(ledger->FindTable("main.sales.orders").value()->version, 7);
  EXPECT_EQ(Units(*ledger, table).at(0).fingerprint, "a");
}

TEST_F(LedgerTest, WhatAPlanOfAPartDoesNotMeanIsSetAsideAndComesBack) {
  auto ledger = OpenLedger();
  const int64_t table = Save(*ledger, Table(), {Unit("a", "1"), Unit("b", "1"), Unit("c", "1")});
  const auto units = Units(*ledger, table);
  Commit(*ledger, units.at(0));
  ASSERT_TRUE(ledger->BeginLoad(units.at(1).id, 0).get().has_value());

  const auto part = ledger->SavePlan(Table(8), {Unit("d", "1")}, {Ledger::Others::kSetAside});
  ASSERT_TRUE(part.has_value());
  ASSERT_EQ(Units(*ledger, table).size(), 1U);
  EXPECT_EQ(Units(*ledger, table).at(0).partition, "d");
  EXPECT_EQ(ledger->Totals(table)->units, 1);
  std::vector<std::string> all;
  const Status listed = ledger->ListAllUnits(table, [&](UnitRecord unit) -> Status {
    all.push_back(unit.partition);
    return OkStatus();
  });
  ASSERT_TRUE(listed.has_value());
  // What was begun may have rows of an earlier load at the target; what never was has none.
  EXPECT_EQ(all, (std::vector<std::string>{"a", "b", "d"}));

  Save(*ledger, Table(8), {Unit("a", "1"), Unit("b", "1"), Unit("d", "1")});
  const auto back = Units(*ledger, table);
  ASSERT_EQ(back.size(), 3U);
  EXPECT_EQ(back.at(0).state, UnitState::kCommitted);
  EXPECT_EQ(back.at(1).state, UnitState::kPlanned);
  EXPECT_EQ(back.at(1).generation, 1);
  EXPECT_EQ(ledger->Totals(table)->committed, 1);
}

TEST_F(LedgerTest, WhatIsSetAsideUnderAnotherTargetTableIsForgotten) {
  auto ledger = OpenLedger();
  const int64_t table = Save(*ledger, Table(), {Unit("a", "1")});
  Commit(*ledger, Units(*ledger, table).at(0));
  TableRecord other = Table();
  other.target_table = "elsewhere";
  ASSERT_TRUE(ledger->SavePlan(other, {Unit("b", "1")}, {Ledger::Others::kSetAside}).has_value());
  Save(*ledger, other, {Unit("a", "1"), Unit("b", "1")});
  EXPECT_EQ(Units(*ledger, table).at(0).state, UnitState::kPlanned);
}

UnitRecord OfTask(UnitRecord unit, int64_t task) {
  unit.task = task;
  return unit;
}

TEST_F(LedgerTest, ATasksUnitsAreListedAndSummedAlone) {
  auto ledger = OpenLedger();
  const int64_t table = Save(*ledger, Table(),
                             {OfTask(Unit("a", "1"), 7), OfTask(Unit("b", "1"), 7),
                              OfTask(Unit("c", "1"), 8), Unit("d", "1")});
  Commit(*ledger, Units(*ledger, table).at(2));
  std::vector<std::string> seen;
  const Status listed =
      ledger->ListUnits(UnitScope(table, 7), UnitState::kCommitted, [&](UnitRecord unit) -> Status {
        EXPECT_EQ(unit.task, 7);
        seen.push_back(unit.partition);
        return OkStatus();
      });
  ASSERT_TRUE(listed.has_value());
  EXPECT_EQ(seen, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(ledger->Totals(UnitScope(table, 7))->units, 2);
  EXPECT_EQ(ledger->Totals(UnitScope(table, 7))->committed, 0);
  EXPECT_EQ(ledger->Totals(UnitScope(table, 8))->committed, 1);
  EXPECT_EQ(ledger->Totals(table)->units, 4);
}

TEST_F(LedgerTest, AFinishedUnitGoesOverToAnotherTaskOrIsLoadedAgainAsAsked) {
  auto ledger = OpenLedger();
  const int64_t table = Save(*ledger, Table(), {OfTask(Unit("a", "1"), 7)});
  Commit(*ledger, Units(*ledger, table).at(0));
  const std::vector<UnitRecord> again = {OfTask(Unit("a", "1"), 9)};
  ASSERT_TRUE(ledger->SavePlan(Table(), again, {Ledger::Others::kSetAside, true}).has_value());
  EXPECT_EQ(Units(*ledger, table).at(0).state, UnitState::kCommitted);
  EXPECT_EQ(Units(*ledger, table).at(0).task, 9);
  ASSERT_TRUE(ledger->SavePlan(Table(), again, {Ledger::Others::kSetAside, false}).has_value());
  EXPECT_EQ(Units(*ledger, table).at(0).state, UnitState::kPlanned);
  EXPECT_EQ(Units(*ledger, table).at(0).generation, 1);  // it goes on counting
}

TEST_F(LedgerTest, AnotherPlanOfAJobLeavesWhatItHasFinishedInSight) {
  auto ledger = OpenLedger();
  const int64_t table =
      Save(*ledger, Table(),
           {OfTask(Unit("a", "1"), 7), OfTask(Unit("b", "1"), 8), OfTask(Unit("c", "1"), 9)});
  Commit(*ledger, Units(*ledger, table).at(0));
  ASSERT_TRUE(ledger->BeginLoad(Units(*ledger, table).at(2).id, 0).get().has_value());
  ASSERT_TRUE(
      ledger->SavePlan(Table(8), {OfTask(Unit("b", "2"), 8)}, {Ledger::Others::kKeepFinished, true})
          .has_value());
  const auto units = Units(*ledger, table);
  ASSERT_EQ(units.size(), 2U) << "what was only begun is set aside";
  EXPECT_EQ(units.at(0).partition, "a");
  EXPECT_EQ(units.at(0).state, UnitState::kCommitted);
  EXPECT_EQ(units.at(0).task, 7);
  EXPECT_EQ(units.at(1).fingerprint, "2");
}

TEST_F(LedgerTest, WhatAJobHasFinishedIsNotPlannedAnewUnderItUnlessItDiffers) {
  auto ledger = OpenLedger();
  const int64_t table =
      Save(*ledger, Table(7),
           {OfTask(Unit("a", "1"), 7), OfTask(Unit("b", "1"), 8), OfTask(Unit("c", "1"), 8)});
  for (const UnitRecord& unit : Units(*ledger, table)) {
    if (unit.partition == "c") continue;
    const int generation = Commit(*ledger, unit);
    const Verdict verdict = unit.partition == "a" ? Verdict::kMatch : Verdict::kMismatch;
    ASSERT_TRUE(ledger->Verified(unit.id, generation, {verdict, 9, "{}", "x"}).get().has_value());
  }
  // All three have changed since. The task of "a" has ended: nobody would load it.
  ASSERT_TRUE(ledger
                  ->SavePlan(Table(8),
                             {OfTask(Unit("a", "2"), 7), OfTask(Unit("b", "2"), 8),
                              OfTask(Unit("c", "2"), 8)},
                             {Ledger::Others::kKeepFinished, true})
                  .has_value());
  const auto units = Units(*ledger, table);
  EXPECT_EQ(units.at(0).state, UnitState::kVerified);
  EXPECT_EQ(units.at(0).fingerprint, "1");
  EXPECT_EQ(units.at(1).state, UnitState::kPlanned);
  EXPECT_EQ(units.at(1).fingerprint, "2");
  EXPECT_EQ(units.at(2).fingerprint, "2");
}

TEST_F(LedgerTest, WhatStaysOfAnEarlierVersionSaysSoAndTheTaskThatPlansLoadsItsOwnAgain) {
  auto ledger = OpenLedger();
  const int64_t table = Save(*ledger, Table(7),
                             {OfTask(Unit("own", "1"), 7), OfTask(Unit("own same", "1"), 7),
                              OfTask(Unit("other", "1"), 8), OfTask(Unit("other same", "1"), 8)});
  for (const UnitRecord& unit : Units(*ledger, table)) {
    const int generation = Commit(*ledger, unit);
    ASSERT_TRUE(ledger->Verified(unit.id, generation, {Verdict::kMatch, 10, "t", ""}).get());
  }
  EXPECT_EQ(ledger->Totals(table)->behind, 0);
  Ledger::Keeping keeping{Ledger::Others::kKeepFinished};
  keeping.task = 7;
  const auto plan_again = [&](int64_t version) {
    const std::string print = std::to_string(version);
    ASSERT_TRUE(
        ledger->SavePlan(Table(version),
                         {OfTask(Unit("own", print), 7), OfTask(Unit("own same", "1"), 7),
                          OfTask(Unit("other", print), 8), OfTask(Unit("other same", "1"), 8)},
                         keeping));
  };
  plan_again(8);
  const auto versions = [&] {
    std::map<std::string, std::optional<int64_t>> found;
    for (const UnitRecord& unit : Units(*ledger, table)) found[unit.partition] = unit.version;
    return found;
  };
  using Versions = std::map<std::string, std::optional<int64_t>>;
  EXPECT_EQ(versions(), (Versions{{"own", 8}, {"own same", 8}, {"other", 7}, {"other same", 8}}));
  for (const UnitRecord& unit : Units(*ledger, table)) {
    const bool again = unit.partition == "own";
    EXPECT_EQ(unit.state, again ? UnitState::kPlanned : UnitState::kVerified) << unit.partition;
  }
  EXPECT_EQ(ledger->Totals(table)->behind, 1);
  EXPECT_EQ(ledger->Totals(UnitScope(table, 7))->behind, 0);
  EXPECT_EQ(ledger->Totals(UnitScope(table, 8))->behind, 1);

  // Another table has taken the name: a version of the one before says nothing beside its own.
  keeping.same_table = false;
  plan_again(7);
  EXPECT_EQ(versions().at("other"), std::nullopt);
  EXPECT_EQ(ledger->Totals(UnitScope(table, 8))->behind, 1);
}

TEST_F(LedgerTest, OnlyWhatDiffersIsForgottenForARetry) {
  auto ledger = OpenLedger();
  const int64_t table =
      Save(*ledger, Table(),
           {OfTask(Unit("a", "1"), 7), OfTask(Unit("b", "1"), 7), OfTask(Unit("c", "1"), 8)});
  for (const UnitRecord& unit : Units(*ledger, table)) {
    const int generation = Commit(*ledger, unit);
    const Verdict verdict = unit.partition == "a" ? Verdict::kMatch : Verdict::kMismatch;
    ASSERT_TRUE(ledger->Verified(unit.id, generation, {verdict, 9, "{}", "x"}).get().has_value());
  }
  ASSERT_TRUE(ledger->ForgetMismatches(UnitScope(table, 7)).has_value());
  const auto units = Units(*ledger, table);
  EXPECT_EQ(units.at(0).state, UnitState::kVerified);
  EXPECT_EQ(units.at(1).state, UnitState::kPlanned);
  EXPECT_EQ(units.at(1).verdict, Verdict::kPending);
  EXPECT_EQ(units.at(1).generation, 1);
  EXPECT_EQ(units.at(2).state, UnitState::kVerified);  // another task's
}

TEST_F(LedgerTest, WhatALaterPlanLeftOfEarlierTasksIsListedAndAddedUp) {
  auto ledger = OpenLedger();
  const int64_t id = Save(*ledger, Table(7),
                          {OfTask(Unit("a", "1"), 7), OfTask(Unit("b", "1"), 8),
                           OfTask(Unit("c", "1"), 8), OfTask(Unit("d", "1"), 8)});
  const auto units = Units(*ledger, id);
  for (size_t i = 0; i < 3; ++i) Commit(*ledger, units.at(i));
  ASSERT_TRUE(ledger->BeginLoad(units.at(3).id, 0).get().has_value());
  ASSERT_TRUE(ledger->SavePlan(Table(9), {OfTask(Unit("b", "2"), 9)}, {Ledger::Others::kSetAside})
                  .has_value());

  TableRecord table = *ledger->FindTable("main.sales.orders").value();
  EXPECT_EQ(ledger->Totals(UnitScope(table))->version, 9);
  table.part = {7, 8, "job 2"};
  std::vector<std::string> seen;
  const Status listed = ledger->ListUnits(UnitScope(table), std::nullopt, [&](UnitRecord unit) {
    EXPECT_EQ(unit.version, 7);
    seen.push_back(unit.partition);
    return OkStatus();
  });
  ASSERT_TRUE(listed.has_value());
  EXPECT_EQ(seen, (std::vector<std::string>{"a", "c"})) << "b is another's, d was never there";
  const TableTotals left = ledger->Totals(UnitScope(table)).value();
  EXPECT_EQ(left.units, 2);
  EXPECT_EQ(left.rows_copied, 20);
  EXPECT_EQ(left.version, 7);
  table.part = {7, 9, ""};
  EXPECT_EQ(ledger->Totals(UnitScope(table))->version, std::nullopt) << "they are of two";
}

TEST_F(LedgerTest, WhatHasLeftTheSourceIsToldUntilItIsPlannedOrRemoved) {
  auto ledger = OpenLedger();
  const int64_t table = Save(*ledger, Table(), {Unit("ds=1", "f1"), Unit("ds=2", "f2")});
  for (const UnitRecord& unit : Units(*ledger, table)) Commit(*ledger, unit);
  UnitRecord left = Unit("ds=2", "left");
  left.verdict = Verdict::kExtra;
  left.difference = "has left the source";
  Save(*ledger, Table(8), {Unit("ds=1", "f1"), left});
  UnitRecord known = Units(*ledger, table).at(1);
  EXPECT_EQ(known.verdict, Verdict::kExtra);
  EXPECT_EQ(known.difference, "has left the source");
  EXPECT_EQ(known.rows_planned, 0);
  EXPECT_EQ(known.rows_copied, 10) << "what stands there stays known";
  TableTotals totals = ledger->Totals(table).value();
  EXPECT_EQ(totals.extra, 1);
  EXPECT_EQ(totals.Settled(), 1) << "the other one is committed, not compared";
  EXPECT_EQ(Units(*ledger, table, UnitState::kVerified).size(), 1U);

  Save(*ledger, Table(9), {Unit("ds=1", "f1"), Unit("ds=2", "f2")});
  known = Units(*ledger, table).at(1);
  EXPECT_EQ(known.state, UnitState::kPlanned) << "it is back, and is copied";
  EXPECT_EQ(known.difference, "");
  ASSERT_TRUE(ledger->RemoveUnit(known.id).has_value());
  EXPECT_EQ(Units(*ledger, table).size(), 1U);
}

}  // namespace
}  // namespace mms::migration
