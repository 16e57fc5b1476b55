// A ledger in a folder of its own, and what its tests do with one.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "migration/ledger/ledger.h"

namespace mms::migration {

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

}  // namespace mms::migration
