// A real ledger for tests of what is written about one: in a folder of its own that goes with it.
//
//   main.s.orders  ds=0 Match, ds=1 Mismatch, ds=2 MissingInTarget, ds=3 being loaded
//   main.s.view    refused
//   main.s.whole   without partitions, planned
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "migration/checksum/checksum.h"
#include "migration/ledger/ledger.h"
#include "migration/plan/plan.h"

namespace mms::migration {

class ExampleLedger {
 public:
  /// `name` tells the folders of tests apart that run side by side.
  explicit ExampleLedger(const std::string& name)
      : folder_(std::filesystem::temp_directory_path() /
                ("mms_" + name + "_" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(folder_);
    auto ledger = Ledger::Open(folder_.string());
    EXPECT_TRUE(ledger) << ledger.error().ToString();
    ledger_ = std::move(*ledger);
    EXPECT_TRUE(ledger_->BindTarget("project dw at mc.example.com"));
    AddOrders();
    AddTable("main.s.whole", {Unit("", 5)});
    TableRecord view;
    view.source_name = "main.s.view";
    view.state = TableState::kRefused;
    view.error_json = R"({"kind":3,"code":"TABLE_IS_VIEW","message":"is a view","where":""})";
    EXPECT_TRUE(ledger_->SavePlan(view, {}));
  }
  ~ExampleLedger() {
    ledger_.reset();
    std::filesystem::remove_all(folder_);
  }
  ExampleLedger(const ExampleLedger&) = delete;
  ExampleLedger& operator=(const ExampleLedger&) = delete;

  Ledger& ledger() { return *ledger_; }
  std::filesystem::path folder() const { return folder_; }

  static std::string ChecksumJson(int64_t rows, uint64_t row_sum) {
    Checksum checksum;
    checksum.rows = rows;
    checksum.row_sum = row_sum;
    checksum.columns = {{0, row_sum + 1}, {1, row_sum + 2}};
    return ToJson(checksum).dump();
  }

  static UnitRecord Unit(const std::string& partition, int64_t rows) {
    UnitRecord unit;
    unit.partition = partition;
    unit.fingerprint = "f" + partition;
    unit.plan_json = "{}";
    unit.rows_planned = rows;
    unit.bytes = 100 * rows;
    unit.files = 1;
    return unit;
  }

  /// Returns the ids of its units.
  std::vector<int64_t> AddTable(const std::string& source, const std::vector<UnitRecord>& units) {
    TablePlan plan;
    plan.source_name = source;
    plan.target_table = source.substr(source.rfind('.') + 1);
    plan.version = 4;
    ColumnPlan column;
    column.source_name = "Id";
    column.source_type = "INT";
    column.target.name = "id";
    plan.columns = {column};
    if (!units.empty() && !units.front().partition.empty()) {
      column.source_name = column.target.name = "ds";
      plan.partition_columns = {column};
    }
    TableRecord table;
    table.source_name = source;
    table.target_table = plan.target_table;
    table.version = plan.version;
    table.plan_json = ToJson(plan).dump();
    const auto id = ledger_->SavePlan(table, units);
    EXPECT_TRUE(id) << id.error().ToString();
    std::vector<int64_t> ids;
    EXPECT_TRUE(ledger_->ListUnits(*id, std::nullopt, [&](const UnitRecord& unit) {
      ids.push_back(unit.id);
      return OkStatus();
    }));
    return ids;
  }

  void Copy(int64_t id, int64_t rows, const std::string& checksum) {
    EXPECT_TRUE(ledger_->BeginLoad(id, 0).get());
    EXPECT_TRUE(ledger_->SetSession(id, 1, "session-" + std::to_string(id)).get());
    EXPECT_TRUE(ledger_->BeginCommit(id, 1, {rows, checksum}).get());
    EXPECT_TRUE(ledger_->Committed(id, 1).get());
  }

 private:
  void AddOrders() {
    const auto ids = AddTable(
        "main.s.orders", {Unit("ds=0", 10), Unit("ds=1", 20), Unit("ds=2", 30), Unit("ds=3", 40)});
    Copy(ids[0], 10, ChecksumJson(10, 0xabc));
    Copy(ids[1], 20, ChecksumJson(20, 0xdef));
    Copy(ids[2], 30, ChecksumJson(30, 1));
    EXPECT_TRUE(ledger_->BeginLoad(ids[3], 0).get());
    EXPECT_TRUE(
        ledger_
            ->Verified(ids[0], 1,
                       {Verdict::kMatch, 10, ChecksumJson(10, 0xabc), "", ComparedBy::kChecksum})
            .get());
    EXPECT_TRUE(
        ledger_
            ->Verified(ids[1], 1,
                       {Verdict::kMismatch, 20, ChecksumJson(20, 0xeee),
                        "partition ds=1: 20 rows on both sides; values differ in columns a, \"b\"",
                        ComparedBy::kChecksum})
            .get());
    EXPECT_TRUE(ledger_
                    ->Verified(ids[2], 1,
                               {Verdict::kMissing, std::nullopt, "",
                                "partition ds=2: not at the target; 30 rows were copied",
                                ComparedBy::kCount})
                    .get());
  }

  std::filesystem::path folder_;
  std::unique_ptr<Ledger> ledger_;
};

}  // namespace mms::migration
