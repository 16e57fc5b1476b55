#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "migration/transfer/job.h"

namespace mms::migration {
namespace {

TEST(Hello, HandsAWorkerAllThatReachingBothSidesTakes) {
  Hello hello;
  hello.source.storage.account = "lake";
  hello.source.storage.auth = azure::StorageAuth::kServicePrincipal;
  hello.source.storage.sas = Secret("sv=1&sig=abcdefgh");
  hello.source.storage.sas_file = "/keys/sas";
  hello.source.storage.principal = {"tenant", "client", Secret("client-secret"), "https://login.x"};
  hello.source.storage.endpoint = "https://lake.blob.x";
  hello.source.workspace = "https://adb-1.x";
  hello.source.sign_in.token = Secret("dapi-token");
  hello.source.sign_in.token_file = "/keys/token";
  hello.source.sign_in.client_id = "app";
  hello.source.sign_in.client_secret = Secret("oauth-secret");
  hello.sql.jdbc_url = Secret("jdbc:databricks://adb-1.x:443;PWD=dapi-url");
  hello.sql.workspace = "https://adb-2.x";
  hello.sql.cluster = "0101-120000-abcdefgh";
  hello.sql.warehouse = "0123456789abcdef";
  hello.sql.sign_in.token = Secret("sql-token");
  hello.sql.sign_in.token_file = "/keys/sql-token";
  hello.sql.sign_in.client_id = "sql-app";
  hello.sql.sign_in.client_secret = Secret("sql-secret");
  hello.target.quota_name = "leased";
  hello.source_http.proxy = "socks5h://p:1080";
  hello.source_http.proxy_user = "mms";
  hello.source_http.proxy_password = Secret("proxy-password");
  hello.source_http.ca_file = "/ca.pem";
  hello.source_http.addresses = {{"h", "10.0.0.1"}};
  hello.source_http.bandwidth = {7, {{480, 1080, 3}, {1080, 480, 0}}};

  const Result<Hello> read = HelloFromJson(ToJson(hello));
  ASSERT_TRUE(read) << read.error().ToString();
  const azure::StorageOptions& storage = read->source.storage;
  EXPECT_EQ(storage.account, "lake");
  EXPECT_EQ(storage.auth, azure::StorageAuth::kServicePrincipal);
  EXPECT_EQ(storage.sas.Reveal(), "sv=1&sig=abcdefgh");
  EXPECT_EQ(storage.sas_file, "/keys/sas");
  EXPECT_EQ(storage.principal.tenant_id, "tenant");
  EXPECT_EQ(storage.principal.client_id, "client");
  EXPECT_EQ(storage.principal.client_secret.Reveal(), "client-secret");
  EXPECT_EQ(storage.principal.authority, "https://login.x");
  EXPECT_EQ(storage.endpoint, "https://lake.blob.x");
  EXPECT_EQ(read->source.workspace, "https://adb-1.x");
  EXPECT_EQ(read->source.sign_in.token.Reveal(), "dapi-token");
  EXPECT_EQ(read->source.sign_in.token_file, "/keys/token");
  EXPECT_EQ(read->source.sign_in.client_id, "app");
  EXPECT_EQ(read->source.sign_in.client_secret.Reveal(), "oauth-secret");
  EXPECT_EQ(read->sql.jdbc_url.Reveal(), "jdbc:databricks://adb-1.x:443;PWD=dapi-url");
  EXPECT_EQ(read->sql.workspace, "https://adb-2.x");
  EXPECT_EQ(read->sql.cluster, "0101-120000-abcdefgh");
  EXPECT_EQ(read->sql.warehouse, "0123456789abcdef");
  EXPECT_EQ(read->sql.sign_in.token.Reveal(), "sql-token");
  EXPECT_EQ(read->sql.sign_in.token_file, "/keys/sql-token");
  EXPECT_EQ(read->sql.sign_in.client_id, "sql-app");
  EXPECT_EQ(read->sql.sign_in.client_secret.Reveal(), "sql-secret");
  EXPECT_EQ(read->source_http.proxy, "socks5h://p:1080");
  EXPECT_EQ(read->source_http.proxy_user, "mms");
  EXPECT_EQ(read->source_http.proxy_password.Reveal(), "proxy-password");
  EXPECT_EQ(read->source_http.ca_file, "/ca.pem");
  EXPECT_EQ(read->target.quota_name, hello.target.quota_name);
  EXPECT_EQ(read->source_http.addresses, hello.source_http.addresses);
  EXPECT_EQ(read->source_http.bandwidth, hello.source_http.bandwidth);
}

TEST(Hello, OneThatLacksASettingIsNoHello) {
  nlohmann::json document = ToJson(Hello{});
  document["source"].erase("auth");
  const Result<Hello> read = HelloFromJson(document);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), "JOB_INVALID");
}

}  // namespace
}  // namespace mms::migration
