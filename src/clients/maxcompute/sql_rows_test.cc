#include "clients/maxcompute/sql_rows.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "base/loopback_server.h"
#include "clients/maxcompute/arrow_frame.h"

namespace mms::maxcompute {
namespace {

using Batch = std::shared_ptr<arrow::RecordBatch>;

class OneBatch : public BatchSource {
 public:
  explicit OneBatch(Batch batch) : batch_(std::move(batch)) {}
  Result<Batch> Next() override { return std::exchange(batch_, nullptr); }

 private:
  Batch batch_;
};

std::string Rows() {
  arrow::Int64Builder numbers;
  arrow::StringBuilder texts;
  EXPECT_TRUE(numbers.AppendValues({7, 0}, {true, false}).ok());
  EXPECT_TRUE(texts.AppendValues({"a,\"b", ""}).ok());
  OneBatch source(arrow::RecordBatch::Make(
      arrow::schema({arrow::field("n", arrow::int64()), arrow::field("s", arrow::utf8())}), 2,
      {*numbers.Finish(), *texts.Finish()}));
  ArrowFrameEncoder encoder(&source);
  std::string body(10'000, '\0');
  body.resize(*encoder.Read(body));
  return body;
}

/// One statement's life in a service with or without instance sessions.
class Service {
 public:
  explicit Service(int session_status, std::string csv)
      : server_([this](const LoopbackRequest& request) { return Serve(request); }),
        session_status_(session_status),
        csv_(std::move(csv)),
        client_(MakeOptions(server_.url()), std::make_shared<HttpClient>(HttpClient::Options{})),
        tunnel_(&client_) {}

  Result<std::string> Run(std::vector<SqlRow>& rows) {
    return RunSqlRows(tunnel_, "SELECT n, s FROM t;", [&rows](const SqlRow& row) {
      rows.push_back(row);
      return OkStatus();
    });
  }

 private:
  static Options MakeOptions(const std::string& url) {
    Options options;
    options.endpoint = options.tunnel_endpoint = options.logview_host = url;
    options.project = "p1";
    options.sql_poll_ms = 1;
    options.retry.first_wait_ms = 1;
    options.retry.attempts_max = 2;
    return options;
  }

  LoopbackAnswer Serve(const LoopbackRequest& request) {
    const auto has = [&request](const char* text) {
      return request.target.find(text) != std::string::npos;
    };
    const std::string task = "<Instance><Status>Terminated</Status><Tasks><Task><Name>n</Name>";
    if (has("downloads")) {
      if (session_status_ != 200) {
        return Answer(session_status_, R"({"Code":"InstanceTypeNotSupported","Message":"m"})");
      }
      return Answer(200, R"({"DownloadID":"D","Status":"normal","RecordCount":2,"Schema":)"
                         R"({"columns":[{"name":"n","type":"bigint"},{"name":"s",)"
                         R"("type":"string"}]}})");
    }
    if (has("downloadid=D")) return Answer(200, Rows());
    if (request.method == "POST") return Answer(201, "", "Location: http://h/instances/i1\r\n");
    if (has("?result")) {
      return Answer(200, task + "<Result Format=\"csv\"><![CDATA[" + csv_ +
                             "]]></Result><Status>Success</Status></Task></Tasks></Instance>");
    }
    return Answer(200, task + "<Status>Success</Status></Task></Tasks></Instance>");
  }

  LoopbackServer server_;
  int session_status_;
  std::string csv_;
  Client client_;
  Tunnel tunnel_;
};

const std::vector<SqlRow> kExpected = {{"7", "a,\"b"}, {std::nullopt, ""}};

TEST(RunSqlRows, ReadsThemFromASessionOfTheInstance) {
  Service service(200, "");
  std::vector<SqlRow> rows;
  const Result<std::string> id = service.Run(rows);
  ASSERT_TRUE(id) << id.error().ToString();
  EXPECT_EQ(*id, "i1");
  EXPECT_EQ(rows, kExpected);
}

TEST(RunSqlRows, FallsBackToTheDocumentWhereThereIsNoSession) {
  for (const int status : {400, 403, 500}) {
    Service service(status, "\"n\",\"s\"\n7,\"a,\"\"b\"\n\\N,\"\"\n");
    std::vector<SqlRow> rows;
    const Result<std::string> id = service.Run(rows);
    ASSERT_TRUE(id) << id.error().ToString();
    EXPECT_EQ(rows, kExpected);
  }
}

TEST(RunSqlRows, RefusesAPartOfTheRows) {
  std::string csv = "\"n\",\"s\"\n";
  for (int i = 0; i < 10'000; ++i) csv += "1,\"x\"\n";
  Service service(400, csv);
  std::vector<SqlRow> rows;
  const Result<std::string> id = service.Run(rows);
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().code(), "ODPS_RESULT_TRUNCATED");
  EXPECT_TRUE(rows.empty());
}

}  // namespace
}  // namespace mms::maxcompute
