#include "migration/ledger/ledger.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

namespace mms::migration {
namespace {

class LedgerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/mms ledger XXXXXX";  // with a blank, which the connect string must survive
    ASSERT_NE(mkdtemp(name), nullptr);
    base_ = name;
    folder_ = base_ + "/state";
  }
  void TearDown() override { std::filesystem::remove_all(base_); }

  std::unique_ptr<Ledger> OpenLedger() {
    auto opened = Ledger::Open(folder_);
    EXPECT_TRUE(opened.has_value()) << opened.error().ToString();
    return std::move(opened).value();
  }

  static TableRecord Table(int64_t version = 7) {
    TableRecord table;
    table.source_name = "main.sales.orders";
    table.target_table = "orders";
    table.version = version;
    table.plan_json = "{\"columns\":[]}";
    return table;
  }

  static UnitRecord Unit(const std::string& partition, const std::string& fingerprint) {
    UnitRecord unit;
    unit.partition = partition;
    unit.fingerprint = fingerprint;
    unit.plan_json = "{\"splits\":\"" + partition + "\"}";
    unit.rows_planned = 10;
    unit.bytes = 1000;
    unit.files = 2;
    return unit;
  }

  static std::vector<UnitRecord> Units(Ledger& ledger, int64_t table_id,
                                       std::optional<UnitState> below = std::nullopt) {
    std::vector<UnitRecord> units;
    Status status = ledger.ListUnits(table_id, below, [&](UnitRecord unit) -> Status {
      units.push_back(std::move(unit));
      return OkStatus();
    });
    EXPECT_TRUE(status.has_value()) << status.error().ToString();
    return units;
  }

  static int64_t Save(Ledger& ledger, const TableRecord& table,
                      const std::vector<UnitRecord>& units) {
    auto saved = ledger.SavePlan(table, units);
    EXPECT_TRUE(saved.has_value()) << saved.error().ToString();
    return saved.value();
  }

  /// Brings a planned unit to `committed` and returns its generation.
  static int Commit(Ledger& ledger, const UnitRecord& unit) {
    const int generation = unit.generation + 1;
    EXPECT_TRUE(ledger.BeginLoad(unit.id, unit.generation).get().has_value());
    EXPECT_TRUE(ledger.SetSession(unit.id, generation, "s" + unit.partition).get().has_value());
    const Ledger::Sent sent{10, "{\"rows\":10}"};
    EXPECT_TRUE(ledger.BeginCommit(unit.id, generation, sent).get().has_value());
    EXPECT_TRUE(ledger.Committed(unit.id, generation).get().has_value());
    return generation;
  }

  static void ExpectCode(const Status& status, const std::string& code) {
    ASSERT_FALSE(status.has_value());
    EXPECT_EQ(status.error().code(), code) << status.error().ToString();
  }

  std::string base_;
  std::string folder_;
};

TEST_F(LedgerTest, AUnitGoesThroughItsStatesAndKeepsWhatItWasTold) {
  auto ledger = OpenLedger();
  const int64_t table = Save(*ledger, Table(), {Unit("ds=1", "f1")});
  UnitRecord unit = Units(*ledger, table).at(0);
  EXPECT_EQ(unit.state, UnitState::kPlanned);
  EXPECT_EQ(unit.rows_planned, 10);
  EXPECT_EQ(unit.rows_copied, std::nullopt);

  EXPECT_TRUE(ledger->BeginLoad(unit.id, 0).get().has_value());
  EXPECT_EQ(Units(*ledger, table).at(0).state, UnitState::kLoading);
  ASSERT_TRUE(ledger->SetSession(unit.id, 1, "session-1").get().has_value());
  ASSERT_TRUE(ledger->BeginCommit(unit.id, 1, {10, "sum"}).get().has_value());
  unit = Units(*ledger, table).at(0);
  EXPECT_EQ(unit.state, UnitState::kCommitting);
  EXPECT_EQ(unit.session_id, "session-1");
  EXPECT_EQ(unit.rows_copied, 10);
  EXPECT_EQ(unit.source_checksum, "sum");
  ASSERT_TRUE(ledger->Committed(unit.id, 1).get().has_value());
  EXPECT_EQ(Units(*ledger, table).at(0).state, UnitState::kCommitted);
  const Ledger::Comparison differs{Verdict::kMismatch, 9, "other", "b differs"};
  ASSERT_TRUE(ledger->Verified(unit.id, 1, differs).get().has_value());
  unit = Units(*ledger, table).at(0);
  EXPECT_EQ(unit.state, UnitState::kVerified);
  EXPECT_EQ(unit.verdict, Verdict::kMismatch);
  EXPECT_EQ(unit.rows_target, 9);
  EXPECT_EQ(unit.difference, "b differs");
  EXPECT_TRUE(Units(*ledger, table, UnitState::kVerified).empty());
  EXPECT_TRUE(ledger->Verified(unit.id, 1, {Verdict::kMatch, 10, "sum", ""}).get().has_value());
}

TEST_F(LedgerTest, ATransitionOfAnEarlierGenerationIsRefusedAndChangesNothing) {
  auto ledger = OpenLedger();
  const int64_t table = Save(*ledger, Table(), {Unit("", "f")});
  const int64_t id = Units(*ledger, table).at(0).id;
  ASSERT_TRUE(ledger->BeginLoad(id, 0).get().has_value());
  ASSERT_TRUE(ledger->SetSession(id, 1, "old").get().has_value());
  ASSERT_TRUE(ledger->BeginLoad(id, 1).get().has_value());
  EXPECT_EQ(Units(*ledger, table).at(0).session_id, "");
  ExpectCode(ledger->SetSession(id, 1, "old").get(), "LEDGER_STALE");
  ExpectCode(ledger->BeginCommit(id, 1, {5, ""}).get(), "LEDGER_STALE");
  auto again = ledger->BeginLoad(id, 0).get();
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().kind(), ErrorKind::kConflict);
  ASSERT_TRUE(ledger->SetSession(id, 2, "new").get().has_value());
  ASSERT_TRUE(ledger->BeginCommit(id, 2, {6, ""}).get().has_value());
  ExpectCode(ledger->Committed(id, 1).get(), "LEDGER_STALE");
  const UnitRecord unit = Units(*ledger, table).at(0);
  EXPECT_EQ(unit.state, UnitState::kCommitting);
  EXPECT_EQ(unit.generation, 2);
  EXPECT_EQ(unit.session_id, "new");
  EXPECT_EQ(unit.rows_copied, 6);
}

TEST_F(LedgerTest, CountsOfChangedValuesAreKeptWithTheirLoadOnly) {
  auto ledger = OpenLedger();
  const int64_t table = Save(*ledger, Table(), {Unit("", "f")});
  const int64_t id = Units(*ledger, table).at(0).id;
  ASSERT_TRUE(ledger->BeginLoad(id, 0).get().has_value());
  ASSERT_TRUE(ledger->SetSession(id, 1, "s").get().has_value());
  ASSERT_TRUE(ledger->BeginCommit(id, 1, {5, "sum", "changes"}).get().has_value());
  EXPECT_EQ(Units(*ledger, table).at(0).changes, "changes");
  ASSERT_TRUE(ledger->BeginLoad(id, 1).get().has_value());
  EXPECT_EQ(Units(*ledger, table).at(0).changes, "");
}

TEST_F(LedgerTest, ATablesDocumentIsReplacedAloneAndItsUnitsStay) {
  auto ledger = OpenLedger();
  const int64_t table = Save(*ledger, Table(), {Unit("", "f")});
  ASSERT_TRUE(ledger->SetTablePlan(table, "another").has_value());
  EXPECT_EQ((*ledger->FindTable(Table().source_name))->plan_json, "another");
  EXPECT_EQ(Units(*ledger, table).size(), 1U);
}

TEST_F(LedgerTest, ATransitionOutOfOrderIsRefused) {
  auto ledger = OpenLedger();
  const int64_t table = Save(*ledger, Table(), {Unit("", "f")});
  const int64_t id = Units(*ledger, table).at(0).id;
  ExpectCode(ledger->SetSession(id, 0, "s").get(), "LEDGER_STALE");
  ExpectCode(ledger->Committed(id, 0).get(), "LEDGER_STALE");
  ExpectCode(ledger->Verified(id, 0, {Verdict::kMatch, 1, "", ""}).get(), "LEDGER_STALE");
  ASSERT_TRUE(ledger->BeginLoad(id, 0).get().has_value());
  ExpectCode(ledger->BeginCommit(id, 1, {1, ""}).get(), "LEDGER_STALE");  // no session was noted
  ASSERT_TRUE(ledger->SetSession(id, 1, "s").get().has_value());
  ASSERT_TRUE(ledger->BeginCommit(id, 1, {1, ""}).get().has_value());
  ASSERT_TRUE(ledger->Committed(id, 1).get().has_value());
  ExpectCode(ledger->BeginLoad(id, 1).get(), "LEDGER_STALE");  // committed is never loaded again
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

TEST_F(LedgerTest, EverythingIsThereAfterReopening) {
  int64_t table = 0;
  {
    auto ledger = OpenLedger();
    table = Save(*ledger, Table(), {Unit("ds=迁移", "a"), Unit("ds=2", "b")});
    Commit(*ledger, Units(*ledger, table).at(0));
    ASSERT_TRUE(ledger->SetTableState(table, TableState::kRunning, "").has_value());
    const int64_t second = Units(*ledger, table).at(1).id;
    ASSERT_TRUE(ledger->SetUnitError(second, "{\"code\":\"X\"}").has_value());
  }
  auto ledger = OpenLedger();
  auto found = ledger->FindTable("main.sales.orders");
  ASSERT_TRUE(found.has_value() && found.value().has_value());
  EXPECT_EQ(found.value()->state, TableState::kRunning);
  EXPECT_EQ(found.value()->plan_json, "{\"columns\":[]}");
  const std::vector<UnitRecord> units = Units(*ledger, table);
  ASSERT_EQ(units.size(), 2u);
  EXPECT_EQ(units[0].partition, "ds=2");
  EXPECT_EQ(units[0].state, UnitState::kCommitted);
  EXPECT_EQ(units[1].partition, "ds=迁移");
  EXPECT_EQ(units[1].error_json, "{\"code\":\"X\"}");
  EXPECT_EQ(units[1].plan_json, "{\"splits\":\"ds=迁移\"}");
  EXPECT_FALSE(ledger->FindTable("main.sales.none").value().has_value());
}

TEST_F(LedgerTest, ASecondOwnerIsRefusedByProcessIdAndAReaderIsNot) {
  auto ledger = OpenLedger();
  Save(*ledger, Table(), {Unit("", "a")});
  auto second = Ledger::Open(folder_);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), "STATE_IN_USE");
  EXPECT_NE(second.error().message().find(std::to_string(getpid())), std::string::npos);
  auto reader = Ledger::OpenToRead(folder_);
  ASSERT_TRUE(reader.has_value()) << reader.error().ToString();
  EXPECT_TRUE(reader.value()->FindTable("main.sales.orders").value().has_value());
  ledger.reset();
  EXPECT_TRUE(Ledger::Open(folder_).has_value()) << "the lock goes with its owner";
}

TEST_F(LedgerTest, FolderAndFilesAreForTheirOwnerOnly) {
  auto ledger = OpenLedger();
  Save(*ledger, Table(), {Unit("", "a")});
  struct stat info {};
  ASSERT_EQ(stat(folder_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    ASSERT_EQ(stat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u) << entry.path();
  }
}

TEST_F(LedgerTest, AFolderThatCannotBeMadeIsDeniedByName) {
  std::ofstream(base_ + "/file") << "x";
  auto opened = Ledger::Open(base_ + "/file/state");
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().kind(), ErrorKind::kDenied);
  EXPECT_EQ(opened.error().code(), "STATE_NOT_WRITABLE");
  EXPECT_NE(opened.error().where().find("/file/state"), std::string::npos);
  if (geteuid() != 0) {  // root may write everywhere
    ASSERT_EQ(mkdir((base_ + "/shut").c_str(), 0500), 0);
    EXPECT_EQ(Ledger::Open(base_ + "/shut/state").error().code(), "STATE_NOT_WRITABLE");
  }
}

TEST_F(LedgerTest, ADamagedFileAndALaterSchemaAreTold) {
  std::filesystem::create_directories(folder_);
  std::ofstream(folder_ + "/ledger.db") << std::string(8192, 'x');
  EXPECT_EQ(Ledger::Open(folder_).error().code(), "STATE_CORRUPT");
  std::filesystem::remove(folder_ + "/ledger.db");
  OpenLedger();
  sqlite3* file = nullptr;
  ASSERT_EQ(sqlite3_open((folder_ + "/ledger.db").c_str(), &file), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(file, "INSERT INTO schema_version VALUES (99)", nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(file);
  EXPECT_EQ(Ledger::Open(folder_).error().code(), "STATE_TOO_NEW");
  EXPECT_EQ(Ledger::OpenToRead(base_ + "/none").error().code(), "STATE_NOT_FOUND");
}

TEST_F(LedgerTest, AFileThatAKillLeftEmptyIsNamedAsThat) {
  { OpenLedger(); }
  for (const char* suffix : {"", "-wal", "-shm"}) {
    std::filesystem::remove(folder_ + "/ledger.db" + suffix);
  }
  std::ofstream(folder_ + "/ledger.db").close();
  const auto opened = Ledger::OpenToRead(folder_);
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code(), "STATE_EMPTY") << opened.error().ToString();
  EXPECT_TRUE(Ledger::Open(folder_).has_value()) << "the next run begins it";
  EXPECT_TRUE(Ledger::OpenToRead(folder_).has_value());
}

TEST_F(LedgerTest, AFolderBelongsToOneTarget) {
  {
    auto ledger = OpenLedger();
    EXPECT_EQ(*ledger->Target(), "");
    ASSERT_TRUE(ledger->BindTarget("project dw at host a").has_value());
    EXPECT_EQ(*ledger->Target(), "project dw at host a");
    ASSERT_TRUE(ledger->BindTarget("project dw at host a").has_value());
  }
  auto ledger = OpenLedger();
  ExpectCode(ledger->BindTarget("project dw at host b"), "STATE_OTHER_TARGET");
}

TEST_F(LedgerTest, TheLastRunIsKeptForReaders) {
  {
    auto ledger = OpenLedger();
    EXPECT_EQ(*ledger->LastRun(), "");
    ASSERT_TRUE(ledger->SaveRun("first").has_value());
    ASSERT_TRUE(ledger->SaveRun("second").has_value());
  }
  auto reader = Ledger::OpenToRead(folder_);
  ASSERT_TRUE(reader.has_value());
  EXPECT_EQ(*(*reader)->LastRun(), "second");
}

TEST_F(LedgerTest, TotalsCountOnlyWhatIsCommittedAndUnknownStaysUnknown) {
  auto ledger = OpenLedger();
  UnitRecord unknown = Unit("ds=3", "c");
  unknown.rows_planned = std::nullopt;
  const int64_t table = Save(*ledger, Table(), {Unit("ds=1", "a"), Unit("ds=2", "b"), unknown});
  const std::vector<UnitRecord> units = Units(*ledger, table);
  const int generation = Commit(*ledger, units[0]);
  const Ledger::Comparison matches{Verdict::kMatch, 10, "", ""};
  ASSERT_TRUE(ledger->Verified(units[0].id, generation, matches).get().has_value());
  Commit(*ledger, units[1]);
  ASSERT_TRUE(ledger->Verified(units[1].id, 1, {Verdict::kMissing, std::nullopt, "", "gone"})
                  .get()
                  .has_value());
  TableTotals totals = ledger->Totals(table).value();
  EXPECT_EQ(totals.units, 3);
  EXPECT_EQ(totals.committed, 2);
  EXPECT_EQ(totals.bytes, 3000);
  EXPECT_EQ(totals.bytes_committed, 2000);
  EXPECT_EQ(totals.files, 6);
  EXPECT_EQ(totals.rows_planned, std::nullopt);
  EXPECT_EQ(totals.rows_copied, 20);
  EXPECT_EQ(totals.rows_target, std::nullopt);
  EXPECT_EQ(totals.matched, 1);
  EXPECT_EQ(totals.mismatched, 1);
  EXPECT_EQ(totals.missing, 1);
  EXPECT_EQ(ledger->Totals(table + 1).value().units, 0);
}

TEST_F(LedgerTest, AHundredThousandUnitsAreListedInOrderWhileTheyChange) {
  auto ledger = OpenLedger();
  constexpr int kUnits = 100'000;
  std::vector<UnitRecord> units;
  for (int i = 0; i < kUnits; ++i) {
    char partition[32];
    std::snprintf(partition, sizeof(partition), "n=%06d", i);
    units.push_back(Unit(partition, std::to_string(i)));
  }
  const int64_t table = Save(*ledger, Table(), units);
  units.clear();
  int seen = 0;
  std::string last;
  Status listed = ledger->ListUnits(table, UnitState::kCommitted, [&](UnitRecord unit) -> Status {
    EXPECT_LT(last, unit.partition);
    last = unit.partition;
    if (++seen % 10'000 == 0) Commit(*ledger, unit);  // the ledger may be used from within
    return OkStatus();
  });
  ASSERT_TRUE(listed.has_value());
  EXPECT_EQ(seen, kUnits);
  EXPECT_EQ(ledger->Totals(table).value().committed, 10);
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

TEST_F(LedgerTest, WritesOfManyThreadsShareTransactions) {
  auto ledger = OpenLedger();
  std::vector<UnitRecord> planned;
  constexpr int kThreads = 32, kUnitsEach = 25;
  for (int i = 0; i < kThreads * kUnitsEach; ++i) planned.push_back(Unit(std::to_string(i), "f"));
  const int64_t table = Save(*ledger, Table(), planned);
  const std::vector<UnitRecord> units = Units(*ledger, table);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kUnitsEach; ++i) {
        Commit(*ledger, units[static_cast<size_t>(t * kUnitsEach + i)]);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ledger->Totals(table).value().committed, kThreads * kUnitsEach);
}

}  // namespace
}  // namespace mms::migration
