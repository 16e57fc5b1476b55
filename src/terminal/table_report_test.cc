#include "terminal/table_report.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "migration/checksum/checksum.h"
#include "migration/plan/plan.h"

namespace mms::terminal {
namespace {

using migration::Ledger;
using migration::TableRecord;
using migration::TableState;
using migration::UnitRecord;
using migration::Verdict;

std::string ChecksumJson(int64_t rows, uint64_t row_sum) {
  migration::Checksum checksum;
  checksum.rows = rows;
  checksum.row_sum = row_sum;
  checksum.columns = {{0, row_sum + 1}};
  return migration::ToJson(checksum).dump();
}

/// A real ledger with one planned table of two units of 10 rows.
class TableReportOf : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("mms_report_" + std::to_string(::getpid()));
    std::filesystem::remove_all(folder_);
    auto ledger = Ledger::Open(folder_.string());
    ASSERT_TRUE(ledger) << ledger.error().ToString();
    ledger_ = std::move(*ledger);
    TableRecord table;
    table.source_name = "main.s.t";
    table.target_table = "t";
    table.version = 4;
    table.plan_json = migration::ToJson(migration::TablePlan{}).dump();
    std::vector<UnitRecord> units(2);
    for (size_t i = 0; i < units.size(); ++i) {
      units[i].partition = "ds=" + std::to_string(i);
      units[i].fingerprint = "f" + std::to_string(i);
      units[i].plan_json = "{}";
      units[i].rows_planned = 10;
      units[i].bytes = 100;
      units[i].files = 1;
    }
    auto id = ledger_->SavePlan(table, units);
    ASSERT_TRUE(id) << id.error().ToString();
    table_id_ = *id;
    Visit([&](const UnitRecord& unit) { unit_ids_.push_back(unit.id); });
    ASSERT_EQ(unit_ids_.size(), 2u);
  }
  void TearDown() override {
    ledger_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Visit(const std::function<void(const UnitRecord&)>& visit) {
    const Status listed = ledger_->ListUnits(table_id_, std::nullopt, [&](const UnitRecord& unit) {
      visit(unit);
      return OkStatus();
    });
    ASSERT_TRUE(listed) << listed.error().ToString();
  }

  void Copy(size_t unit, int64_t rows, const std::string& checksum) {
    const auto id = unit_ids_[unit];
    ASSERT_TRUE(ledger_->BeginLoad(id, 0).get());
    ASSERT_TRUE(ledger_->SetSession(id, 1, "session").get());
    ASSERT_TRUE(ledger_->BeginCommit(id, 1, {rows, checksum}).get());
    ASSERT_TRUE(ledger_->Committed(id, 1).get());
  }

  void Compare(size_t unit, Verdict verdict, int64_t rows, const std::string& difference) {
    Ledger::Comparison comparison;
    comparison.verdict = verdict;
    comparison.rows_target = rows;
    comparison.target_checksum = ChecksumJson(rows, 5);
    comparison.difference = difference;
    ASSERT_TRUE(ledger_->Verified(unit_ids_[unit], 1, comparison).get());
  }

  TableReport Read() {
    const auto table = ledger_->FindTable("main.s.t");
    EXPECT_TRUE(table && *table);
    auto report = ReadTableReport(*ledger_, **table);
    EXPECT_TRUE(report) << report.error().ToString();
    return *report;
  }

  std::filesystem::path folder_;
  std::unique_ptr<Ledger> ledger_;
  int64_t table_id_ = 0;
  std::vector<int64_t> unit_ids_;
};

TEST_F(TableReportOf, APlannedTableKnowsItsLogAndNothingOfTheTarget) {
  const TableReport report = Read();
  EXPECT_EQ(report.outcome, Outcome::kPending);
  EXPECT_EQ(report.version, 4);
  EXPECT_EQ(report.units, 2);
  EXPECT_EQ(report.rows_source, 20);
  EXPECT_EQ(report.bytes, 200);
  EXPECT_FALSE(report.rows_copied);
  EXPECT_FALSE(report.rows_target);
  EXPECT_EQ(report.source_checksum, "");
  ASSERT_EQ(report.reasons.size(), 1u);
  EXPECT_EQ(report.reasons[0], "2 of 2 units not copied yet; run the same command again to go on");
}

TEST_F(TableReportOf, ATableIsMatchOnlyWhenEveryUnitIs) {
  Copy(0, 10, ChecksumJson(10, 5));
  Copy(1, 10, ChecksumJson(10, 5));
  Compare(0, Verdict::kMatch, 10, "");
  ASSERT_TRUE(ledger_->SetTableState(table_id_, TableState::kRunning, ""));
  EXPECT_EQ(Read().outcome, Outcome::kPending);
  Compare(1, Verdict::kMatch, 10, "");
  ASSERT_TRUE(ledger_->SetTableState(table_id_, TableState::kDone, ""));
  const TableReport report = Read();
  EXPECT_EQ(report.outcome, Outcome::kMatch);
  EXPECT_EQ(report.rows_copied, 20);
  EXPECT_EQ(report.rows_target, 20);
  EXPECT_TRUE(report.reasons.empty());
  EXPECT_EQ(report.source_checksum, report.target_checksum);
  migration::Checksum merged;
  merged.rows = 20;
  merged.row_sum = 10;
  EXPECT_EQ(report.source_checksum, merged.ToText());
}

TEST_F(TableReportOf, OneDifferentUnitMakesTheTableMismatchAndIsNamed) {
  Copy(0, 10, ChecksumJson(10, 5));
  Copy(1, 10, ChecksumJson(10, 5));
  Compare(0, Verdict::kMatch, 10, "");
  Compare(1, Verdict::kMismatch, 9, "partition ds=1: 10 rows at the source, 9 at the target");
  ASSERT_TRUE(ledger_->SetTableState(table_id_, TableState::kDone, ""));
  const TableReport report = Read();
  EXPECT_EQ(report.outcome, Outcome::kMismatch);
  EXPECT_EQ(report.rows_target, 19);
  ASSERT_EQ(report.reasons.size(), 1u);
  EXPECT_EQ(report.reasons[0], "partition ds=1: 10 rows at the source, 9 at the target");
}

TEST_F(TableReportOf, AFailedTableKeepsItsErrorAndCountsWhatIsLeft) {
  Copy(0, 10, "");
  const std::string error =
      R"({"kind":6,"code":"HTTP_TIMEOUT","message":"no answer","where":"table main.s.t"})";
  ASSERT_TRUE(ledger_->SetTableState(table_id_, TableState::kFailed, error));
  const TableReport report = Read();
  EXPECT_EQ(report.outcome, Outcome::kFailed);
  ASSERT_TRUE(report.error);
  EXPECT_EQ(report.error->code(), "HTTP_TIMEOUT");
  EXPECT_EQ(report.rows_copied, 10);
  EXPECT_FALSE(report.rows_target);
  ASSERT_EQ(report.reasons.size(), 2u);
  EXPECT_NE(report.reasons[1].find("1 of 2 units not copied yet"), std::string::npos);
}

TEST_F(TableReportOf, ARefusedTableHasNoNumbers) {
  TableRecord table;
  table.source_name = "main.s.view";
  table.state = TableState::kRefused;
  table.error_json = R"({"kind":3,"code":"TABLE_IS_VIEW","message":"is a view","where":""})";
  ASSERT_TRUE(ledger_->SavePlan(table, {}));
  const auto found = ledger_->FindTable("main.s.view");
  ASSERT_TRUE(found && *found);
  const auto report = ReadTableReport(*ledger_, **found);
  ASSERT_TRUE(report) << report.error().ToString();
  EXPECT_EQ(report->outcome, Outcome::kRefused);
  EXPECT_FALSE(report->version);
  EXPECT_FALSE(report->files);
  EXPECT_FALSE(report->rows_source);
  ASSERT_EQ(report->reasons.size(), 1u);
  EXPECT_EQ(report->reasons[0], "is a view [TABLE_IS_VIEW]");
}

}  // namespace
}  // namespace mms::terminal
