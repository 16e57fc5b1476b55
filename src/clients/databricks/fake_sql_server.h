// A SQL server for tests of our client: it speaks the protocol through generated code over real
// sockets, and answers what the test tells it to, well or badly. Every call is logged. Without a
// word from the test, a statement has run at once and gives one BIGINT column "id" without rows.
//
// Threads: the functions run on the server's threads, one call at a time.
#pragma once

#include <TCLIService.h>
#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/transport/TBufferTransports.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/loopback_server.h"
#include "clients/databricks/test_rows.h"

namespace mms::databricks {

class FakeSqlServer : private tcli::TCLIServiceIf {
 public:
  FakeSqlServer() : server_([this](const LoopbackRequest& request) { return Handle(request); }) {}

  std::string origin() const { return server_.url(); }
  std::string url() const { return origin() + "/sql/1.0/warehouses/1"; }

  /// Names of the methods in the order they came; one that on_http answered has a '!' behind it.
  std::vector<std::string> log() {
    std::lock_guard lock(mutex_);
    return log_;
  }
  int64_t count(const std::string& method) {
    std::lock_guard lock(mutex_);
    return std::count(log_.begin(), log_.end(), method);
  }

  // Called with the reply as it would go out.
  std::function<void(const tcli::TOpenSessionReq&, tcli::TOpenSessionResp&)> on_open;
  std::function<void(const tcli::TExecuteStatementReq&, tcli::TExecuteStatementResp&)> on_execute;
  std::function<void(tcli::TGetOperationStatusResp&)> on_status;
  std::function<void(tcli::TGetResultSetMetadataResp&)> on_metadata;
  std::function<void(const tcli::TFetchResultsReq&, tcli::TFetchResultsResp&)> on_fetch;
  /// Answers in place of the protocol. Gets the method's name and how often it was called before.
  std::function<std::optional<LoopbackAnswer>(const std::string& method, int64_t before)> on_http;
  /// Answers what is no SQL call: the files behind links.
  std::function<LoopbackAnswer(const LoopbackRequest&)> on_get;
  /// Sees every SQL call's headers.
  std::function<void(const LoopbackRequest&)> on_headers;
  int protocol = 0xA507;

 private:
  /// The method's name out of a strict binary message: version, length, name.
  static std::string MethodOf(const std::string& message) {
    const auto length = static_cast<unsigned char>(message.at(7));
    return message.substr(8, length);
  }

  LoopbackAnswer Handle(const LoopbackRequest& request) {
    if (request.method == "GET") return on_get(request);
    const std::string method = MethodOf(request.body);
    std::lock_guard lock(mutex_);
    const auto before = std::count_if(log_.begin(), log_.end(), [&](const std::string& logged) {
      return logged == method || logged == method + "!";
    });
    if (on_headers) on_headers(request);
    if (on_http) {
      if (auto answer = on_http(method, before)) {
        log_.push_back(method + "!");
        return *answer;
      }
    }
    log_.push_back(method);
    return Answer(200, Reply(request.body), "Content-Type: application/x-thrift\r\n");
  }

  std::string Reply(const std::string& message) {
    using apache::thrift::protocol::TBinaryProtocol;
    using apache::thrift::transport::TMemoryBuffer;
    std::string bytes = message;
    const auto in = std::make_shared<TMemoryBuffer>(reinterpret_cast<uint8_t*>(bytes.data()),
                                                    static_cast<uint32_t>(bytes.size()));
    const auto out = std::make_shared<TMemoryBuffer>();
    // Not owned: the processor lives shorter than we do.
    const std::shared_ptr<tcli::TCLIServiceIf> self(static_cast<tcli::TCLIServiceIf*>(this),
                                                    [](tcli::TCLIServiceIf*) {});
    tcli::TCLIServiceProcessor processor(self);
    processor.process(std::make_shared<TBinaryProtocol>(in), std::make_shared<TBinaryProtocol>(out),
                      nullptr);
    return out->getBufferAsString();
  }

  tcli::THandleIdentifier NewHandle() {
    tcli::THandleIdentifier handle;
    handle.guid = std::string(15, 'g') + static_cast<char>('a' + handles_++ % 26);
    handle.secret = std::string(16, 's');
    return handle;
  }

  void OpenSession(tcli::TOpenSessionResp& reply, const tcli::TOpenSessionReq& request) override {
    reply.serverProtocolVersion = protocol;
    tcli::TSessionHandle handle;
    handle.sessionId = NewHandle();
    reply.__set_sessionHandle(handle);
    if (on_open) on_open(request, reply);
  }
  void CloseSession(tcli::TCloseSessionResp&, const tcli::TCloseSessionReq&) override {}
  void ExecuteStatement(tcli::TExecuteStatementResp& reply,
                        const tcli::TExecuteStatementReq& request) override {
    tcli::TOperationHandle handle;
    handle.operationId = NewHandle();
    reply.__set_operationHandle(handle);
    if (on_execute) on_execute(request, reply);
  }
  void GetOperationStatus(tcli::TGetOperationStatusResp& reply,
                          const tcli::TGetOperationStatusReq&) override {
    reply.__set_operationState(tcli::TOperationState::FINISHED);
    if (on_status) on_status(reply);
  }
  void CancelOperation(tcli::TCancelOperationResp&, const tcli::TCancelOperationReq&) override {}
  void CloseOperation(tcli::TCloseOperationResp&, const tcli::TCloseOperationReq&) override {}
  void GetResultSetMetadata(tcli::TGetResultSetMetadataResp& reply,
                            const tcli::TGetResultSetMetadataReq&) override {
    tcli::TTableSchema schema;
    schema.columns.push_back(Described("id", tcli::TTypeId::BIGINT));
    reply.__set_schema(schema);
    if (on_metadata) on_metadata(reply);
  }
  void FetchResults(tcli::TFetchResultsResp& reply,
                    const tcli::TFetchResultsReq& request) override {
    reply.__set_hasMoreRows(false);
    reply.__set_results(tcli::TRowSet());
    reply.results.startRowOffset = request.startRowOffset;
    if (on_fetch) on_fetch(request, reply);
  }

  std::mutex mutex_;
  std::vector<std::string> log_;  // guarded by mutex_
  int handles_ = 0;               // guarded by mutex_
  LoopbackServer server_;         // last: its threads use the rest
};

}  // namespace mms::databricks
