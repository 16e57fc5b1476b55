#include "sandbox/users.h"

#include <gtest/gtest.h>

namespace mms::sandbox {
namespace {

User WithKey(const std::string& name, const std::string& id) {
  User user;
  user.name = name;
  user.access_key_id = id;
  user.access_key_secret = Secret("secret-of-" + id);
  return user;
}

Target On(CallName name) {
  Target target;
  target.name = name;
  target.project = "dw";
  target.object = "t";
  return target;
}

TEST(Users, EveryRightHasANameAndIsFoundByIt) {
  for (Right right :
       {Right::kList, Right::kCreateTable, Right::kCreateInstance, Right::kAlter, Right::kDrop,
        Right::kDescribe, Right::kSelect, Right::kUpdate, Right::kDownload, Right::kOwner}) {
    ASSERT_NE(RightText(right), "");
    EXPECT_EQ(FindRight(RightText(right)), right);
  }
  EXPECT_FALSE(FindRight("all"));
}

TEST(Users, NamesKeysAndTokensStandOnce) {
  EXPECT_TRUE(Users::Make({WithKey("a", "1"), WithKey("b", "2")}));
  EXPECT_FALSE(Users::Make({WithKey("a", "1"), WithKey("a", "2")}));
  EXPECT_FALSE(Users::Make({WithKey("a", "1"), WithKey("b", "1")}));
  User empty;
  empty.name = "c";
  auto made = Users::Make({empty});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), "SANDBOX_USERS");
}

TEST(Users, ARightHoldsInItsProjectOnly) {
  User user = WithKey("a", "1");
  user.grants = {{"dw", {Right::kUpdate}}};
  EXPECT_TRUE(CheckRights(user, On(CallName::kPutBlock)));
  Target elsewhere = On(CallName::kPutBlock);
  elsewhere.project = "ods";
  auto denied = CheckRights(user, elsewhere);
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().code(), "NoPermission");
  EXPECT_NE(denied.error().message().find("'odps:Update' on {acs:odps:*:projects/ods/tables/t}"),
            std::string::npos);
  EXPECT_FALSE(CheckRights(user, On(CallName::kCreateDownload)));
}

TEST(Users, OwnersMayDoAll) {
  User user = WithKey("a", "1");
  user.grants = {{"*", {Right::kOwner}}};
  for (size_t i = 0; i < kCallNames; ++i) {
    EXPECT_TRUE(CheckRights(user, On(static_cast<CallName>(i)))) << i;
  }
}

TEST(Users, AUserWithoutGrantsMayDoNothing) {
  User user = WithKey("a", "1");
  for (CallName name : {CallName::kGetProject, CallName::kListTables, CallName::kGetTable,
                        CallName::kCreateUpload, CallName::kCommitUpload, CallName::kCreateDownload,
                        CallName::kSubmitInstance, CallName::kSetFaults}) {
    EXPECT_FALSE(CheckRights(user, On(name))) << NameText(name);
  }
}

TEST(Users, SqlRefusalsCarryTheCodeOfTasks) {
  User user = WithKey("a", "1");
  auto denied = CheckSqlRight(user, Right::kSelect, "dw", "projects/dw/tables/t");
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().code(), "ODPS-0130013");
}

}  // namespace
}  // namespace mms::sandbox
