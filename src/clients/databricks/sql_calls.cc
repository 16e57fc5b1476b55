#include "clients/databricks/sql_calls.h"

#include <TCLIService.h>
#include <fmt/format.h>
#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/transport/TBufferTransports.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <memory>
#include <utility>

namespace mms::databricks {
namespace {

using apache::thrift::TConfiguration;
using apache::thrift::protocol::TBinaryProtocol;
using apache::thrift::transport::TMemoryBuffer;
using tcli::TCLIServiceClient;

constexpr long kFarewellMs = 3000;

/// How generated code writes a request and reads its reply.
template <class Request, class Reply>
struct Method {
  void (TCLIServiceClient::*send)(const Request&);
  void (TCLIServiceClient::*receive)(Reply&);
};

/// libthrift's own limits lie below what a reply with rows may hold.
std::shared_ptr<TConfiguration> Limits(int bytes) {
  return std::make_shared<TConfiguration>(bytes, bytes);
}

/// A client whose messages lie in memory: libthrift neither connects nor waits.
struct Wire {
  std::shared_ptr<TMemoryBuffer> out;
  TCLIServiceClient client;

  explicit Wire(std::shared_ptr<TBinaryProtocol> received)
      : out(std::make_shared<TMemoryBuffer>(Limits(std::numeric_limits<int>::max()))),
        client(std::move(received), std::make_shared<TBinaryProtocol>(out)) {}
};

std::shared_ptr<TBinaryProtocol> NothingReceived() {
  return std::make_shared<TBinaryProtocol>(std::make_shared<TMemoryBuffer>());
}

/// `message` stays with the caller. No text or list in it may claim to be longer than the whole,
/// since memory is taken for what they claim.
std::shared_ptr<TBinaryProtocol> Received(std::string& message) {
  const int size = static_cast<int>(message.size());
  const auto buffer = std::make_shared<TMemoryBuffer>(
      reinterpret_cast<uint8_t*>(message.data()), static_cast<uint32_t>(size),
      TMemoryBuffer::OBSERVE, Limits(std::max(size, 1024)));
  return std::make_shared<TBinaryProtocol>(buffer, size, size, /*strict_read=*/true,
                                           /*strict_write=*/true);
}

Error NotTheReply(const char* method, const char* what) {
  return Error(ErrorKind::kCorrupt, "SQL_ANSWER",
               fmt::format("the SQL server's answer to {} cannot be read: {}", method, what));
}

template <class Reply>
struct Answered {
  Reply reply;
  size_t bytes = 0;
};

template <class Request, class Reply>
Result<Answered<Reply>> AskSized(ThriftCarrier& carrier, const ThriftCall& call,
                                 const Request& request, Method<Request, Reply> method) {
  std::string reply_bytes;
  try {
    Wire wire(NothingReceived());
    (wire.client.*method.send)(request);
    TRY(reply_bytes, carrier.Exchange(call, wire.out->getBufferAsString()));
  } catch (const std::exception& exception) {  // no memory
    return Error(ErrorKind::kLimitReached, "OUT_OF_MEMORY", exception.what());
  }
  try {
    Wire wire(Received(reply_bytes));
    Answered<Reply> answered{{}, reply_bytes.size()};
    (wire.client.*method.receive)(answered.reply);
    return answered;
  } catch (const std::exception& exception) {
    return NotTheReply(call.method, exception.what());
  }
}

template <class Request, class Reply>
Result<Reply> Ask(ThriftCarrier& carrier, const ThriftCall& call, const Request& request,
                  Method<Request, Reply> method) {
  TRY(Answered<Reply> answered, AskSized(carrier, call, request, method));
  return std::move(answered.reply);
}

struct Farewell {
  ThriftCarrier& carrier;
  std::atomic<bool>& silent;
  const char* method;
};

template <class Request, class Reply>
void Say(const Farewell& farewell, const Request& request, Method<Request, Reply> method) {
  if (farewell.silent) return;
  const ThriftCall call{farewell.method, Repeat::kNotTaken, kFarewellMs, /*farewell=*/true};
  const Result<Reply> reply = Ask(farewell.carrier, call, request, method);
  if (!reply && reply.error().code() == "HTTP_TIMEOUT") farewell.silent = true;
}

}  // namespace

Result<tcli::TOpenSessionResp> SqlCalls::OpenSession(const tcli::TOpenSessionReq& request,
                                                     std::stop_token stop) {
  ThriftCall call{"OpenSession", Repeat::kAlways, timeout_ms_};
  call.stop = std::move(stop);
  return Ask<tcli::TOpenSessionReq, tcli::TOpenSessionResp>(
      *carrier_, call, request,
      {&TCLIServiceClient::send_OpenSession, &TCLIServiceClient::recv_OpenSession});
}

Result<tcli::TExecuteStatementResp> SqlCalls::ExecuteStatement(
    const tcli::TExecuteStatementReq& request, std::stop_token stop, ByteCount read) {
  ThriftCall call{"ExecuteStatement", Repeat::kReplyLost, timeout_ms_};
  call.stop = std::move(stop);
  call.read = std::move(read);
  return Ask<tcli::TExecuteStatementReq, tcli::TExecuteStatementResp>(
      *carrier_, call, request,
      {&TCLIServiceClient::send_ExecuteStatement, &TCLIServiceClient::recv_ExecuteStatement});
}

Result<tcli::TGetOperationStatusResp> SqlCalls::GetOperationStatus(
    const tcli::TOperationHandle& operation, std::stop_token stop) {
  tcli::TGetOperationStatusReq request;
  request.operationHandle = operation;
  ThriftCall call{"GetOperationStatus", Repeat::kAlways, timeout_ms_};
  call.stop = std::move(stop);
  return Ask<tcli::TGetOperationStatusReq, tcli::TGetOperationStatusResp>(
      *carrier_, call, request,
      {&TCLIServiceClient::send_GetOperationStatus, &TCLIServiceClient::recv_GetOperationStatus});
}

Result<tcli::TGetResultSetMetadataResp> SqlCalls::GetResultSetMetadata(
    const tcli::TOperationHandle& operation, std::stop_token stop) {
  tcli::TGetResultSetMetadataReq request;
  request.operationHandle = operation;
  ThriftCall call{"GetResultSetMetadata", Repeat::kAlways, timeout_ms_};
  call.stop = std::move(stop);
  return Ask<tcli::TGetResultSetMetadataReq, tcli::TGetResultSetMetadataResp>(
      *carrier_, call, request,
      {&TCLIServiceClient::send_GetResultSetMetadata,
       &TCLIServiceClient::recv_GetResultSetMetadata});
}

Result<SqlCalls::Fetched> SqlCalls::FetchResults(const tcli::TFetchResultsReq& request,
                                                 std::stop_token stop, ByteCount read) {
  const bool by_offset = request.__isset.startRowOffset;
  ThriftCall call{"FetchResults", by_offset ? Repeat::kAlways : Repeat::kNotTaken, timeout_ms_};
  bool repeated = false;
  call.send_once = !by_offset;
  call.taken_twice = &repeated;
  call.stop = std::move(stop);
  call.read = std::move(read);
  using Method = Method<tcli::TFetchResultsReq, tcli::TFetchResultsResp>;
  TRY(auto answered, AskSized(*carrier_, call, request,
                              Method{&TCLIServiceClient::send_FetchResults,
                                     &TCLIServiceClient::recv_FetchResults}));
  return Fetched{std::move(answered.reply), answered.bytes, repeated};
}

void SqlCalls::CancelOperation(const tcli::TOperationHandle& operation) {
  tcli::TCancelOperationReq request;
  request.operationHandle = operation;
  Say<tcli::TCancelOperationReq, tcli::TCancelOperationResp>(
      {*carrier_, silent_, "CancelOperation"}, request,
      {&TCLIServiceClient::send_CancelOperation, &TCLIServiceClient::recv_CancelOperation});
}

void SqlCalls::CloseOperation(const tcli::TOperationHandle& operation) {
  tcli::TCloseOperationReq request;
  request.operationHandle = operation;
  Say<tcli::TCloseOperationReq, tcli::TCloseOperationResp>(
      {*carrier_, silent_, "CloseOperation"}, request,
      {&TCLIServiceClient::send_CloseOperation, &TCLIServiceClient::recv_CloseOperation});
}

void SqlCalls::CloseSession(const tcli::TSessionHandle& session) {
  tcli::TCloseSessionReq request;
  request.sessionHandle = session;
  Say<tcli::TCloseSessionReq, tcli::TCloseSessionResp>(
      {*carrier_, silent_, "CloseSession"}, request,
      {&TCLIServiceClient::send_CloseSession, &TCLIServiceClient::recv_CloseSession});
}

}  // namespace mms::databricks
