#include "clients/maxcompute/rights.h"

#include <gtest/gtest.h>

#include <mutex>
#include <set>

#include "base/loopback_server.h"

namespace mms::maxcompute {
namespace {

/// A project in which some things are denied: words of the request (method, path, query, body).
class Project {
 public:
  explicit Project(std::vector<std::string> denied)
      : server_([this](const LoopbackRequest& request) { return Serve(request); }),
        denied_(std::move(denied)),
        client_(MakeOptions(server_.url()), std::make_shared<HttpClient>(HttpClient::Options{})),
        tunnel_(&client_) {}

  std::map<std::string, Right> Check(bool may_create_table) {
    std::map<std::string, Right> found;
    for (Right& right : CheckRights(tunnel_, {may_create_table})) found[right.name] = right;
    return found;
  }
  /// Statements, as they came.
  std::vector<std::string> statements() {
    std::lock_guard lock(mutex_);
    return statements_;
  }

 private:
  static Options MakeOptions(const std::string& url) {
    Options options;
    options.endpoint = options.tunnel_endpoint = options.logview_host = url;
    options.project = "p1";
    return options;
  }

  LoopbackAnswer Serve(const LoopbackRequest& request) {
    std::lock_guard lock(mutex_);
    const std::string all = request.method + " " + request.target + " " + request.body;
    if (request.target.starts_with("/projects/p1/instances?")) {
      const size_t from = request.body.find("<Query>") + 7;
      statements_.push_back(request.body.substr(from, request.body.find("</Query>") - from));
    }
    for (const std::string& words : denied_) {
      if (all.find(words) == std::string::npos) continue;
      return Answer(403, "<Error><Code>NoPermission</Code><Message>m</Message></Error>");
    }
    if (request.target.starts_with("/projects/p1/instances?")) {
      return Answer(201,
                    "<Instance><Tasks><Task><Name>n</Name><Result Format=\"text\"/>"
                    "<Status>Success</Status></Task></Tasks></Instance>",
                    "Location: http://h/instances/i1\r\n");
    }
    if (request.target.find("uploads") != std::string::npos) {
      return Answer(200, R"({"UploadID":"U","Status":"normal"})");
    }
    if (request.target.find("downloads") != std::string::npos) {
      return Answer(200, R"({"DownloadID":"D","Status":"normal","RecordCount":0})");
    }
    if (request.target.find("/tables?") != std::string::npos) {
      return Answer(200, "<Tables><Table><Name>old</Name></Table><Marker/></Tables>");
    }
    return Answer(200, "<Table><Schema>{\"columns\":[]}</Schema></Table>");
  }

  LoopbackServer server_;
  std::vector<std::string> denied_;
  std::mutex mutex_;
  std::vector<std::string> statements_;
  Client client_;
  Tunnel tunnel_;
};

TEST(CheckRights, EveryRightIsGrantedAndTheTableIsGoneAgain) {
  Project project({});
  const auto rights = project.Check(true);
  ASSERT_EQ(rights.size(), 7u);
  for (const auto& [name, right] : rights) {
    EXPECT_EQ(right.state, RightState::kGranted) << name << ": " << right.detail;
    EXPECT_EQ(right.grant, "") << name;
  }
  const auto statements = project.statements();
  ASSERT_EQ(statements.size(), 5u);
  EXPECT_NE(statements[1].find("LIFECYCLE 1;"), std::string::npos);
  const std::string table = statements[1].substr(statements[1].find("`mms_rights_"), 25);
  EXPECT_EQ(statements[4], "DROP TABLE IF EXISTS `p1`." + table + ";");
}

TEST(CheckRights, WhatIsMissingComesWithItsGrant) {
  const struct {
    const char *denied, *right, *grant;
  } cases[] = {
      {"/tables?expectmarker", "list", "GRANT List ON PROJECT p1 TO USER <user>;"},
      {"/instances?", "create instance", "GRANT CreateInstance ON PROJECT p1 TO USER <user>;"},
      {"CREATE TABLE", "create table", "GRANT CreateTable ON PROJECT p1 TO USER <user>;"},
      {"ALTER TABLE", "alter", "GRANT Alter ON TABLE mms_rights_"},
      {"GET /projects/p1/tables/", "describe", "GRANT Describe ON TABLE mms_rights_"},
      {"SELECT COUNT", "select", "GRANT Select ON TABLE mms_rights_"},
      {"downloads", "tunnel", "GRANT Update, Download ON TABLE mms_rights_"},
  };
  for (const auto& item : cases) {
    Project project({item.denied});
    const auto rights = project.Check(true);
    EXPECT_EQ(rights.at(item.right).state, RightState::kMissing) << item.right;
    EXPECT_TRUE(rights.at(item.right).grant.starts_with(item.grant)) << rights.at(item.right).grant;
  }
}

TEST(CheckRights, NothingIsMadeWithoutLeave) {
  Project project({});
  const auto rights = project.Check(false);
  EXPECT_EQ(project.statements(), std::vector<std::string>{"SELECT 1;"});
  const std::set<std::string> unknown = {"create table", "alter", "select"};
  for (const auto& [name, right] : rights) {
    EXPECT_EQ(right.state == RightState::kUnknown, unknown.contains(name)) << name;
    EXPECT_EQ(right.grant.empty(), right.state == RightState::kGranted) << name;
  }
}

TEST(CheckRights, AnErrorThatIsNoRefusalIsUnknown) {
  Options options;
  options.endpoint = options.tunnel_endpoint = "http://127.0.0.1:1";
  options.project = "p1";
  options.retry.attempts_max = 1;
  Client client(options, std::make_shared<HttpClient>(HttpClient::Options{}));
  Tunnel tunnel(&client);
  for (const Right& right : CheckRights(tunnel, {true})) {
    EXPECT_EQ(right.state, RightState::kUnknown) << right.name;
    EXPECT_NE(right.detail, "") << right.name;
  }
}

}  // namespace
}  // namespace mms::maxcompute
