#include "migration/ledger/ledger.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "migration/ledger/ledger_fixture.h"

namespace mms::migration {
namespace {

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

TEST_F(LedgerTest, ByWhatAVerdictWasReachedIsKeptUntilTheNextLoad) {
  auto ledger = OpenLedger();
  const int64_t table = Save(*ledger, Table(), {Unit("a", "f")});
  const int generation = Commit(*ledger, Units(*ledger, table).at(0));
  EXPECT_EQ(Units(*ledger, table).at(0).compared_by, ComparedBy::kNothing);
  const auto note = [&](ComparedBy by) {
    const Ledger::Comparison told{Verdict::kMismatch, 9, "{}", "x", by};
    const int64_t id = Units(*ledger, table).at(0).id;
    ASSERT_TRUE(ledger->Verified(id, generation, told).get().has_value());
    EXPECT_EQ(Units(*ledger, table).at(0).compared_by, by);
  };
  note(ComparedBy::kChecksum);
  note(ComparedBy::kChecksumThenCountBoth);
  ASSERT_TRUE(ledger->ForgetMismatches(table).has_value());
  EXPECT_EQ(Units(*ledger, table).at(0).compared_by, ComparedBy::kNothing);
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

TEST_F(LedgerTest, BlocksAreNotedInTheirSessionAndForgottenWithIt) {
  auto ledger = OpenLedger();
  const int64_t table = Save(*ledger, Table(), {Unit("", "f"), Unit("x", "g")});
  const int64_t id = Units(*ledger, table).at(0).id;
  const auto noted = [&] {
    std::vector<int64_t> ids;
    EXPECT_TRUE(ledger->ListBlocks(id, [&](Ledger::SentBlock block) -> Status {
      EXPECT_EQ(block.rows, 5);
      EXPECT_EQ(block.source_checksum, "{}");
      ids.push_back(block.block_id);
      return OkStatus();
    }));
    return ids;
  };
  const auto note = [&](int generation, int64_t block) {
    return ledger->NoteBlock(id, generation, {block, 5, "{}", ""}).get();
  };
  ASSERT_TRUE(ledger->BeginLoad(id, 0).get());
  ExpectCode(note(1, 0), "LEDGER_STALE");  // no session was noted
  ASSERT_TRUE(ledger->SetSession(id, 1, "s").get());
  for (int64_t block = 600; block >= 0; --block) ASSERT_TRUE(note(1, block));
  ASSERT_TRUE(note(1, 7)) << "sent again";
  ExpectCode(note(0, 8), "LEDGER_STALE");
  EXPECT_EQ(noted().size(), 601U);
  EXPECT_EQ(noted().at(7), 7);
  ASSERT_TRUE(ledger->BeginLoad(id, 1).get());
  EXPECT_TRUE(noted().empty());
  ASSERT_TRUE(ledger->SetSession(id, 2, "t").get());
  ASSERT_TRUE(note(2, 3));
  ASSERT_TRUE(ledger->BeginCommit(id, 2, {5, ""}).get());
  ExpectCode(note(2, 4), "LEDGER_STALE");
  EXPECT_EQ(noted().size(), 1U);
  ASSERT_TRUE(ledger->Committed(id, 2).get());
  EXPECT_TRUE(noted().empty());
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
    const int64_t table = Save(*ledger, Table(), {Unit("", "f")});
    ASSERT_TRUE(ledger->BeginLoad(Units(*ledger, table).at(0).id, 0).get().has_value());
  }
  auto ledger = OpenLedger();
  ExpectCode(ledger->BindTarget("project dw at host b"), "STATE_OTHER_TARGET");
  EXPECT_TRUE(ledger->FindTable(Table().source_name)->has_value());
}

TEST_F(LedgerTest, AFolderOfPlansAloneMayGoToAnotherTargetAndForgetsThem) {
  auto ledger = OpenLedger();
  ASSERT_TRUE(ledger->BindTarget("project dw at host a").has_value());
  Save(*ledger, Table(), {Unit("", "f")});
  ASSERT_TRUE(ledger->BindTarget("project dw at host b").has_value());
  EXPECT_EQ(*ledger->Target(), "project dw at host b");
  EXPECT_FALSE(ledger->FindTable(Table().source_name)->has_value());
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

TEST_F(LedgerTest, ATableIsSettledWhenEachUnitThatItsPlanMeansHasAVerdict) {
  auto ledger = OpenLedger();
  const int64_t table = Save(*ledger, Table(), {Unit("a", "f"), Unit("b", "f")});
  EXPECT_FALSE(ledger->IsSettled(table).value());
  const auto settle = [&](const UnitRecord& unit, Verdict verdict) {
    const int generation = Commit(*ledger, unit);
    EXPECT_FALSE(ledger->IsSettled(table).value()) << "committed is not compared";
    EXPECT_TRUE(ledger->Verified(unit.id, generation, {verdict, 9, "{}", "x"}).get().has_value());
  };
  const auto units = Units(*ledger, table);
  settle(units.at(0), Verdict::kMatch);
  settle(units.at(1), Verdict::kMismatch);
  EXPECT_TRUE(ledger->IsSettled(table).value());
  ASSERT_TRUE(ledger->ForgetMismatches(table).has_value());
  EXPECT_FALSE(ledger->IsSettled(table).value());

  Commit(*ledger, Units(*ledger, table).at(1));
  ASSERT_TRUE(ledger->SavePlan(Table(8), {Unit("a", "f")}, {Ledger::Others::kSetAside}));
  EXPECT_TRUE(ledger->IsSettled(table).value()) << "what is set aside is not meant";
}

}  // namespace
}  // namespace mms::migration
