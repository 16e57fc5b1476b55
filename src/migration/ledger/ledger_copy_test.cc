#include "migration/ledger/ledger_copy.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "migration/ledger/ledger.h"

namespace mms::migration {
namespace {

TEST(LedgerCopy, IsTakenBesideItsOwnerAndIsALedgerOfItsOwn) {
  std::string base = testing::TempDir() + "ledger copy-XXXXXX";
  ASSERT_NE(mkdtemp(base.data()), nullptr);
  {
    const auto owner = *Ledger::Open(base + "/state");
    ASSERT_TRUE(owner->BindTarget("project dw"));
    TableRecord table;
    table.source_name = "main.sales.orders";
    table.plan_json = "{}";
    UnitRecord unit;
    unit.partition = "p=1";
    unit.plan_json = "{}";
    ASSERT_TRUE(owner->SavePlan(table, {unit}));

    const Status copied = CopyLedger(base + "/state", base + "/copy");
    ASSERT_TRUE(copied) << copied.error().ToString();
    const auto copy = *Ledger::Open(base + "/copy");
    EXPECT_EQ(*copy->Target(), "project dw");
    const auto found = *copy->FindTable("main.sales.orders");
    ASSERT_TRUE(found);
    EXPECT_EQ(copy->Totals(found->id)->units, 1);
    ASSERT_TRUE(copy->SetTableState(found->id, TableState::kDone, ""));
    EXPECT_EQ((*owner->FindTable("main.sales.orders"))->state, TableState::kPlanned);
    EXPECT_EQ(CopyLedger(base + "/none", base + "/other").error().code(), "STATE_NOT_FOUND");
  }
  std::filesystem::remove_all(base);
}

}  // namespace
}  // namespace mms::migration
