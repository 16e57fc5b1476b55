#include "clients/databricks/compute.h"

#include <gtest/gtest.h>

#include <deque>

#include "base/loopback_server.h"
#include "clients/databricks/sign_in.h"

namespace mms::databricks {
namespace {

const ComputeId kCluster{ComputeKind::kCluster, "0101-x"};
const ComputeId kWarehouse{ComputeKind::kWarehouse, "77"};

/// A workspace whose cluster goes through states, one a question; the last one stays.
class Workspace {
 public:
  explicit Workspace(std::deque<std::string> states)
      : states_(std::move(states)),
        server_([this](const LoopbackRequest& request) { return Handle(request); }) {}

  Compute Client(long deadline_ms = 60'000) {
    Compute::Options options;
    options.retry.first_wait_ms = 1;
    options.retry.attempts_max = 3;
    options.poll_first_ms = 1;
    options.poll_max_ms = 2;
    options.start_deadline_ms = deadline_ms;
    options.on_wait = [this](const ComputeState& state) { waited_.push_back(state.state); };
    const TokenSource token = [](bool renew) -> Result<Secret> {
      return Secret(renew ? "renewed-token" : "first-token");
    };
    return Compute(std::make_shared<WorkspaceApi>(
                       server_.url(), token, std::make_shared<HttpClient>(HttpClient::Options{})),
                   options);
  }

  LoopbackAnswer start_answer = Answer(200, "{}");
  std::string body;  ///< of a question, when not made of a state
  std::vector<std::string> starts_;
  std::vector<std::string> waited_;
  std::vector<std::string> tokens_;
  bool refuse_first_token_ = false;

 private:
  LoopbackAnswer Handle(const LoopbackRequest& request) {
    tokens_.push_back(request.headers.at("authorization"));
    if (refuse_first_token_ && tokens_.back() == "Bearer first-token") {
      return Answer(401, R"({"error_code":"UNAUTHENTICATED","message":"expired"})");
    }
    if (request.method == "POST") {
      starts_.push_back(request.target + " " + request.body);
      return start_answer;
    }
    if (!body.empty()) return Answer(200, body);
    const std::string state = states_.front();
    if (states_.size() > 1) states_.pop_front();
    return Answer(200, R"({"state":")" + state +
                           R"(","state_message":"as it goes",)"
                           R"("termination_reason":{"code":"SPOT","type":"CLOUD_FAILURE",)"
                           R"("parameters":{"zone":"1"}}})");
  }

  std::deque<std::string> states_;
  LoopbackServer server_;
};

TEST(Compute, AWorkingClusterIsTakenAsItIs) {
  Workspace workspace({"RUNNING"});
  ASSERT_TRUE(workspace.Client().Ensure(kCluster));
  EXPECT_TRUE(workspace.starts_.empty());
  Workspace resizing({"RESIZING"});
  EXPECT_TRUE(resizing.Client().Ensure(kCluster));
}

TEST(Compute, AStoppedClusterIsStartedAndWaitedFor) {
  Workspace workspace({"TERMINATED", "PENDING", "PENDING", "RUNNING"});
  auto state = workspace.Client().Ensure(kCluster);
  ASSERT_TRUE(state) << state.error().ToString();
  EXPECT_EQ(workspace.starts_,
            (std::vector<std::string>{R"(/api/2.1/clusters/start {"cluster_id":"0101-x"})"}));
  EXPECT_EQ(workspace.waited_, (std::vector<std::string>{"TERMINATED", "PENDING", "PENDING"}));
}

TEST(Compute, OneThatIsStoppingIsWaitedForAndThenStarted) {
  Workspace workspace({"TERMINATING", "TERMINATING", "TERMINATED", "PENDING", "RUNNING"});
  ASSERT_TRUE(workspace.Client().Ensure(kCluster));
  EXPECT_EQ(workspace.starts_.size(), 1u);
}

TEST(Compute, AStartThatSomeoneElseMadeIsNoFailure) {
  Workspace workspace({"TERMINATED", "PENDING", "RUNNING"});
  workspace.start_answer =
      Answer(400, R"({"error_code":"INVALID_STATE","message":"Cluster is in state Pending"})");
  EXPECT_TRUE(workspace.Client().Ensure(kCluster));
}

TEST(Compute, AStartThatFailsSaysWhy) {
  Workspace workspace({"TERMINATED", "PENDING", "TERMINATING", "TERMINATED"});
  auto state = workspace.Client().Ensure(kCluster);
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().code(), "COMPUTE_START_FAILED");
  EXPECT_EQ(state.error().kind(), ErrorKind::kUnavailable);
  const std::string text = state.error().ToString();
  EXPECT_NE(text.find("cluster 0101-x"), std::string::npos) << text;
  EXPECT_NE(text.find("as it goes"), std::string::npos) << text;
  EXPECT_NE(text.find("SPOT (CLOUD_FAILURE): zone=1"), std::string::npos) << text;
  EXPECT_EQ(workspace.starts_.size(), 1u);
}

TEST(Compute, ErrorIsStartedOnce) {
  Workspace healed({"ERROR", "PENDING", "RUNNING"});
  EXPECT_TRUE(healed.Client().Ensure(kCluster));
  Workspace broken({"ERROR"});
  auto state = broken.Client().Ensure(kCluster);
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().code(), "COMPUTE_START_FAILED");
  EXPECT_EQ(broken.starts_.size(), 1u);
}

TEST(Compute, GivesUpOnOneThatNeverComes) {
  Workspace workspace({"PENDING"});
  auto state = workspace.Client(/*deadline_ms=*/20).Ensure(kCluster);
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().code(), "COMPUTE_START_TIMEOUT");
  EXPECT_NE(state.error().message().find("PENDING"), std::string::npos);
}

TEST(Compute, AWarehouseHasItsOwnPathsAndStates) {
  Workspace workspace({"STOPPING", "STOPPED", "STARTING", "RUNNING"});
  ASSERT_TRUE(workspace.Client().Ensure(kWarehouse));
  EXPECT_EQ(workspace.starts_, (std::vector<std::string>{"/api/2.0/sql/warehouses/77/start {}"}));
  Workspace deleted({"DELETED"});
  auto state = deleted.Client().Ensure(kWarehouse);
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().code(), "COMPUTE_DELETED");
}

TEST(Compute, ATokenThatExpiredIsRenewedOnce) {
  Workspace workspace({"RUNNING"});
  workspace.refuse_first_token_ = true;
  ASSERT_TRUE(workspace.Client().Fetch(kCluster));
  EXPECT_EQ(workspace.tokens_,
            (std::vector<std::string>{"Bearer first-token", "Bearer renewed-token"}));
}

TEST(Compute, AClusterNobodyKnowsIsNamed) {
  LoopbackServer server([](const LoopbackRequest&) {
    return Answer(400, R"({"error_code":"INVALID_PARAMETER_VALUE",)"
                       R"("message":"Cluster 0101-x does not exist"})");
  });
  Compute compute(
      std::make_shared<WorkspaceApi>(server.url(), FixedToken(Secret("a-token")),
                                     std::make_shared<HttpClient>(HttpClient::Options{})),
      {});
  auto state = compute.Fetch(kCluster);
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().code(), "DATABRICKS_CLUSTER_NOT_FOUND");
}

TEST(Compute, ReadsWhatTheCheckShows) {
  Workspace workspace({});
  workspace.body =
      R"({"state":"RUNNING","cluster_name":"etl","data_security_mode":"USER_ISOLATION",)"
      R"("spark_version":"15.4.x","autotermination_minutes":30,"state_message":null})";
  auto state = workspace.Client().Fetch(kCluster);
  ASSERT_TRUE(state) << state.error().ToString();
  EXPECT_EQ(state->name, "etl");
  EXPECT_EQ(state->access_mode, "USER_ISOLATION");
  EXPECT_EQ(state->spark_version, "15.4.x");
  EXPECT_EQ(state->autotermination_minutes, 30);
  workspace.body = R"({"cluster_name":"etl"})";
  EXPECT_EQ(workspace.Client().Fetch(kCluster).error().code(), "DATABRICKS_ANSWER");
}

TEST(AccessMode, IsJudgedByWhetherItSeesUnityCatalog) {
  for (const char* mode : {"SINGLE_USER", "USER_ISOLATION", "DATA_SECURITY_MODE_AUTO", "", "NEW"}) {
    ComputeState state;
    state.access_mode = mode;
    EXPECT_TRUE(CheckAccessMode(state)) << mode;
  }
  for (const char* mode : {"NONE", "LEGACY_TABLE_ACL", "LEGACY_SINGLE_USER"}) {
    ComputeState state;
    state.access_mode = mode;
    const Status status = CheckAccessMode(state);
    ASSERT_FALSE(status) << mode;
    EXPECT_EQ(status.error().code(), "COMPUTE_ACCESS_MODE");
    EXPECT_NE(status.error().message().find(mode), std::string::npos);
  }
}

}  // namespace
}  // namespace mms::databricks
