#include "migration/workflow/check_storage.h"

#include <gtest/gtest.h>

#include "clients/azure/sas.h"

namespace mms::migration {
namespace {

constexpr char kSas[] = "?sv=2022-11-02&sr=c&sp=rl&se=2030-01-02T03:04:05Z&sig=CANARYCANARY";

int64_t At(const char* text) { return *azure::ParseUtcMs(text); }

TEST(JudgeSas, TellsRightsAndTheTimeThatIsLeft) {
  const auto finding = JudgeSas(Secret(kSas), At("2030-01-01T00:00Z"));
  ASSERT_TRUE(finding) << finding.error().ToString();
  EXPECT_EQ(finding->outcome, CheckOutcome::kOk);
  EXPECT_EQ(finding->detail, "service SAS, rights rl, until 2030-01-02T03:04:05Z (27 hours left)");
  EXPECT_EQ(finding->remedy, "");
}

TEST(JudgeSas, WarnsOfAnEndWithinADay) {
  const auto finding = JudgeSas(Secret(kSas), At("2030-01-01T03:04:06Z"));
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->outcome, CheckOutcome::kWarning);
  EXPECT_NE(finding->remedy.find("within a day"), std::string::npos);
  EXPECT_NE(finding->detail.find("23 hours"), std::string::npos);
}

TEST(JudgeSas, RefusesOneThatHasEndedOrLacksARight) {
  const auto ended = JudgeSas(Secret(kSas), At("2030-01-02T03:04:06Z"));
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code(), "STORAGE_SAS_EXPIRED");
  EXPECT_EQ(ended.error().ToString().find("CANARY"), std::string::npos);
  const auto weak = JudgeSas(Secret("sv=1&sr=c&sp=r&se=2030-01-02T03:04:05Z&sig=CANARYCANARY"),
                             At("2030-01-01T00:00Z"));
  ASSERT_FALSE(weak);
  EXPECT_EQ(weak.error().code(), "STORAGE_SAS_RIGHTS");
}

TEST(JudgeSas, SaysWhenItBeginsLaterOrDoesNotTellItsEnd) {
  const auto later =
      JudgeSas(Secret("sv=1&sr=c&sp=rl&st=2030-01-01T00:00Z&se=2030-02-01T00:00Z&sig=CANARYCANARY"),
               At("2029-12-31T00:00Z"));
  ASSERT_TRUE(later);
  EXPECT_NE(later->remedy.find("not good yet"), std::string::npos);
  const auto policy =
      JudgeSas(Secret("sv=1&sr=c&si=readers&sig=CANARYCANARY"), At("2029-12-31T00:00Z"));
  ASSERT_TRUE(policy) << policy.error().ToString();
  EXPECT_EQ(policy->outcome, CheckOutcome::kUnknown);
  EXPECT_NE(policy->detail.find("readers"), std::string::npos);
}

TEST(StorageRemedy, TellsADenyAssignmentFromAWrongCredential) {
  using azure::StorageAuth;
  constexpr char kManaged[] = "dbstorageabc123";
  const auto refused = [](const std::string& word) {
    return Error(ErrorKind::kDenied, "STORAGE_DENIED", "refused (" + word + ")");
  };
  for (const StorageAuth auth : {StorageAuth::kSas, StorageAuth::kServicePrincipal}) {
    const std::string remedy = StorageRemedy(refused("AuthorizationFailure"), kManaged, auth);
    EXPECT_NE(remedy.find("deny assignment"), std::string::npos);
    EXPECT_NE(remedy.find("source.storage.auth: vended"), std::string::npos);
    EXPECT_EQ(StorageRemedy(refused("AuthorizationFailure"), "lake", auth), "") << "the user's own";
    for (const char* wrong : {"AuthenticationFailed", "InvalidAuthenticationInfo"}) {
      EXPECT_EQ(StorageRemedy(refused(wrong), kManaged, auth), "") << "it is wrong itself";
    }
    const Error expired(ErrorKind::kDenied, "STORAGE_SAS_EXPIRED", "ended");
    EXPECT_EQ(StorageRemedy(expired, kManaged, auth), "");
  }
}

TEST(StorageRemedy, WhatIsVendedPassesADenyAssignmentButNoFirewall) {
  const Error denied(ErrorKind::kDenied, "STORAGE_DENIED", "refused (AuthorizationFailure)");
  for (const char* account : {"dbstorageabc123", "lake"}) {
    const std::string remedy = StorageRemedy(denied, account, azure::StorageAuth::kVended);
    EXPECT_NE(remedy.find("firewall"), std::string::npos);
    EXPECT_EQ(remedy.find("deny assignment"), std::string::npos);
  }
}

}  // namespace
}  // namespace mms::migration
