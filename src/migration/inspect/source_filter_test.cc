#include "migration/inspect/source_filter.h"

#include <gtest/gtest.h>

namespace mms::migration {
namespace {

TEST(SourceFilter, TakesAllButTheInformationSchemaWhenEmpty) {
  const SourceFilter filter;
  EXPECT_TRUE(filter.Empty());
  EXPECT_TRUE(filter.TakesTable("sales", "orders"));
  EXPECT_FALSE(filter.TakesSchema("information_schema"));
  EXPECT_FALSE(filter.TakesTable("Information_Schema", "tables"));
  SourceFilter asked;
  asked.schema_whitelist = {"information_schema"};
  EXPECT_FALSE(asked.TakesSchema("information_schema"));
}

TEST(SourceFilter, AppliesBothListsOfSchemas) {
  SourceFilter filter;
  filter.schema_whitelist = {"Sales", "hr"};
  filter.schema_blacklist = {"HR", "tmp"};
  EXPECT_TRUE(filter.TakesSchema("sales"));
  EXPECT_FALSE(filter.TakesSchema("hr")) << "in both: out";
  EXPECT_FALSE(filter.TakesSchema("other")) << "in none: out";
  EXPECT_FALSE(filter.TakesTable("other", "t"));
}

TEST(SourceFilter, TakesEachFormOfATable) {
  SourceFilter filter;
  filter.table_whitelist = {"sales.orders", "staff", "*.Roles"};
  EXPECT_TRUE(filter.TakesTable("Sales", "ORDERS"));
  EXPECT_FALSE(filter.TakesTable("hr", "orders"));
  EXPECT_TRUE(filter.TakesTable("hr", "staff"));
  EXPECT_TRUE(filter.TakesTable("sales", "staff"));
  EXPECT_TRUE(filter.TakesTable("hr", "roles"));
  EXPECT_FALSE(filter.TakesTable("hr", "roles2"));
}

TEST(SourceFilter, SubtractsTheBlacklistFromTheWhitelist) {
  SourceFilter filter;
  filter.table_whitelist = {"orders", "items"};
  filter.table_blacklist = {"hr.orders", "*.items"};
  EXPECT_TRUE(filter.TakesTable("sales", "orders"));
  EXPECT_FALSE(filter.TakesTable("hr", "orders"));
  EXPECT_FALSE(filter.TakesTable("sales", "items"));
  SourceFilter black;
  black.table_blacklist = {"orders"};
  EXPECT_FALSE(black.TakesTable("sales", "orders"));
  EXPECT_TRUE(black.TakesTable("sales", "items"));
}

TEST(ParseSchemaList, SplitsAtCommasAndDropsBlanks) {
  EXPECT_EQ(*ParseSchemaList({" sales , hr", "x y"}),
            (std::vector<std::string>{"sales", "hr", "x y"}));
  EXPECT_TRUE(ParseSchemaList({})->empty());
}

TEST(ParseSchemaList, SaysWhatIsWrongWithAnEntry) {
  for (const char* text : {"sales,,hr", "sales,", "", "s*", "main.sales"}) {
    const auto list = ParseSchemaList({text});
    ASSERT_FALSE(list) << text;
    EXPECT_EQ(list.error().code(), "CONFIG_VALUE") << text;
  }
  EXPECT_NE(ParseSchemaList({"a, main.sales"}).error().message().find("\"main.sales\""),
            std::string::npos);
}

TEST(ParseTableList, TakesThreeFormsAndNoOther) {
  EXPECT_EQ(*ParseTableList({"sales.orders, staff", "*.roles"}),
            (std::vector<std::string>{"sales.orders", "staff", "*.roles"}));
  for (const char* text : {"main.sales.orders", "sales.*", "*", "*.", ".orders", "sales.", "or?ers",
                           "*.sales.orders", " , x"}) {
    EXPECT_FALSE(ParseTableList({text})) << text;
  }
}

}  // namespace
}  // namespace mms::migration
