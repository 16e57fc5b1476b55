#include <nlohmann/json.hpp>

#include "migration/transfer/job.h"

namespace mms::migration {
namespace {

using nlohmann::json;

/// Runs `read` over a document; nlohmann's exceptions become one error.
template <class Value, class Read>
Result<Value> FromJson(const json& document, const char* what, Read read) {
  try {
    Value value;
    Status status = read(document, &value);
    if (!status) return std::move(status).error();
    return value;
  } catch (const json::exception& thrown) {
    return Error(ErrorKind::kCorrupt, "JOB_INVALID", std::string(what) + ": " + thrown.what());
  }
}

json ToJson(const maxcompute::Credentials& credentials) {
  return {{"access_key_id", credentials.access_key_id},
          {"access_key_secret", credentials.access_key_secret.Reveal()},
          {"security_token", credentials.security_token.Reveal()},
          {"region", credentials.region}};
}

}  // namespace

json ToJson(const Hello& hello) {
  const auto& target = hello.target;
  return {{"storage",
           {{"account", hello.storage.account},
            {"sas", hello.storage.sas.Reveal()},
            {"endpoint", hello.storage.endpoint}}},
          {"target",
           {{"endpoint", target.endpoint},
            {"tunnel_endpoint", target.tunnel_endpoint},
            {"project", target.project},
            {"schema", target.schema},
            {"credentials", ToJson(target.credentials)}}},
          {"threads", hello.threads},
          {"batch_bytes", hello.batch_bytes},
          {"checksum", hello.checksum}};
}

Result<Hello> HelloFromJson(const json& document) {
  return FromJson<Hello>(document, "hello", [](const json& from, Hello* to) -> Status {
    const json& storage = from.at("storage");
    to->storage.account = storage.at("account");
    to->storage.sas = Secret(storage.at("sas").get<std::string>());
    to->storage.endpoint = storage.at("endpoint");
    const json& target = from.at("target");
    to->target.endpoint = target.at("endpoint");
    to->target.tunnel_endpoint = target.at("tunnel_endpoint");
    to->target.project = target.at("project");
    to->target.schema = target.at("schema");
    const json& credentials = target.at("credentials");
    to->target.credentials.access_key_id = credentials.at("access_key_id");
    to->target.credentials.access_key_secret =
        Secret(credentials.at("access_key_secret").get<std::string>());
    to->target.credentials.security_token =
        Secret(credentials.at("security_token").get<std::string>());
    to->target.credentials.region = credentials.at("region");
    to->threads = from.at("threads");
    to->batch_bytes = from.at("batch_bytes");
    to->checksum = from.at("checksum");
    return OkStatus();
  });
}

json ToJson(const CopyJob& job) {
  return {{"job", job.job},
          {"table", job.table_key},
          {"partition", ToJson(job.partition)},
          {"session", job.session_id},
          {"split", ToJson(job.split)}};
}

Result<CopyJob> CopyJobFromJson(const json& document) {
  return FromJson<CopyJob>(document, "copy", [](const json& from, CopyJob* to) -> Status {
    to->job = from.at("job");
    to->table_key = from.at("table");
    to->session_id = from.at("session");
    TRY(to->partition, PartitionFromJson(from.at("partition")));
    TRY(to->split, SplitFromJson(from.at("split")));
    return OkStatus();
  });
}

json ToJson(const ReadBackJob& job) {
  return {{"job", job.job},
          {"table", job.table_key},
          {"partition", ToJson(job.partition)},
          {"session", job.session_id},
          {"start", job.start},
          {"count", job.count}};
}

Result<ReadBackJob> ReadBackJobFromJson(const json& document) {
  return FromJson<ReadBackJob>(document, "read_back",
                               [](const json& from, ReadBackJob* to) -> Status {
                                 to->job = from.at("job");
                                 to->table_key = from.at("table");
                                 to->session_id = from.at("session");
                                 to->start = from.at("start");
                                 to->count = from.at("count");
                                 TRY(to->partition, PartitionFromJson(from.at("partition")));
                                 return OkStatus();
                               });
}

json ToJson(const JobResult& result) {
  return {{"job", result.job},
          {"rows", result.rows},
          {"rows_deleted", result.rows_deleted},
          {"source_bytes", result.source_bytes},
          {"arrow_bytes", result.arrow_bytes},
          {"checksum", ToJson(result.checksum)}};
}

Result<JobResult> JobResultFromJson(const json& document) {
  return FromJson<JobResult>(document, "done", [](const json& from, JobResult* to) -> Status {
    to->job = from.at("job");
    to->rows = from.at("rows");
    to->rows_deleted = from.at("rows_deleted");
    to->source_bytes = from.at("source_bytes");
    to->arrow_bytes = from.at("arrow_bytes");
    TRY(to->checksum, ChecksumFromJson(from.at("checksum")));
    return OkStatus();
  });
}

json ToJson(const Error& error) {
  return {{"kind", static_cast<int>(error.kind())},
          {"kind_name", KindName(error.kind())},
          {"code", error.code()},
          {"message", error.message()},
          {"where", error.where()},
          {"retry_after_ms", error.retry_after_ms()}};
}

Error ErrorFromJson(const json& document) {
  if (!document.is_object()) return Error(ErrorKind::kInternal, "ERROR_INVALID", document.dump());
  const int kind = document.value("kind", static_cast<int>(ErrorKind::kInternal));
  const bool known = kind >= 0 && kind <= static_cast<int>(ErrorKind::kInternal);
  Error error(known ? static_cast<ErrorKind>(kind) : ErrorKind::kInternal,
              document.value("code", std::string("ERROR_INVALID")),
              document.value("message", std::string()));
  const std::string where = document.value("where", std::string());
  if (!where.empty()) error = std::move(error).At(where);
  return std::move(error).RetryAfter(document.value("retry_after_ms", 0L));
}

}  // namespace mms::migration
