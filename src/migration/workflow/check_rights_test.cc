#include "migration/workflow/check_rights.h"

#include <gtest/gtest.h>

#include <set>

namespace mms::migration {
namespace {

using databricks::Grant;
using databricks::Grants;

/// A catalog with two schemas and a table in each, asked about by ann, who is a mover.
class CheckRightsTest : public ::testing::Test {
 protected:
  CheckRightsTest() {
    question.identity = {"ann", {"movers"}};
    question.catalog = "main";
    question.catalog_owner = "root";
    question.schema_owners = {{"hr", "root"}, {"sales", "root"}};
    question.tables = {{"hr", "staff", "root", false}, {"sales", "orders", "root", false}};
    question.fetch_grants = [this](const databricks::Securable& securable) -> Result<Grants> {
      ++asked[securable.full_name];
      const auto found = grants.find(securable.full_name);
      return Grants{told, effective, found == grants.end() ? std::vector<Grant>{} : found->second};
    };
    question.read_table = [this](const ListedTable& table) -> Result<bool> {
      ++reads;
      return readable.contains(table.schema + "." + table.name);
    };
  }

  /// By right, without the word before it.
  std::map<std::string, CheckStep> Run() {
    CheckSteps steps;
    CheckRights(question, steps);
    std::map<std::string, CheckStep> by_right;
    for (CheckStep& step : steps.steps) by_right[step.name.substr(6)] = step;
    EXPECT_EQ(by_right.size(), 5u);
    return by_right;
  }

  std::map<std::string, CheckOutcome> Outcomes() {
    std::map<std::string, CheckOutcome> outcomes;
    for (const auto& [right, step] : Run()) outcomes[right] = step.outcome;
    return outcomes;
  }

  static std::map<std::string, CheckOutcome> All(CheckOutcome outcome) {
    return {{"USE CATALOG", outcome},
            {"USE SCHEMA", outcome},
            {"SELECT", outcome},
            {"BROWSE", outcome},
            {"EXECUTE", outcome}};
  }

  RightsQuestion question;
  std::map<std::string, std::vector<Grant>> grants;
  bool told = true;
  bool effective = true;
  std::set<std::string> readable;
  std::map<std::string, int> asked;
  int reads = 0;
};

TEST_F(CheckRightsTest, AGroupsGrantOnTheCatalogIsEnoughAndAskedForOnce) {
  grants["main"] = {{"movers", "ALL_PRIVILEGES", ""}};
  EXPECT_EQ(Outcomes(), All(CheckOutcome::kOk));
  EXPECT_EQ(asked, (std::map<std::string, int>{{"main", 1}}));
}

TEST_F(CheckRightsTest, TheOwnerOfTheCatalogHoldsEverything) {
  question.catalog_owner = "movers";
  EXPECT_EQ(Outcomes(), All(CheckOutcome::kOk));
  EXPECT_TRUE(asked.empty());
}

TEST_F(CheckRightsTest, NamesEachMissingRightWithItsStatement) {
  grants["main"] = {{"ann", "USE_CATALOG", ""}, {"bob", "SELECT", ""}};
  grants["main.hr"] = {{"ann", "USE_CATALOG", "catalog main"}, {"ann", "USE_SCHEMA", ""}};
  grants["main.sales.orders"] = {{"ann", "SELECT", "schema main.sales"}};
  const auto steps = Run();
  EXPECT_EQ(steps.at("USE CATALOG").outcome, CheckOutcome::kOk);
  const CheckStep& schema = steps.at("USE SCHEMA");
  ASSERT_EQ(schema.outcome, CheckOutcome::kFailed);
  EXPECT_NE(schema.detail.find("GRANT USE SCHEMA ON SCHEMA `main`.`sales` TO `ann`;"),
            std::string::npos)
      << schema.detail;
  EXPECT_EQ(schema.detail.find("`hr`"), std::string::npos) << schema.detail;
  EXPECT_EQ(schema.error->code(), "DATABRICKS_DENIED");
  const CheckStep& select = steps.at("SELECT");
  ASSERT_EQ(select.outcome, CheckOutcome::kFailed);
  EXPECT_NE(select.detail.find("GRANT SELECT ON TABLE `main`.`hr`.`staff` TO `ann`;"),
            std::string::npos)
      << select.detail;
  EXPECT_EQ(select.detail.find("orders"), std::string::npos) << select.detail;
  EXPECT_EQ(reads, 0) << "grants were told";
}

TEST_F(CheckRightsTest, WhatNoMigrationNeedsIsAWarningWithItsStatement) {
  grants["main"] = {{"ann", "USE_CATALOG", ""}, {"ann", "USE_SCHEMA", ""}, {"ann", "SELECT", ""}};
  const auto steps = Run();
  EXPECT_EQ(steps.at("SELECT").outcome, CheckOutcome::kOk);
  EXPECT_EQ(steps.at("BROWSE").outcome, CheckOutcome::kWarning);
  EXPECT_NE(steps.at("BROWSE").remedy.find("GRANT BROWSE ON CATALOG `main` TO `ann`;"),
            std::string::npos);
  EXPECT_EQ(steps.at("EXECUTE").outcome, CheckOutcome::kWarning);
  EXPECT_NE(steps.at("EXECUTE").remedy.find("GRANT EXECUTE ON SCHEMA `main`.`hr` TO `ann`;"),
            std::string::npos);
  EXPECT_FALSE(steps.at("EXECUTE").error);
}

TEST_F(CheckRightsTest, OwningASchemaOrATableCounts) {
  question.schema_owners["hr"] = "ann";
  question.tables[1].owner = "movers";
  grants["main"] = {{"ann", "USE_CATALOG", ""}};
  const auto steps = Run();
  EXPECT_EQ(steps.at("SELECT").outcome, CheckOutcome::kOk) << steps.at("SELECT").detail;
  const CheckStep& schema = steps.at("USE SCHEMA");
  ASSERT_EQ(schema.outcome, CheckOutcome::kFailed);
  EXPECT_NE(schema.detail.find("`sales`"), std::string::npos);
}

TEST_F(CheckRightsTest, NothingToldAndNothingReadIsUnknown) {
  told = false;
  EXPECT_EQ(Outcomes(), All(CheckOutcome::kUnknown));
  EXPECT_NE(Run().at("SELECT").remedy.find("GRANT SELECT ON TABLE"), std::string::npos);
}

TEST_F(CheckRightsTest, AReadShowsTheRightsItNeedsAndNoOthers) {
  told = false;
  readable = {"hr.staff", "sales.orders"};
  const auto outcomes = Outcomes();
  EXPECT_EQ(outcomes.at("USE CATALOG"), CheckOutcome::kOk);
  EXPECT_EQ(outcomes.at("USE SCHEMA"), CheckOutcome::kOk);
  EXPECT_EQ(outcomes.at("SELECT"), CheckOutcome::kOk);
  EXPECT_EQ(outcomes.at("BROWSE"), CheckOutcome::kUnknown);
  EXPECT_EQ(outcomes.at("EXECUTE"), CheckOutcome::kUnknown);
  EXPECT_EQ(reads, 2) << "each table once";
}

TEST_F(CheckRightsTest, OneTableThatCanBeReadDoesNotSpeakForAnother) {
  told = false;
  readable = {"hr.staff"};
  const auto steps = Run();
  EXPECT_EQ(steps.at("USE CATALOG").outcome, CheckOutcome::kOk);
  EXPECT_EQ(steps.at("USE SCHEMA").outcome, CheckOutcome::kUnknown);
  EXPECT_EQ(steps.at("SELECT").outcome, CheckOutcome::kUnknown);
  EXPECT_NE(steps.at("SELECT").detail.find("main.sales.orders"), std::string::npos);
  EXPECT_EQ(steps.at("SELECT").detail.find("staff"), std::string::npos);
}

TEST_F(CheckRightsTest, GrantsOfTheObjectAloneProveNothingByTheirAbsence) {
  effective = false;
  EXPECT_EQ(Outcomes(), All(CheckOutcome::kUnknown));
  grants["main"] = {{"ann", "SELECT", ""}, {"ann", "USE_CATALOG", ""}};
  const auto outcomes = Outcomes();
  EXPECT_EQ(outcomes.at("SELECT"), CheckOutcome::kOk);
  EXPECT_EQ(outcomes.at("USE CATALOG"), CheckOutcome::kOk);
  EXPECT_EQ(outcomes.at("USE SCHEMA"), CheckOutcome::kUnknown);
}

TEST_F(CheckRightsTest, SchemasAreJudgedWhereNoTableCanBeSeen) {
  question.tables.clear();
  grants["main"] = {{"ann", "USE_CATALOG", ""}};
  const auto steps = Run();
  EXPECT_EQ(steps.at("USE SCHEMA").outcome, CheckOutcome::kFailed);
  EXPECT_NE(steps.at("SELECT").detail.find("GRANT SELECT ON SCHEMA `main`.`hr` TO `ann`;"),
            std::string::npos);
}

TEST_F(CheckRightsTest, ManyTablesDoNotCostACallEach) {
  question.tables.clear();
  for (int i = 0; i < 500; ++i) {
    question.tables.push_back({"hr", "t" + std::to_string(i), "root", i == 400});
  }
  grants["main.hr"] = {{"ann", "USE_SCHEMA", ""}};
  for (int i = 0; i < 500; ++i) {
    grants["main.hr.t" + std::to_string(i)] = {{"ann", "SELECT", ""}};
  }
  const CheckStep select = Run().at("SELECT");
  EXPECT_LE(asked.size(), 55u);
  EXPECT_EQ(select.outcome, CheckOutcome::kUnknown) << select.detail;
  EXPECT_NE(select.detail.find("main.hr.t400"), std::string::npos) << select.detail;
}

TEST_F(CheckRightsTest, AnAnswerThatFailsFailsItsSteps) {
  question.fetch_grants = [](const databricks::Securable&) -> Result<Grants> {
    return Error(ErrorKind::kUnavailable, "DATABRICKS_UNAVAILABLE", "not now");
  };
  for (const auto& [right, step] : Run()) {
    ASSERT_TRUE(step.error) << right;
    EXPECT_EQ(step.error->code(), "DATABRICKS_UNAVAILABLE");
  }
}

}  // namespace
}  // namespace mms::migration
