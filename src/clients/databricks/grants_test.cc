#include "clients/databricks/grants.h"

#include <gtest/gtest.h>

namespace mms::databricks {
namespace {

constexpr char kEffective[] = R"({"privilege_assignments":[
  {"principal":"ann@example.com","privileges":[{"privilege":"SELECT",
    "inherited_from_type":"CATALOG","inherited_from_name":"main"},{"privilege":"MODIFY"}]},
  {"principal":"movers","privileges":[{"privilege":"ALL_PRIVILEGES"}]}],"next_page_token":"t"})";

TEST(ParseGrants, ReadsWhereARightComesFrom) {
  const auto page = ParseGrants(kEffective);
  ASSERT_TRUE(page) << page.error().ToString();
  ASSERT_EQ(page->grants.size(), 3u);
  EXPECT_EQ(page->grants[0].principal, "ann@example.com");
  EXPECT_EQ(page->grants[0].privilege, "SELECT");
  EXPECT_EQ(page->grants[0].from, "catalog main");
  EXPECT_EQ(page->grants[1].from, "");
  EXPECT_EQ(page->next_page_token, "t");
}

TEST(ParseGrants, ReadsBlanksInRightsAndNulls) {
  const auto page = ParseGrants(
      R"({"privilege_assignments":[{"principal":"a","privileges":["USE CATALOG","SELECT"]},)"
      R"({"principal":"b","privileges":null}],"next_page_token":null})");
  ASSERT_TRUE(page);
  ASSERT_EQ(page->grants.size(), 2u);
  EXPECT_EQ(page->grants[0].privilege, "USE_CATALOG");
  EXPECT_EQ(page->next_page_token, "");
  EXPECT_TRUE(ParseGrants("{}")->grants.empty());
  EXPECT_TRUE(ParseGrants(R"({"privilege_assignments":null})")->grants.empty());
  EXPECT_EQ(ParseGrants(R"({"privilege_assignments":7})").error().code(), "DATABRICKS_ANSWER");
}

TEST(FindGrant, CountsGroupsAndAllPrivilegesButForWhatTheyLeaveOut) {
  const Grants grants{true, true, ParseGrants(kEffective)->grants};
  const std::vector<std::string> ann = Identity{"ann@example.com", {}}.Names();
  const std::vector<std::string> bob = Identity{"bob@example.com", {"movers"}}.Names();
  EXPECT_TRUE(FindGrant(grants, ann, "SELECT"));
  EXPECT_FALSE(FindGrant(grants, ann, "BROWSE"));
  EXPECT_EQ(FindGrant(grants, bob, "BROWSE")->principal, "movers");
  EXPECT_FALSE(FindGrant(grants, bob, "EXTERNAL_USE_SCHEMA"));
  EXPECT_FALSE(FindGrant(grants, bob, "MANAGE"));
  EXPECT_FALSE(FindGrant(grants, Identity{"eve@example.com", {}}.Names(), "SELECT"));
}

TEST(FindGrant, CountsWhatWasGrantedToEveryone) {
  const Grants grants{true, true, {{"account users", "BROWSE", ""}}};
  EXPECT_TRUE(FindGrant(grants, Identity{"eve@example.com", {}}.Names(), "BROWSE"));
}

TEST(GrantStatement, QuotesEachPartAndNamesTheUser) {
  EXPECT_EQ(GrantStatement("USE_SCHEMA", {SecurableKind::kSchema, "main.a`b"}, "ann@example.com"),
            "GRANT USE SCHEMA ON SCHEMA `main`.`a``b` TO `ann@example.com`;");
  EXPECT_EQ(GrantStatement("SELECT", {SecurableKind::kTable, "c.s.t"}, ""),
            "GRANT SELECT ON TABLE `c`.`s`.`t` TO `<user of the token>`;");
}

TEST(ParseIdentity, ReadsBothServers) {
  const auto full = ParseIdentity(
      R"({"userName":"ann@example.com","groups":[{"display":"users"},{"display":null},{}]})");
  ASSERT_TRUE(full);
  EXPECT_EQ(full->user, "ann@example.com");
  EXPECT_EQ(full->groups, std::vector<std::string>{"users"});
  EXPECT_EQ(full->Names(), (std::vector<std::string>{"ann@example.com", "users", "account users"}));
  const auto bare = ParseIdentity(R"({"userName":"ann@example.com","id":"1","active":true})");
  ASSERT_TRUE(bare);
  EXPECT_TRUE(bare->groups.empty());
  EXPECT_EQ(ParseIdentity(R"({"userName":1})").error().code(), "DATABRICKS_ANSWER");
}

}  // namespace
}  // namespace mms::databricks
