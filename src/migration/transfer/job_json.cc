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
          {"region", credentials.region},
          {"bearer_token", credentials.bearer_token.Reveal()},
          {"key_command", credentials.key_command},
          {"key_file", credentials.key_file}};
}

Result<maxcompute::Codec> CodecFromJson(const json& document) {
  const auto codec = maxcompute::ParseCodec(document.get<std::string>());
  if (codec) return *codec;
  return Error(ErrorKind::kCorrupt, "JOB_INVALID", "there is no codec " + document.dump());
}

json ToJson(const std::vector<SendSpeed>& speeds) {
  json list = json::array();
  for (const SendSpeed& speed : speeds) {
    list.push_back({{"codec", maxcompute::CodecName(speed.codec)},
                    {"bytes_per_second", speed.bytes_per_second},
                    {"refusal", speed.refusal}});
  }
  return list;
}

Result<std::vector<SendSpeed>> SendSpeedsFromJson(const json& document) {
  std::vector<SendSpeed> speeds;
  for (const json& item : document) {
    TRY(const maxcompute::Codec codec, CodecFromJson(item.at("codec")));
    speeds.push_back({codec, item.at("bytes_per_second"), item.at("refusal")});
  }
  return speeds;
}

Secret SecretAt(const json& document, const char* name) {
  return Secret(document.at(name).get<std::string>());
}

void CredentialsFromJson(const json& document, maxcompute::Credentials* to) {
  to->access_key_id = document.at("access_key_id");
  to->access_key_secret = SecretAt(document, "access_key_secret");
  to->security_token = SecretAt(document, "security_token");
  to->region = document.at("region");
  to->bearer_token = SecretAt(document, "bearer_token");
  to->key_command = document.at("key_command");
  to->key_file = document.at("key_file");
}

json ToJson(const Bandwidth& bandwidth) {
  json spans = json::array();
  for (const Bandwidth::Span& span : bandwidth.spans) {
    spans.push_back({span.from_minute, span.until_minute, span.bytes_per_second});
  }
  return {{"bytes_per_second", bandwidth.bytes_per_second}, {"spans", std::move(spans)}};
}

json ToJson(const HttpClient::Options& http) {
  return {{"proxy", http.proxy},
          {"proxy_user", http.proxy_user},
          {"proxy_password", http.proxy_password.Reveal()},
          {"ca_file", http.ca_file},
          {"addresses", http.addresses},
          {"bandwidth", ToJson(http.bandwidth)}};
}

/// [[values, checksum], ...]
json ToJson(const PartitionChecksums& partitions) {
  json all = json::array();
  for (const auto& [values, checksum] : partitions) {
    all.push_back({values, ToJson(checksum)});
  }
  return all;
}

Status PartitionsFromJson(const json& document, PartitionChecksums* to) {
  for (const json& one : document) {
    TRY((*to)[one.at(0).get<std::vector<std::string>>()], ChecksumFromJson(one.at(1)));
  }
  return OkStatus();
}

void HttpFromJson(const json& document, HttpClient::Options* to) {
  to->proxy = document.at("proxy");
  to->proxy_user = document.at("proxy_user");
  to->proxy_password = SecretAt(document, "proxy_password");
  to->ca_file = document.at("ca_file");
  to->addresses = document.at("addresses");
  const json& bandwidth = document.at("bandwidth");
  to->bandwidth.bytes_per_second = bandwidth.at("bytes_per_second");
  for (const json& span : bandwidth.at("spans")) {
    to->bandwidth.spans.push_back({span.at(0), span.at(1), span.at(2)});
  }
}

json ToJson(const databricks::SignIn& sign_in) {
  return {{"token", sign_in.token.Reveal()},
          {"token_file", sign_in.token_file},
          {"client_id", sign_in.client_id},
          {"client_secret", sign_in.client_secret.Reveal()}};
}

void SignInFromJson(const json& document, databricks::SignIn* to) {
  to->token = SecretAt(document, "token");
  to->token_file = document.at("token_file");
  to->client_id = document.at("client_id");
  to->client_secret = SecretAt(document, "client_secret");
}

json ToJson(const StorageAccessOptions& source) {
  const azure::StorageOptions& storage = source.storage;
  return {{"account", storage.account},
          {"auth", static_cast<int>(storage.auth)},
          {"sas", storage.sas.Reveal()},
          {"sas_file", storage.sas_file},
          {"tenant_id", storage.principal.tenant_id},
          {"client_id", storage.principal.client_id},
          {"client_secret", storage.principal.client_secret.Reveal()},
          {"authority", storage.principal.authority},
          {"endpoint", storage.endpoint},
          {"workspace", source.workspace},
          {"sign_in", ToJson(source.sign_in)}};
}

void SourceFromJson(const json& document, StorageAccessOptions* to) {
  azure::StorageOptions& storage = to->storage;
  storage.account = document.at("account");
  storage.auth = static_cast<azure::StorageAuth>(document.at("auth").get<int>());
  storage.sas = SecretAt(document, "sas");
  storage.sas_file = document.at("sas_file");
  storage.principal.tenant_id = document.at("tenant_id");
  storage.principal.client_id = document.at("client_id");
  storage.principal.client_secret = SecretAt(document, "client_secret");
  storage.principal.authority = document.at("authority");
  storage.endpoint = document.at("endpoint");
  to->workspace = document.at("workspace");
  SignInFromJson(document.at("sign_in"), &to->sign_in);
}

json ToJson(const SqlAccessOptions& sql) {
  return {{"jdbc_url", sql.jdbc_url.Reveal()},
          {"workspace", sql.workspace},
          {"cluster", sql.cluster},
          {"warehouse", sql.warehouse},
          {"sign_in", ToJson(sql.sign_in)}};
}

void SqlFromJson(const json& document, SqlAccessOptions* to) {
  to->jdbc_url = SecretAt(document, "jdbc_url");
  to->workspace = document.at("workspace");
  to->cluster = document.at("cluster");
  to->warehouse = document.at("warehouse");
  SignInFromJson(document.at("sign_in"), &to->sign_in);
}

}  // namespace

json ToJson(const Hello& hello) {
  const auto& target = hello.target;
  return {{"source", ToJson(hello.source)},
          {"sql", ToJson(hello.sql)},
          {"source_http", ToJson(hello.source_http)},
          {"target",
           {{"endpoint", target.endpoint},
            {"tunnel_endpoint", target.tunnel_endpoint},
            {"project", target.project},
            {"job_project", target.job_project},
            {"schema", target.schema},
            {"quota_name", target.quota_name},
            {"credentials", ToJson(target.credentials)}}},
          {"target_http", ToJson(hello.target_http)},
          {"threads", hello.threads},
          {"batch_bytes", hello.batch_bytes},
          {"checksum", hello.checksum}};
}

Result<Hello> HelloFromJson(const json& document) {
  return FromJson<Hello>(document, "hello", [](const json& from, Hello* to) -> Status {
    SourceFromJson(from.at("source"), &to->source);
    SqlFromJson(from.at("sql"), &to->sql);
    HttpFromJson(from.at("source_http"), &to->source_http);
    const json& target = from.at("target");
    to->target.endpoint = target.at("endpoint");
    to->target.tunnel_endpoint = target.at("tunnel_endpoint");
    to->target.project = target.at("project");
    to->target.job_project = target.at("job_project");
    to->target.schema = target.at("schema");
    to->target.quota_name = target.at("quota_name");
    CredentialsFromJson(target.at("credentials"), &to->target.credentials);
    HttpFromJson(from.at("target_http"), &to->target_http);
    to->threads = from.at("threads");
    to->batch_bytes = from.at("batch_bytes");
    to->checksum = from.at("checksum");
    return OkStatus();
  });
}

json ToJson(const CopyJob& job) {
  return {{"job", job.job},
          {"table", job.table_key},
          {"target", job.target_table},
          {"partition", ToJson(job.partition)},
          {"session", job.session_id},
          {"split", ToJson(job.split)},
          {"codec", maxcompute::CodecName(job.codec)},
          {"usable_until_ms", job.usable_until_ms ? json(*job.usable_until_ms) : json()}};
}

Result<CopyJob> CopyJobFromJson(const json& document) {
  return FromJson<CopyJob>(document, "copy", [](const json& from, CopyJob* to) -> Status {
    to->job = from.at("job");
    to->table_key = from.at("table");
    to->target_table = from.at("target");
    to->session_id = from.at("session");
    TRY(to->partition, PartitionFromJson(from.at("partition")));
    TRY(to->split, SplitFromJson(from.at("split")));
    TRY(to->codec, CodecFromJson(from.at("codec")));
    const json& until = from.at("usable_until_ms");
    if (!until.is_null()) to->usable_until_ms = until.get<int64_t>();
    return OkStatus();
  });
}

json ToJson(const ReadBackJob& job) {
  return {{"job", job.job},
          {"table", job.table_key},
          {"partition", ToJson(job.partition)},
          {"instance", job.instance_id},
          {"session", job.session_id},
          {"start", job.start},
          {"count", job.count},
          {"record_form", job.record_form},
          {"row_columns", job.row_columns},
          {"codec", maxcompute::CodecName(job.codec)}};
}

Result<ReadBackJob> ReadBackJobFromJson(const json& document) {
  return FromJson<ReadBackJob>(document, "read_back",
                               [](const json& from, ReadBackJob* to) -> Status {
                                 to->job = from.at("job");
                                 to->table_key = from.at("table");
                                 to->instance_id = from.at("instance");
                                 to->session_id = from.at("session");
                                 to->start = from.at("start");
                                 to->count = from.at("count");
                                 to->record_form = from.at("record_form");
                                 to->row_columns = from.at("row_columns");
                                 TRY(to->codec, CodecFromJson(from.at("codec")));
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
          {"wire_bytes", result.wire_bytes},
          {"checksum", ToJson(result.checksum)},
          {"partitions", ToJson(result.partitions)},
          {"changes", ToText(result.changes)},
          {"send_speeds", ToJson(result.send_speeds)}};
}

Result<JobResult> JobResultFromJson(const json& document) {
  return FromJson<JobResult>(document, "done", [](const json& from, JobResult* to) -> Status {
    to->job = from.at("job");
    to->rows = from.at("rows");
    to->rows_deleted = from.at("rows_deleted");
    to->source_bytes = from.at("source_bytes");
    to->arrow_bytes = from.at("arrow_bytes");
    to->wire_bytes = from.at("wire_bytes");
    TRY(to->checksum, ChecksumFromJson(from.at("checksum")));
    TRY_VOID(PartitionsFromJson(from.at("partitions"), &to->partitions));
    TRY(to->changes, ValueChangesFromText(from.at("changes").get<std::string>()));
    TRY(to->send_speeds, SendSpeedsFromJson(from.at("send_speeds")));
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
