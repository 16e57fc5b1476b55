// The open-source Unity Catalog server's dialect, by answers as that server gives them.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/loopback_server.h"
#include "clients/databricks/catalog_json.h"
#include "clients/databricks/sign_in.h"
#include "clients/databricks/unity_catalog.h"

namespace mms::databricks {
namespace {

constexpr char kNotThere[] = "Status: 404\nDescription: Not Found";
constexpr char kNoService[] =
    R"({"error_code":"INTERNAL","details":[{"reason":"INTERNAL","@type":"type.googleapis.com/)"
    R"(google.rpc.ErrorInfo"}],"message":"Couldn't unwrap service."})";
constexpr char kColumn[] =
    R"({"name":"%","type_text":"%T","type_json":"%J","type_name":"X","type_precision":null,)"
    R"("type_scale":null,"type_interval_type":null,"position":%P,"comment":null,"nullable":true,)"
    R"("partition_index":%I})";

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != text.npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

struct ColumnText {
  std::string name, type_text, type_json, position, partition_index = "null";
};

std::string ColumnJson(const ColumnText& column) {
  std::string text = Replaced(kColumn, "%T", column.type_text);
  text = Replaced(text, "%J", Replaced(column.type_json, "\"", "\\\""));
  text = Replaced(text, "%P", column.position);
  text = Replaced(text, "%I", column.partition_index);
  return Replaced(text, "%", column.name);
}

std::string TableJson(const std::string& columns) {
  return R"({"name":"plain","catalog_name":"main","schema_name":"Sales","table_type":"EXTERNAL",)"
         R"("data_source_format":"DELTA","columns":[)" +
         columns +
         R"(],"storage_location":"file:///wh/a%20t","comment":null,"properties":{},"owner":null,)"
         R"("created_at":1795380638567,"created_by":null,"updated_at":1795380638567,)"
         R"("updated_by":null,"table_id":"1d0b6ad5-9d1d-4d0a-8dbb-4a5ac52a2a8f",)"
         R"("view_definition":null,"view_dependencies":null})";
}

/// A client and what it asked for.
class OpenSource : public ::testing::Test {
 protected:
  using Handler = std::function<LoopbackAnswer(const std::string& target)>;

  UnityCatalog& Serve(Handler handler) {
    server_ = std::make_unique<LoopbackServer>([this, handler](const LoopbackRequest& request) {
      const std::lock_guard lock(mutex_);
      targets_.push_back(request.target);
      return handler(request.target);
    });
    client_ = std::make_unique<UnityCatalog>(server_->url(), FixedToken(Secret("dapiCANARY")),
                                             std::make_shared<HttpClient>(HttpClient::Options{}));
    RetryPolicy quick;
    quick.first_wait_ms = 1;
    client_->SetRetryPolicy(quick);
    return *client_;
  }

  long Asked(const std::string& part) {
    const std::lock_guard lock(mutex_);
    return std::count_if(targets_.begin(), targets_.end(), [&](const std::string& target) {
      return target.find(part) != target.npos;
    });
  }

  std::mutex mutex_;
  std::vector<std::string> targets_;
  std::unique_ptr<LoopbackServer> server_;
  std::unique_ptr<UnityCatalog> client_;
};

TEST_F(OpenSource, TakesNullForAbsentAndColumnsByPosition) {
  const std::string columns =
      ColumnJson(
          {"id", "bigint", R"({"name":"id","type":"long","nullable":true,"metadata":{}})", "1"}) +
      "," +
      ColumnJson({"dt", "date", R"({"name":"dt","type":"date","nullable":true,"metadata":{}})", "2",
                  "0"}) +
      "," + ColumnJson({"v", "decimal", "\"decimal(10,2)\"", "0"});
  const auto table = ParseTable(TableJson(columns));
  ASSERT_TRUE(table) << table.error().ToString();
  EXPECT_EQ(table->FullName(), "main.Sales.plain");
  EXPECT_EQ(table->owner, "");
  EXPECT_FALSE(table->browse_only);
  EXPECT_FALSE(table->tells_guards);
  ASSERT_EQ(table->columns.size(), 3u);
  EXPECT_EQ(table->columns[0].name, "v");
  EXPECT_EQ(table->columns[0].type, "decimal(10,2)");
  EXPECT_EQ(table->columns[0].partition_index, std::nullopt);
  EXPECT_EQ(table->columns[1].name, "id");
  EXPECT_EQ(table->columns[1].partition_index, std::nullopt);
  EXPECT_EQ(table->columns[2].partition_index, 0);
  EXPECT_FALSE(table->columns[2].masked);
}

TEST_F(OpenSource, TakesATableWithoutColumns) {
  const auto table = ParseTable(TableJson(""));
  ASSERT_TRUE(table);
  EXPECT_TRUE(table->columns.empty());
}

TEST_F(OpenSource, FollowsPagesThatRightsHaveEmptied) {
  UnityCatalog& client = Serve([](const std::string& target) {
    const auto page = [](const std::string& tables, const std::string& token) {
      return Answer(200, "{\"tables\":[" + tables + "],\"next_page_token\":" + token + "}");
    };
    if (target.ends_with("page_token=t1")) return page("", "\"t 3\"");
    if (target.ends_with("page_token=t%203")) return page(TableJson(""), "\"t5\"");
    if (target.ends_with("page_token=t5")) return page("", "null");
    return page("", "\"t1\"");
  });
  std::vector<std::string> names;
  const Status status = client.ListTables("main", "Sales", [&](Table table) {
    names.push_back(table.FullName());
    return OkStatus();
  });
  ASSERT_TRUE(status) << status.error().ToString();
  EXPECT_EQ(names, std::vector<std::string>{"main.Sales.plain"});
  EXPECT_EQ(Asked("/tables?"), 4);
}

TEST_F(OpenSource, SendsNamesAsTheServerSpeltThem) {
  UnityCatalog& client = Serve([](const std::string&) { return Answer(200, TableJson("")); });
  EXPECT_TRUE(client.FetchTable("main.Sales.PLAIN"));
  EXPECT_EQ(Asked("/tables/main.Sales.PLAIN?"), 1);
}

TEST_F(OpenSource, AsksTheOtherAddressWhoItIs) {
  UnityCatalog& client = Serve([](const std::string& target) {
    if (target == "/api/1.0/unity-control/scim2/Me") {
      return Answer(200, R"({"userName":"ann@example.com","id":"7","active":true,"emails":[]})");
    }
    return Answer(404, kNotThere, "Content-Type: text/plain\r\n");
  });
  for (int i = 0; i < 2; ++i) {
    const auto identity = client.FetchIdentity();
    ASSERT_TRUE(identity) << identity.error().ToString();
    ASSERT_TRUE(*identity);
    EXPECT_EQ((*identity)->user, "ann@example.com");
    EXPECT_TRUE((*identity)->groups.empty());
  }
  EXPECT_EQ(Asked("/scim/v2/Me"), 1) << "what is not there is asked for once";
}

TEST_F(OpenSource, DoesNotKnowTheUserWithoutAuthorization) {
  UnityCatalog& client = Serve([](const std::string& target) {
    if (target.find("unity-control") != target.npos) {
      return Answer(500, R"({"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],)"
                         R"("status":"400","detail":"no user"})");
    }
    return Answer(404, kNotThere, "Content-Type: text/plain\r\n");
  });
  const auto identity = client.FetchIdentity();
  ASSERT_TRUE(identity) << identity.error().ToString();
  EXPECT_FALSE(*identity);
  EXPECT_EQ(Asked("unity-control"), 2) << "no retries are spent on an endpoint that is not there";
}

TEST_F(OpenSource, RefusesATokenItDoesNotAccept) {
  UnityCatalog& client = Serve([](const std::string& target) {
    if (target.find("unity-control") == target.npos) {
      return Answer(404, kNotThere, "Content-Type: text/plain\r\n");
    }
    return Answer(401, R"({"error_code":"UNAUTHENTICATED","message":"Invalid access token."})");
  });
  const auto identity = client.FetchIdentity();
  ASSERT_FALSE(identity);
  EXPECT_EQ(identity.error().code(), "DATABRICKS_TOKEN_INVALID");
}

TEST_F(OpenSource, ReadsGrantsOfTheObjectAloneWhereNoOthersAreTold) {
  UnityCatalog& client = Serve([](const std::string& target) {
    if (target.find("/permissions/schema/main.Sales?") != target.npos) {
      return Answer(200, R"({"privilege_assignments":[{"principal":"ann@example.com",)"
                         R"("privileges":["USE SCHEMA"]}]})");
    }
    return Answer(500, kNoService);
  });
  for (int i = 0; i < 2; ++i) {
    const auto grants =
        client.FetchGrants({SecurableKind::kSchema, "main.Sales"}, {"ann@example.com"});
    ASSERT_TRUE(grants) << grants.error().ToString();
    EXPECT_TRUE(grants->told);
    EXPECT_FALSE(grants->effective);
    EXPECT_TRUE(FindGrant(*grants, {"ann@example.com"}, "USE_SCHEMA"));
  }
  EXPECT_EQ(Asked("effective-permissions"), 2);
}

TEST_F(OpenSource, DoesNotTellGrantsThatNoEndpointGives) {
  UnityCatalog& client = Serve([](const std::string&) { return Answer(404, kNotThere); });
  const auto grants = client.FetchGrants({SecurableKind::kCatalog, "main"}, {"a"});
  ASSERT_TRUE(grants) << grants.error().ToString();
  EXPECT_FALSE(grants->told);
}

TEST_F(OpenSource, JudgesARefusalByItsStatusFirst) {
  int status = 404;
  std::string code = "CATALOG_NOT_FOUND";
  UnityCatalog& client = Serve([&](const std::string&) {
    return Answer(status, R"({"error_code":")" + code + R"(","details":[{"reason":"X"}],)" +
                              R"("message":"Table not found: main.sales.nope"})");
  });
  EXPECT_EQ(client.FetchTable("main.sales.nope").error().code(), "DATABRICKS_TABLE_NOT_FOUND");
  status = 400;
  code = "INVALID_ARGUMENT";
  EXPECT_EQ(client.FetchTable("sales.nope").error().code(), "DATABRICKS_REQUEST");
  code = "CATALOG_ALREADY_EXISTS";
  EXPECT_EQ(client.FetchTable("sales.nope").error().code(), "DATABRICKS_REQUEST");
  status = 403;
  code = "PERMISSION_DENIED";
  EXPECT_EQ(client.FetchTable("main.sales.t").error().code(), "DATABRICKS_DENIED");
}

TEST_F(OpenSource, ASingleServerErrorDoesNotMakeAnEndpointAbsent) {
  int calls = 0;
  UnityCatalog& client = Serve([&](const std::string&) {
    if (++calls == 1) return Answer(500, R"({"error_code":"INTERNAL_ERROR","message":"later"})");
    return Answer(200, R"({"userName":"ann@example.com","groups":[{"display":"movers"}]})");
  });
  const auto identity = client.FetchIdentity();
  ASSERT_TRUE(identity) << identity.error().ToString();
  ASSERT_TRUE(*identity);
  EXPECT_EQ((*identity)->groups, std::vector<std::string>{"movers"});
}

TEST_F(OpenSource, AServerErrorOfAKnownEndpointIsRetried) {
  int calls = 0;
  UnityCatalog& client = Serve([&](const std::string&) {
    ++calls;
    if (calls > 1 && calls < 6) return Answer(500, R"({"error_code":"INTERNAL_ERROR"})");
    return Answer(200, R"({"userName":"ann@example.com"})");
  });
  EXPECT_TRUE(*client.FetchIdentity());
  EXPECT_TRUE(*client.FetchIdentity());
  EXPECT_EQ(calls, 6);
}

}  // namespace
}  // namespace mms::databricks
