#include "sandbox/faults.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "sandbox/memory_body.h"

namespace mms::sandbox {
namespace {

/// A request as a client sends it; only what fault rules look at.
class Request {
 public:
  explicit Request(std::string method, std::string target, const std::string& coding = "") {
    http_.method = std::move(method);
    http_.target = std::move(target);
    if (!coding.empty()) http_.headers.emplace_back("content-encoding", coding);
    auto parsed = ParseCall(&http_);
    CHECK(parsed.has_value());
    call_ = std::move(*parsed);
  }
  std::optional<Fault> Ask(Faults* faults) { return faults->Next(call_, TargetOf(call_)); }
  bool IsGone(Faults* faults) { return faults->IsGone(call_, TargetOf(call_)); }

 private:
  ServerRequest http_;
  Call call_;
};

Request Put(const std::string& coding = "") {
  return Request("PUT", "/projects/p/tables/t?uploadid=u1&blockid=0&arrow", coding);
}
Request Commit() { return Request("POST", "/projects/p/tables/t?uploadid=u1"); }

void Rules(Faults* faults, const std::string& rules) {
  auto set = faults->Set("{\"faults\": " + rules + "}");
  ASSERT_TRUE(set) << set.error().ToString();
}

std::string FiringPattern(Faults* faults, int calls) {
  std::string pattern;
  for (int i = 0; i < calls; ++i) pattern += Put().Ask(faults) ? 'x' : '.';
  return pattern;
}

TEST(Faults, NthFiresOnceAndEveryAgainAndAgain) {
  Faults faults;
  Rules(&faults, R"([{"call": "put_block", "nth": 3, "status": 503}])");
  EXPECT_EQ(FiringPattern(&faults, 7), "..x....");
  Rules(&faults, R"([{"call": "put_block", "every": 3, "status": 503}])");
  EXPECT_EQ(FiringPattern(&faults, 7), "..x..x.");
  Rules(&faults, R"([{"call": "put_block", "times": 2, "status": 503}])");
  EXPECT_EQ(FiringPattern(&faults, 7), "xx.....");
}

TEST(Faults, ASeedDecidesWhichCallsAreHit) {
  Faults faults;
  const char* rules = R"([{"call": "put_block", "probability": 0.3, "seed": 11, "status": 500}])";
  Rules(&faults, rules);
  std::string first = FiringPattern(&faults, 200);
  Rules(&faults, rules);
  EXPECT_EQ(FiringPattern(&faults, 200), first);
  auto hits = std::count(first.begin(), first.end(), 'x');
  EXPECT_GT(hits, 30);
  EXPECT_LT(hits, 90);
}

TEST(Faults, OnlyTheCallAndObjectOfTheRule) {
  Faults faults;
  Rules(&faults, R"([{"call": "commit_upload", "object": "t", "drop_answer": true}])");
  EXPECT_FALSE(Put().Ask(&faults));
  auto fault = Commit().Ask(&faults);
  ASSERT_TRUE(fault);
  EXPECT_TRUE(fault->drop_answer);
  EXPECT_FALSE(Request("POST", "/projects/p/tables/other?uploadid=u1").Ask(&faults));
  EXPECT_EQ(faults.Describe()["faults"][0]["fired"], 1);
}

TEST(Faults, OnlyBodiesOfTheRulesCoding) {
  Faults faults;
  Rules(&faults, R"([{"call": "put_block", "coding": "zstd", "status": 400}])");
  EXPECT_FALSE(Put().Ask(&faults));
  EXPECT_FALSE(Put("x-odps-lz4-frame").Ask(&faults));
  EXPECT_TRUE(Put("zstd").Ask(&faults));
  EXPECT_EQ(faults.Describe()["faults"][0]["seen"], 1);
}

TEST(Faults, ALostSessionStaysLostForEveryLaterCall) {
  Faults faults;
  Rules(&faults, R"([{"call": "put_block", "session_gone": true}])");
  EXPECT_FALSE(Commit().IsGone(&faults));
  ASSERT_TRUE(Put().Ask(&faults));
  EXPECT_TRUE(Commit().IsGone(&faults));
  EXPECT_FALSE(Request("POST", "/projects/p/tables/t?uploadid=u2").IsGone(&faults));
}

TEST(Faults, AnExpiredKeyIsRefusedUntilTheRulesAreSetAnew) {
  Faults faults;
  Rules(&faults, R"([{"call": "put_block", "key_gone": true}])");
  auto fault = Put().Ask(&faults);
  ASSERT_TRUE(fault && fault->key_gone);
  faults.ExpireKey("loader");
  Target target;
  target.name = CallName::kGetTable;
  EXPECT_TRUE(faults.IsExpired("loader", target));
  EXPECT_FALSE(faults.IsExpired("other", target));
  target.name = CallName::kSetFaults;
  EXPECT_FALSE(faults.IsExpired("loader", target));
  target.name = CallName::kGetTable;
  Rules(&faults, "[]");
  EXPECT_FALSE(faults.IsExpired("loader", target));
}

TEST(Faults, RulesCannotBeSetOnTheirOwnCalls) {
  Faults faults;
  Rules(&faults, R"([{"call": "any", "status": 500}])");
  EXPECT_FALSE(Request("POST", "/mms/faults").Ask(&faults));
  EXPECT_TRUE(Request("GET", "/projects/p").Ask(&faults));
}

TEST(Faults, ABadRuleIsRefusedByNameAndLeavesTheOldOnes) {
  Faults faults;
  Rules(&faults, R"([{"call": "put_block", "status": 503}])");
  for (const char* bad :
       {R"([{"call": "putblock", "status": 503}])", R"([{"call": "put_block"}])",
        R"([{"call": "put_block", "status": 200}])", R"([{"call": "put_block", "sttus": 503}])",
        R"([{"call": "put_block", "status": 503, "drop_answer": true}])",
        R"([{"call": "put_block", "nth": 1, "every": 2, "status": 503}])",
        R"([{"call": "set_faults", "status": 503}])",
        R"([{"call": "get_download", "initiating_ms": 5}])",
        R"([{"call": "create_download", "initiating_ms": 5, "status": 503}])",
        R"([{"drop_answer": "yes", "call": "any"}])"}) {
    auto set = faults.Set(std::string("{\"faults\": ") + bad + "}");
    ASSERT_FALSE(set) << bad;
    EXPECT_EQ(set.error().code(), "SANDBOX_FAULTS");
    EXPECT_EQ(set.error().where(), "fault rule 0");
  }
  EXPECT_FALSE(faults.Set("[]"));
  EXPECT_TRUE(Put().Ask(&faults));
}

TEST(Faults, ARefusalCarriesWhatTheRuleSays) {
  Fault fault;
  fault.status = 429;
  fault.retry_after_s = 2;
  fault.hold_ms = 1'500;
  Answer answer = FaultAnswer(fault, true, "R1");
  EXPECT_EQ(answer.status, 429);
  auto body = nlohmann::json::parse(answer.body);
  EXPECT_EQ(body["Code"], "FlowExceeded");
  EXPECT_EQ(body["HoldClientMillis"], 1'500);
  EXPECT_EQ(answer.headers.back(), (std::pair<std::string, std::string>{"Retry-After", "2"}));
  fault.code = "SlotExceeded";
  EXPECT_NE(FaultAnswer(fault, false, "R1").body.find("<Code>SlotExceeded</Code>"),
            std::string::npos);
}

}  // namespace
}  // namespace mms::sandbox
