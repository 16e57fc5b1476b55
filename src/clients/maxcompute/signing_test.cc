#include "clients/maxcompute/signing.h"

#include <gtest/gtest.h>

namespace mms::maxcompute {
namespace {

const auto kTime = std::chrono::system_clock::from_time_t(1795370400);  // 2026-11-22 18:00:00 UTC

AccessKey Key() {
  AccessKey key;
  key.id = "testid";
  key.secret = Secret("testsecret");
  return key;
}

SignedRequest BlockPut() {
  return {"PUT",
          "/projects/p1/tables/t1",
          {{"uploadid", "U1"},
           {"blockid", "0"},
           {"arrow", ""},
           {"partition", "ds=20260101"},
           {"curr_project", "p1"}},
          {{"Content-Type", "application/octet-stream"},
           {"Date", HttpDate(kTime)},
           {"X-Odps-User-Agent", "demo/1"},
           {"x-odps-tunnel-version", "6"},
           {"odps-tunnel-date-transform", "v1"},
           {"Host", "example"}}};
}

TEST(HttpDate, IsRfc1123InGmt) {
  EXPECT_EQ(HttpDate(kTime), "Sun, 22 Nov 2026 18:00:00 GMT");
  EXPECT_EQ(HttpDate(std::chrono::system_clock::from_time_t(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST(CanonicalText, SortsSignedHeadersAndParameters) {
  EXPECT_EQ(CanonicalText(BlockPut()),
            "PUT\n"
            "\n"
            "application/octet-stream\n"
            "Sun, 22 Nov 2026 18:00:00 GMT\n"
            "x-odps-tunnel-version:6\n"
            "x-odps-user-agent:demo/1\n"
            "/projects/p1/tables/t1?arrow&blockid=0&curr_project=p1&partition=ds=20260101"
            "&uploadid=U1");
}

TEST(CanonicalText, KeepsEmptyLinesForAbsentHeadersAndHasNoQuestionMarkWithoutParameters) {
  EXPECT_EQ(CanonicalText({"GET", "/projects/p", {}, {{"Date", "D"}}}), "GET\n\n\nD\n/projects/p");
}

TEST(CanonicalText, SignsParametersNamedLikeHeadersTwice) {
  EXPECT_EQ(CanonicalText({"GET", "/p", {{"x-odps-b", "2"}}, {{"Date", "D"}, {"x-odps-a", "1"}}}),
            "GET\n\n\nD\nx-odps-a:1\nx-odps-b:2\n/p?x-odps-b=2");
}

TEST(Authorization, PlainSignatureIsThatOfTheOfficialClients) {
  EXPECT_EQ(Authorization(BlockPut(), Key(), "", kTime),
            "ODPS testid:C25K/joHqPc+Fg+jLVLScsZBXxo=");
}

TEST(Authorization, RegionalSignatureIsThatOfTheOfficialClients) {
  EXPECT_EQ(Authorization(BlockPut(), Key(), "cn-hangzhou", kTime),
            "ODPS testid/20261122/cn-hangzhou/odps/aliyun_v4_request:ZCrntEvpl3RiiKuq9+Crf9kg+7A=");
}

TEST(Authorization, RegionalKeyFollowsTheDayInUtc) {
  const auto next_day = kTime + std::chrono::hours(6);
  const std::string first = Authorization(BlockPut(), Key(), "cn-hangzhou", kTime);
  const std::string second = Authorization(BlockPut(), Key(), "cn-hangzhou", next_day);
  EXPECT_NE(second.find("/20261123/"), std::string::npos);
  EXPECT_NE(first.substr(first.rfind(':')), second.substr(second.rfind(':')));
}

}  // namespace
}  // namespace mms::maxcompute
