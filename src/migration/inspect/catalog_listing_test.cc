#include "migration/inspect/catalog_listing.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>

#include "base/loopback_server.h"
#include "clients/databricks/sign_in.h"

namespace mms::migration {
namespace {

constexpr int kSchemas = 12;

std::string SchemaName(int number) { return std::string("s") + char('a' + number); }

std::string SchemasJson() {
  std::string list;
  for (int i = 0; i < kSchemas; ++i) {
    list += (i == 0 ? "" : ",") + ("{\"name\":\"" + SchemaName(i) + "\"}");
  }
  return "{\"schemas\":[" + list + "]}";
}

std::string TablesJson(const std::string& schema) {
  const std::string row = "{\"catalog_name\":\"main\",\"schema_name\":\"" + schema + "\",\"name\":";
  return "{\"tables\":[" + row + "\"t1\"}," + row + "\"t2\"}," + row + "\"t1\"}]}";
}

std::string SchemaOf(const LoopbackRequest& request) {
  const size_t at = request.target.find("schema_name=") + 12;
  return request.target.substr(at, request.target.find('&', at) - at);
}

/// What is listed, and how it ended.
struct Listed {
  std::vector<std::string> names;
  Status status = OkStatus();
};

Listed List(const LoopbackServer& server, int at_once, const SourceFilter& filter = {}) {
  const auto limit = std::make_shared<databricks::CallLimit>(
      databricks::CallLimit::Options{{10'000, 10'000}, at_once});
  databricks::UnityCatalog catalog(server.url(), databricks::FixedToken(Secret("dapiCANARY")),
                                   std::make_shared<HttpClient>(HttpClient::Options{}), limit);
  const std::vector<TableChoice> choices = {{"*", {}, "", ""}};
  Selection selection(choices, filter);
  Listed listed;
  listed.status = ListChosen({catalog, selection, "main", at_once},
                             [&](databricks::Table table, const TableChoice&) -> Status {
                               listed.names.push_back(table.schema + "." + table.name);
                               return OkStatus();
                             });
  return listed;
}

std::vector<std::string> Names(int schemas) {
  std::vector<std::string> names;
  for (int i = 0; i < schemas; ++i) {
    for (const char* table : {".t1", ".t2"}) names.push_back(SchemaName(i) + table);
  }
  return names;
}

TEST(ListChosen, KeepsTheOrderWhicheverAnswerComesFirst) {
  // Holds the first schema's answer back until others have been answered, and the first answer
  // until a second call is under way.
  std::mutex mutex;
  std::condition_variable changed;
  int answered = 0;
  std::atomic<int> now{0};
  std::atomic<int> most{0};
  LoopbackServer server([&](const LoopbackRequest& request) {
    if (request.target.find("/schemas?") != std::string::npos) return Answer(200, SchemasJson());
    const int seen = ++now;
    int known = most;
    while (seen > known && !most.compare_exchange_weak(known, seen)) {
    }
    std::unique_lock lock(mutex);
    changed.notify_all();
    const int before = SchemaOf(request) == "sa" ? 2 : 0;
    changed.wait_for(lock, std::chrono::seconds(20),
                     [&] { return most >= 2 && answered >= before; });
    ++answered;
    changed.notify_all();
    --now;
    return Answer(200, TablesJson(SchemaOf(request)));
  });
  const Listed listed = List(server, 3);
  ASSERT_TRUE(listed.status) << listed.status.error().ToString();
  EXPECT_EQ(listed.names, Names(kSchemas));
  EXPECT_LE(most, 3) << "calls side by side";
  EXPECT_GE(most, 2);
}

TEST(ListChosen, StopsAtTheFirstErrorInOrder) {
  LoopbackServer server([&](const LoopbackRequest& request) {
    if (request.target.find("/schemas?") != std::string::npos) return Answer(200, SchemasJson());
    if (SchemaOf(request) == "sc") {
      return Answer(403, R"({"error_code":"PERMISSION_DENIED","message":"no USE SCHEMA"})");
    }
    return Answer(200, TablesJson(SchemaOf(request)));
  });
  const Listed listed = List(server, 4);
  ASSERT_FALSE(listed.status);
  EXPECT_EQ(listed.status.error().code(), "DATABRICKS_DENIED");
  EXPECT_EQ(listed.names, Names(2));
}

TEST(ListChosen, ASchemaThatIsDroppedMeanwhileHasNoTables) {
  LoopbackServer server([&](const LoopbackRequest& request) {
    if (request.target.find("/schemas?") != std::string::npos) return Answer(200, SchemasJson());
    if (SchemaOf(request) != "sa") {
      return Answer(404, R"({"error_code":"SCHEMA_DOES_NOT_EXIST","message":"gone"})");
    }
    return Answer(200, TablesJson("sa"));
  });
  const Listed listed = List(server, 2);
  ASSERT_TRUE(listed.status) << listed.status.error().ToString();
  EXPECT_EQ(listed.names, Names(1));
}

TEST(ListChosen, AsksOnlyForSchemasThatTheListsLeave) {
  std::mutex mutex;
  std::set<std::string> asked;
  LoopbackServer server([&](const LoopbackRequest& request) {
    if (request.target.find("/schemas?") != std::string::npos) return Answer(200, SchemasJson());
    const std::lock_guard lock(mutex);
    asked.insert(SchemaOf(request));
    return Answer(200, TablesJson(SchemaOf(request)));
  });
  SourceFilter filter;
  filter.schema_whitelist = {"SB", "sc"};
  filter.schema_blacklist = {"sc"};
  filter.table_blacklist = {"sb.T2"};
  const Listed listed = List(server, 4, filter);
  ASSERT_TRUE(listed.status) << listed.status.error().ToString();
  EXPECT_EQ(listed.names, std::vector<std::string>{"sb.t1"});
  EXPECT_EQ(asked, std::set<std::string>{"sb"});
}

}  // namespace
}  // namespace mms::migration
