#include "clients/maxcompute/documents.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace mms::maxcompute {
namespace {

HttpResponse Ok(std::string body) {
  HttpResponse answer;
  answer.status = 200;
  answer.body = std::move(body);
  return answer;
}

std::string Table(const std::string& schema) {
  return "<?xml version=\"1.0\"?>\n<Table>\n <Name>t1</Name><Type>MANAGED_TABLE</Type>"
         "<Schema format=\"Json\"><![CDATA[" +
         schema + "]]></Schema></Table>";
}

TEST(ParseTable, ReadsColumnsAndPartitionKeys) {
  Result<TableInfo> info = ParseTable(
      Ok(Table(R"X({"columns":[{"name":"id","type":"BIGINT","isNullable":false,"comment":"key"},)X"
               R"X({"name":"tags","type":"array<string>","isNullable":true}],"comment":"a table",)X"
               R"X("partitionKeys":[{"name":"ds","type":"string"}],"tableProperties":"{}"})X")));
  ASSERT_TRUE(info) << info.error().ToString();
  EXPECT_EQ(info->name, "t1");
  EXPECT_EQ(info->type, "MANAGED_TABLE");
  EXPECT_EQ(info->comment, "a table");
  ASSERT_EQ(info->schema.columns.size(), 2u);
  EXPECT_EQ(info->schema.columns[0], (Column{"id", *ParseType("bigint"), "key", false}));
  EXPECT_EQ(ToText(info->schema.columns[1].type), "ARRAY<STRING>");
  ASSERT_EQ(info->schema.partition_columns.size(), 1u);
  EXPECT_EQ(info->schema.partition_columns[0].name, "ds");
}

TEST(ParseTable, NamesTheColumnOfAnUnknownType) {
  Result<TableInfo> info =
      ParseTable(Ok(Table(R"({"columns":[{"name":"v","type":"vector<float,3>"}]})")));
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().kind(), ErrorKind::kUnsupported);
  EXPECT_EQ(info.error().where(), "column v");
}

TEST(ParseTable, RefusesWhatIsNoTable) {
  for (const std::string& body :
       {std::string(), std::string("<html/>"), std::string("{}"), Table("no json"), Table("[]"),
        Table("{}"), Table(R"({"columns":{}})"), Table(R"({"columns":[{"name":"a"}]})"),
        Table(R"({"columns":[7]})")}) {
    Result<TableInfo> info = ParseTable(Ok(body));
    ASSERT_FALSE(info) << body;
    EXPECT_EQ(info.error().code(), "ODPS_ANSWER") << body;
  }
}

/// The extended document with this JSON text as `Reserved`.
TableTraits Traits(const std::string& reserved) {
  const std::string schema = nlohmann::json{{"FileNum", 1}, {"Reserved", reserved}}.dump();
  Result<TableTraits> traits = ParseTableTraits(Ok(Table(schema)));
  EXPECT_TRUE(traits) << reserved;
  return traits ? *traits : TableTraits();
}

TEST(ParseTableTraits, ReadsKeyFormatAndClustering) {
  const TableTraits keyed =
      Traits(R"({"Transactional":"true","PrimaryKey":["ID","day"],"write.bucket.num":"16"})");
  EXPECT_EQ(keyed.primary_key, (std::vector<std::string>{"id", "day"}));
  EXPECT_EQ(keyed.format_version, "");
  EXPECT_TRUE(keyed.clustering->by.empty());
  const TableTraits appended = Traits(R"({"table.format.version":"2"})");
  EXPECT_EQ(appended.format_version, "2");
  EXPECT_EQ(appended.primary_key, std::vector<std::string>());
  for (const char* buckets : {"8", "\"8\""}) {
    const TableTraits clustered = Traits(R"({"ClusterType":"RANGE","ClusterCols":["Id"],)"
                                         R"("BucketNum":)" +
                                         std::string(buckets) + "}");
    EXPECT_TRUE(clustered.clustering->range);
    EXPECT_EQ(clustered.clustering->by, std::vector<std::string>{"id"});
    EXPECT_EQ(clustered.clustering->buckets, 8);
  }
}

TEST(ParseTableTraits, ADocumentThatDoesNotTellTheKindLeavesItUnknown) {
  for (const std::string& body :
       {Table("{}"), Table(R"({"Reserved":""})"), Table(R"({"Reserved":"no json"})"),
        Table(R"({"Reserved":"[]"})"), Table(R"({"Reserved":null})")}) {
    Result<TableTraits> traits = ParseTableTraits(Ok(body));
    ASSERT_TRUE(traits) << body;
    EXPECT_FALSE(traits->primary_key.has_value());
    EXPECT_FALSE(traits->format_version.has_value());
    EXPECT_FALSE(traits->clustering.has_value());
  }
  for (const std::string& body : {std::string(), std::string("<html/>"), Table("no json")}) {
    Result<TableTraits> traits = ParseTableTraits(Ok(body));
    ASSERT_FALSE(traits) << body;
    EXPECT_EQ(traits.error().code(), "ODPS_ANSWER");
  }
}

TEST(ParsePartitionPage, ReadsValuesAndMarker) {
  Result<PartitionPage> page = ParsePartitionPage(
      Ok("<Partitions><Partition><Column Name=\"ds\" Value=\"2026&amp;01\"/>"
         "<Column Name=\"h\" Value=\"\"/><PartitionSize>1</PartitionSize></Partition>"
         "<Marker>next</Marker><MaxItems>1</MaxItems></Partitions>"));
  ASSERT_TRUE(page) << page.error().ToString();
  ASSERT_EQ(page->partitions.size(), 1u);
  EXPECT_EQ(page->partitions[0], (PartitionSpec{{"ds", "2026&01"}, {"h", ""}}));
  EXPECT_EQ(page->marker, "next");
  Result<PartitionPage> last = ParsePartitionPage(Ok("<Partitions><Marker/></Partitions>"));
  ASSERT_TRUE(last);
  EXPECT_TRUE(last->partitions.empty());
  EXPECT_EQ(last->marker, "");
  EXPECT_FALSE(ParsePartitionPage(Ok("<Tables/>")));
  EXPECT_FALSE(ParsePartitionPage(Ok("<Partitions><Partition/></Partitions>")));
}

TEST(ParseTask, DecodesResults) {
  Result<TaskResult> csv = ParseTask(
      Ok("<Instance><Tasks><Task Type=\"SQL\"><Name>n</Name><Result Transform=\"Base64\" "
         "Format=\"csv\"><![CDATA[Im4iCjcK]]></Result><Status>Success</Status>"
         "<ResultDescriptor><![CDATA[{\"IsSelect\":true,\"SelectResultStatus\":\"TRUNCATED\"}]]>"
         "</ResultDescriptor></Task></Tasks></Instance>"));
  ASSERT_TRUE(csv) << csv.error().ToString();
  EXPECT_TRUE(csv->is_csv);
  EXPECT_TRUE(csv->truncated);
  EXPECT_EQ(csv->status, "Success");
  EXPECT_EQ(csv->text, "\"n\"\n7\n");
  Result<TaskResult> text = ParseTask(
      Ok("<Instance><Tasks><Task><Result Format=\"text\"><![CDATA[FAILED: ODPS-1]]></Result>"
         "<Status>Failed</Status></Task></Tasks></Instance>"));
  ASSERT_TRUE(text);
  EXPECT_FALSE(text->is_csv);
  EXPECT_FALSE(text->truncated);
  EXPECT_EQ(text->text, "FAILED: ODPS-1");
  EXPECT_FALSE(ParseTask(Ok("<Instance><Tasks/></Instance>")));
  EXPECT_FALSE(
      ParseTask(Ok("<Instance><Tasks><Task><Result Transform=\"Base64\">!!!</Result>"
                   "</Task></Tasks></Instance>")));
}

TEST(ParseCsv, TellsNullFromTheTextOfNull) {
  SqlResult result;
  const Status status = ParseCsv(
      "\"a\",\"b\",\"c\"\n"
      "\\N,\"\\N\",7\n"
      "\"x\"\"y\",\"two\nlines, one cell\",\"\"\n",
      result);
  ASSERT_TRUE(status) << status.error().ToString();
  EXPECT_EQ(result.columns, (std::vector<std::string>{"a", "b", "c"}));
  ASSERT_EQ(result.rows.size(), 2u);
  EXPECT_EQ(result.rows[0][0], std::nullopt);
  EXPECT_EQ(result.rows[0][1], "\\N");
  EXPECT_EQ(result.rows[0][2], "7");
  EXPECT_EQ(result.rows[1][0], "x\"y");
  EXPECT_EQ(result.rows[1][1], "two\nlines, one cell");
  EXPECT_EQ(result.rows[1][2], "");
}

TEST(ParseCsv, TakesMissingLastLineBreakAndCarriageReturns) {
  SqlResult result;
  ASSERT_TRUE(ParseCsv("a,b\r\n1,\"2\"\r\n3,4", result));
  EXPECT_EQ(result.columns, (std::vector<std::string>{"a", "b"}));
  ASSERT_EQ(result.rows.size(), 2u);
  EXPECT_EQ(result.rows[0][1], "2");
  EXPECT_EQ(result.rows[1][1], "4");
}

TEST(ParseCsv, RefusesRowsThatDoNotFit) {
  for (const char* text : {"a,b\n1\n", "a\n1,2\n", "a\n\"open\n", "a\n\"x\"y\n"}) {
    SqlResult result;
    const Status status = ParseCsv(text, result);
    ASSERT_FALSE(status) << text;
    EXPECT_EQ(status.error().code(), "ODPS_RESULT");
  }
}

TEST(ParseUploadSession, ReadsStateSchemaAndBlocks) {
  Result<UploadSession> session = ParseUploadSession(
      Ok(R"({"UploadID":"U1","Status":"Normal","Schema":{"columns":[{"name":"a","type":"bigint",)"
         R"("nullable":"false","column_id":""}],"partitionKeys":[]},)"
         R"("UploadedBlockList":[{"BlockID":3},{"BlockID":0,"Version":1}]})"));
  ASSERT_TRUE(session) << session.error().ToString();
  EXPECT_EQ(session->id, "U1");
  EXPECT_EQ(session->state, SessionState::kNormal);
  EXPECT_EQ(session->blocks, (std::vector<int64_t>{0, 3}));
  ASSERT_EQ(session->schema.columns.size(), 1u);
  EXPECT_FALSE(session->schema.columns[0].nullable);
}

TEST(ParseUploadSession, ASessionIsUsableForTheRestOfADayByTheServicesClock) {
  HttpResponse answer = Ok(R"({"UploadID":"U1","Initiated":"Sun, 22 Nov 2026 00:00:00 GMT"})");
  const auto now = std::chrono::system_clock::now();
  const auto left = [&] {
    return std::chrono::round<std::chrono::hours>(ParseUploadSession(answer)->usable_until - now);
  };
  EXPECT_EQ(left().count(), 23) << "the answer has no Date";
  answer.headers["date"] = "Sun, 22 Nov 2026 20:00:00 GMT";
  EXPECT_EQ(left().count(), 3);
  answer.headers["date"] = "Mon, 23 Nov 2026 01:00:00 GMT";
  EXPECT_EQ(left().count(), -2);
}

TEST(ParseUploadSession, KnowsEveryStateInAnyCase) {
  const std::pair<const char*, SessionState> kCases[] = {
      {"NORMAL", SessionState::kNormal},      {"closing", SessionState::kClosing},
      {"Committing", SessionState::kClosing}, {"CLOSED", SessionState::kClosed},
      {"expired", SessionState::kExpired},    {"canceled", SessionState::kExpired},
      {"critical", SessionState::kCritical},  {"new one", SessionState::kUnknown},
  };
  for (const auto& [text, state] : kCases) {
    Result<UploadSession> session =
        ParseUploadSession(Ok("{\"UploadID\":\"U\",\"Status\":\"" + std::string(text) + "\"}"));
    ASSERT_TRUE(session) << text;
    EXPECT_EQ(session->state, state) << text;
  }
}

TEST(ParseUploadSession, RefusesWhatIsNoSession) {
  for (const char* body :
       {"", "[]", "{}", R"({"UploadID":7})", R"({"UploadID":"U","UploadedBlockList":{}})",
        R"({"UploadID":"U","UploadedBlockList":[{"BlockID":"0"}]})"}) {
    EXPECT_FALSE(ParseUploadSession(Ok(body))) << body;
  }
}

TEST(ParseDownloadSession, NeedsItsNumberOfRowsOnceReady) {
  Result<DownloadAnswer> ready =
      ParseDownloadSession(Ok(R"({"DownloadID":"D","Status":"NORMAL","RecordCount":5})"));
  ASSERT_TRUE(ready);
  EXPECT_EQ(ready->session.rows, 5);
  EXPECT_EQ(ready->status, "normal");
  EXPECT_TRUE(ParseDownloadSession(Ok(R"({"DownloadID":"D","Status":"initiating"})")));
  EXPECT_FALSE(ParseDownloadSession(Ok(R"({"DownloadID":"D","Status":"normal"})")));
  EXPECT_FALSE(ParseDownloadSession(Ok(R"({"Status":"normal","RecordCount":5})")));
}

}  // namespace
}  // namespace mms::maxcompute
