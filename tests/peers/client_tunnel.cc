// Our MaxCompute client as a program, for tests that let others judge what it sends and receives:
//
//   client_tunnel put ENDPOINT PROJECT KEY_ID TABLE FORM CODEC FILE    overwrites TABLE
//   client_tunnel get ENDPOINT PROJECT KEY_ID TABLE FORM CODEC FILE
//   client_tunnel result ENDPOINT PROJECT KEY_ID INSTANCE FORM CODEC FILE
//   client_tunnel rights ENDPOINT PROJECT KEY_ID                       "name|state|grant" a line
//
// FILE is an Arrow IPC file; each of its batches becomes a block. FORM is arrow or record. The
// secret stands in CLIENT_SECRET. Errors go to stderr, exit code 1.
#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/ipc/api.h>
#include <fmt/format.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "clients/maxcompute/client.h"
#include "clients/maxcompute/probe.h"
#include "clients/maxcompute/rights.h"
#include "clients/maxcompute/tunnel.h"

namespace mms::maxcompute {
namespace {

Error FromArrow(const arrow::Status& status) {
  return Error(ErrorKind::kInternal, "ARROW", status.ToString());
}

class OneBatch : public BatchSource {
 public:
  explicit OneBatch(std::shared_ptr<arrow::RecordBatch> batch) : batch_(std::move(batch)) {}
  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    return std::exchange(batch_, nullptr);
  }

 private:
  std::shared_ptr<arrow::RecordBatch> batch_;
};

struct Coding {
  BlockForm form;
  Codec codec;
};

Status Put(Tunnel& tunnel, const Tunnel::Target& target, Coding coding, const std::string& file) {
  TRY(const CodecProbe probe, ProbeCodec(tunnel, target, coding.codec));
  if (probe.codec != coding.codec) return Error(ErrorKind::kUnsupported, "PROBE", probe.reason);
  const auto input = arrow::io::ReadableFile::Open(file);
  if (!input.ok()) return FromArrow(input.status());
  const auto reader = arrow::ipc::RecordBatchFileReader::Open(*input);
  if (!reader.ok()) return FromArrow(reader.status());
  TRY(const UploadSession session, tunnel.CreateUpload(target, {}));
  std::vector<int64_t> blocks;
  for (int i = 0; i < (*reader)->num_record_batches(); ++i) {
    const auto batch = (*reader)->ReadRecordBatch(i);
    if (!batch.ok()) return FromArrow(batch.status());
    OneBatch source(*batch);
    TRY_VOID(tunnel.PutBlock(target, session.id, {i, coding.form, coding.codec}, source));
    blocks.push_back(i);
  }
  return tunnel.Commit(target, session.id, std::move(blocks));
}

/// Writes what `read` visits.
Status WriteFile(const DownloadSession& session, BlockForm form, const std::string& file,
                 const std::function<Status(const BlockDecoder::Visit&)>& read) {
  const auto output = arrow::io::FileOutputStream::Open(file);
  if (!output.ok()) return FromArrow(output.status());
  const auto writer = arrow::ipc::MakeFileWriter(*output, ToArrow(session.schema.columns, form));
  if (!writer.ok()) return FromArrow(writer.status());
  TRY_VOID(read([&writer](std::shared_ptr<arrow::RecordBatch> batch) {
    const arrow::Status status = (*writer)->WriteRecordBatch(*batch);
    return status.ok() ? OkStatus() : Status(FromArrow(status));
  }));
  const arrow::Status closed = (*writer)->Close();
  return closed.ok() ? OkStatus() : Status(FromArrow(closed));
}

Status Get(Tunnel& tunnel, const Tunnel::Target& target, Coding coding, const std::string& file) {
  TRY(const DownloadSession session, tunnel.CreateDownload(target));
  return WriteFile(session, coding.form, file, [&](const BlockDecoder::Visit& visit) {
    return tunnel.Read(target, session, {0, session.rows, coding.form, coding.codec}, visit);
  });
}

Status GetResult(Tunnel& tunnel, const std::string& id, Coding coding, const std::string& file) {
  TRY(const DownloadSession session, tunnel.CreateInstanceDownload(id));
  return WriteFile(session, coding.form, file, [&](const BlockDecoder::Visit& visit) {
    return tunnel.ReadInstance(id, session, {0, session.rows, coding.form, coding.codec}, visit);
  });
}

void PrintRights(Tunnel& tunnel) {
  constexpr const char* kStates[] = {"granted", "missing", "unknown"};
  for (const Right& right : CheckRights(tunnel, {.may_create_table = true})) {
    fmt::print("{}|{}|{}\n", right.name, kStates[static_cast<size_t>(right.state)], right.grant);
  }
}

Status Run(const std::vector<std::string>& arguments, const char* secret) {
  Options options;
  options.endpoint = arguments[2];
  options.project = arguments[3];
  options.credentials.access_key_id = arguments[4];
  options.credentials.access_key_secret = Secret(secret);
  const auto codec = ParseCodec(arguments.size() > 7 ? arguments[7] : "raw");
  if (!codec) return Error(ErrorKind::kInvalidInput, "CODEC", "no such codec");
  Client client(options, std::make_shared<HttpClient>(HttpClient::Options{}));
  Tunnel tunnel(&client);
  if (arguments[1] == "rights") {
    PrintRights(tunnel);
    return OkStatus();
  }
  const Coding coding{arguments[6] == "record" ? BlockForm::kRecord : BlockForm::kArrow, *codec};
  const Tunnel::Target target{arguments[5], {}};
  if (arguments[1] == "put") return Put(tunnel, target, coding, arguments[8]);
  if (arguments[1] == "result") return GetResult(tunnel, arguments[5], coding, arguments[8]);
  return Get(tunnel, target, coding, arguments[8]);
}

}  // namespace
}  // namespace mms::maxcompute

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv, argv + argc);
  const char* secret = std::getenv("CLIENT_SECRET");
  const bool rights = argc == 5 && arguments[1] == "rights";
  if ((argc != 9 && !rights) || secret == nullptr) {
    fmt::print(stderr,
               "usage: client_tunnel put|get ENDPOINT PROJECT KEY_ID TABLE FORM CODEC FILE\n"
               "       client_tunnel result ENDPOINT PROJECT KEY_ID INSTANCE FORM CODEC FILE\n"
               "       client_tunnel rights ENDPOINT PROJECT KEY_ID\n");
    return 2;
  }
  const mms::Status status = mms::maxcompute::Run(arguments, secret);
  if (status) return 0;
  fmt::print(stderr, "{}\n", status.error().ToString());
  return 1;
}
