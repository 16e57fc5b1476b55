#include "sandbox/server.h"

#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "sandbox/documents.h"
#include "sandbox/xml.h"

namespace mms::sandbox {
namespace {

/// A 2 MB statement in XML, every character escaped.
constexpr size_t kControlBodyBytesMax = 16 << 20;
constexpr size_t kPageItems = 1'000;

Error NotFound(const Call& call) {
  return Error(ErrorKind::kNotFound, "NoSuchObject", "nothing is at " + call.path);
}

Error NotAllowed(const Call& call) {
  return Error(ErrorKind::kInvalidInput, "MethodNotAllowed",
               call.http->method + " is not possible at " + call.path);
}

bool IsTunnel(const Call& call) {
  return call.Has("uploads") || call.Has("uploadid") || call.Has("downloads") ||
         call.Has("downloadid");
}

size_t PageSize(const Call& call) {
  std::string text = call.Parameter("maxitems");
  size_t items = kPageItems;
  auto parsed = std::from_chars(text.data(), text.data() + text.size(), items);
  bool good = parsed.ec == std::errc() && items > 0;
  return good ? std::min(items, kPageItems) : kPageItems;
}

Answer PlainText(std::string text) {
  return {200, {{"Content-Type", "text/plain"}}, std::move(text)};
}

}  // namespace

void Server::Handle(ServerRequest& request, HttpResponder& responder) {
  std::string request_id = UpperName(RandomHex(12));
  auto call = ParseCall(&request);
  if (call) call->request_id = request_id;
  Result<Answer> answer = [&]() -> Result<Answer> {
    if (!call) return call.error();
    TRY_VOID(CheckSignature(*call, credentials_, NowSeconds()));
    return Route(*call, &responder);
  }();
  if (!answer) {
    const Error& error = answer.error();
    if (error.kind() == ErrorKind::kInternal || StatusOf(error) >= 500) {
      std::fprintf(stderr, "%s %s: %s [%s]\n", request.method.c_str(),
                   call ? call->path.c_str() : "?", ScrubSecrets(error.ToString()).c_str(),
                   request_id.c_str());
    }
    if (responder.started()) return responder.Abort();  // the client must see a cut body
    bool tunnel = call && IsTunnel(*call);
    answer = tunnel ? TunnelError(error) : RestError(error, request_id);
  }
  if (responder.started()) return;
  answer->headers.emplace_back("x-odps-request-id", request_id);
  (void)responder.Send(answer->status, answer->headers, answer->body);  // a gone client is no error
}

Result<Answer> Server::Route(const Call& call, HttpResponder* responder) {
  const auto& segments = call.segments;
  if (segments.empty()) return NotFound(call);
  if (segments[0] == "tenants" && segments.size() == 1) {
    nlohmann::json tenant{{"TenantId", "mms-sandbox"},
                          {"Name", "mms-sandbox"},
                          {"TenantMeta", "{}"},
                          {"Parameters", {{"odps.namespace.schema", "false"}}}};
    return Answer{200, {{"Content-Type", "application/json"}}, tenant.dump()};
  }
  if (call.path == "/logview/host") {
    const std::string* host = call.http->FindHeader("host");
    return PlainText("http://" + (host ? *host : std::string("localhost")));
  }
  if (segments[0] == "projects" && segments.size() >= 2) return RouteProject(call, responder);
  return NotFound(call);
}

Result<Answer> Server::RouteProject(const Call& call, HttpResponder* responder) {
  Resource at;
  at.project = LowerName(call.segments[1]);
  TRY_VOID(catalog_->CheckProject(at.project));
  at.rest.assign(call.segments.begin() + 2, call.segments.end());
  if (!call.Parameter("curr_schema").empty()) at.schema = LowerName(call.Parameter("curr_schema"));
  if (at.rest.size() >= 3 && at.rest[0] == "schemas") {
    at.schema = LowerName(at.rest[1]);
    at.rest.erase(at.rest.begin(), at.rest.begin() + 2);
  }
  if (at.rest.empty()) return ProjectDocument(at.project);
  if (IsTunnel(call)) return Tunnel(call, at, responder);
  const std::string& kind = at.rest[0];
  if (kind == "tunnel") {
    // The client's own view of our address: it works behind any port mapping.
    const std::string* host = call.http->FindHeader("host");
    if (host == nullptr) return NotFound(call);
    return PlainText(*host);
  }
  if (kind == "logs") {
    TRY(std::string ignored, ReadAll(call.http->body, kControlBodyBytesMax));
    return PlainText("");
  }
  if (kind == "authorization") return Authorization(call);
  if (kind == "schemas") return Schemas(call, at);
  if (kind == "tables") return Tables(call, at);
  if (kind == "instances") {
    return at.rest.size() == 1 ? SubmitInstance(call, at) : InstanceRequest(call, at);
  }
  return NotFound(call);
}

Result<Answer> Server::Tunnel(const Call& call, const Resource& at, HttpResponder* responder) {
  if (at.rest.size() != 2) return NotFound(call);
  bool reads = call.Has("downloadid");
  if (reads && call.Has("data")) {
    TRY_VOID(download_.Stream(call, responder));
    return Answer{};
  }
  if (reads) return download_.Get(call);
  if (at.rest[0] == "instances") {
    TRY(InstanceView instance, instances_.Find(at.project, at.rest[1], false));
    return download_.CreateForInstance(call, instance);
  }
  if (at.rest[0] != "tables") return NotFound(call);
  TableName name{at.project, at.schema, LowerName(at.rest[1])};
  if (call.Has("downloads")) return download_.CreateForTable(call, name);
  return upload_.Handle(call, name);
}

Result<Answer> Server::Schemas(const Call& call, const Resource& at) {
  TRY(auto schemas, catalog_->Schemas(at.project));
  if (at.rest.size() == 1 && call.IsMethod("GET")) return SchemaListDocument(schemas);
  if (at.rest.size() == 1 && call.IsMethod("POST")) {
    TRY(std::string body, ReadAll(call.http->body, kControlBodyBytesMax));
    TRY(std::string name, ParseRootChild(body, "Name"));
    name = LowerName(name);
    TRY_VOID(CheckTableName(name));
    TRY(bool made, catalog_->CreateSchema(at.project, name));
    if (made) return Answer{201, {}, ""};
    return Error(ErrorKind::kConflict, "ObjectAlreadyExists", "schema " + name + " already exists");
  }
  std::string name = LowerName(at.rest.back());
  bool there = std::find(schemas.begin(), schemas.end(), name) != schemas.end();
  if (!there) {
    return Error(ErrorKind::kNotFound, "NoSuchObject", "schema " + name + " does not exist");
  }
  if (call.IsMethod("GET")) return SchemaDocument(at.project, name);
  if (!call.IsMethod("DELETE") || name == "default") return NotAllowed(call);
  TRY(bool dropped, catalog_->DropSchema(at.project, name));
  (void)dropped;
  return Answer{204, {}, ""};
}

Result<Answer> Server::Tables(const Call& call, const Resource& at) {
  if (at.rest.size() == 2) {
    return TableRequest(call, {at.project, at.schema, LowerName(at.rest[1])});
  }
  if (!call.IsMethod("GET")) return NotAllowed(call);
  TableFilter filter;
  filter.marker = call.Parameter("marker");
  filter.name_prefix = LowerName(call.Parameter("name"));
  filter.limit = PageSize(call);
  TRY(auto tables, catalog_->ListTables(at.project, at.schema, filter));
  std::string marker = tables.size() == filter.limit ? tables.back().name.table : "";
  return TableListDocument(tables, marker);
}

Result<Answer> Server::TableRequest(const Call& call, const TableName& name) {
  if (!call.IsMethod("GET") && !call.IsMethod("HEAD")) return NotAllowed(call);
  TRY(Table table, catalog_->GetTable(name));
  if (call.Has("partitions")) return ListPartitions(call, table);
  if (call.Has("partition")) {
    TRY(PartitionSpec spec, PartitionOf(call, table));
    TRY(PartitionInfo partition, catalog_->GetPartition(table, spec));
    return PartitionDocument(partition, call.Has("extended"));
  }
  TRY(auto files, catalog_->Files(table, std::nullopt));
  TableSize size;
  size.files = static_cast<int64_t>(files.size());
  for (const DataFile& file : files) {
    size.rows += file.rows;
    size.bytes += file.bytes;
  }
  return TableDocument(table, size, call.Has("extended"));
}

Result<Answer> Server::ListPartitions(const Call& call, const Table& table) {
  if (!table.partitioned()) {
    return Error(ErrorKind::kInvalidInput, "InvalidArgument",
                 "table " + table.name.ToText() + " is not partitioned");
  }
  size_t limit = PageSize(call);
  std::vector<std::pair<std::string, std::string>> wanted;
  if (!call.Parameter("partition").empty()) {
    TRY(wanted, SplitPartitionText(call.Parameter("partition")));
  }
  std::string marker = call.Parameter("marker");
  std::vector<PartitionInfo> page;
  while (page.size() < limit) {
    TRY(auto more, catalog_->ListPartitions(table, marker, kPageItems));
    bool last = more.size() < kPageItems;
    for (PartitionInfo& partition : more) {
      if (page.size() == limit) {
        last = false;
        break;
      }
      marker = partition.spec;
      bool fits = std::all_of(wanted.begin(), wanted.end(), [&](const auto& pair) {
        std::string item = "/" + pair.first + "=" + pair.second + "/";
        return ("/" + partition.spec + "/").find(item) != std::string::npos;
      });
      if (fits) page.push_back(std::move(partition));
    }
    if (last) {
      marker.clear();
      break;
    }
  }
  return PartitionListDocument(page, marker);
}

Result<Answer> Server::SubmitInstance(const Call& call, const Resource& at) {
  if (call.IsMethod("GET")) return InstanceListDocument(instances_.List(at.project));
  if (!call.IsMethod("POST")) return NotAllowed(call);
  TRY(std::string body, ReadAll(call.http->body, kControlBodyBytesMax));
  TRY(SubmittedJob job, ParseSubmittedJob(body));
  std::string schema = call.Parameter("curr_schema");
  std::string id = instances_.Submit(at.project, schema, std::move(job));
  const std::string* host = call.http->FindHeader("host");
  // An empty body: a client would take any text for the result of an instance that has ended
  // already.
  return Answer{201,
                {{"Location", "http://" + (host ? *host : std::string("localhost")) +
                                  "/api/projects/" + at.project + "/instances/" + id}},
                ""};
}

Result<Answer> Server::InstanceRequest(const Call& call, const Resource& at) {
  const std::string& id = at.rest[1];
  if (call.IsMethod("PUT")) {
    TRY(std::string body, ReadAll(call.http->body, kControlBodyBytesMax));
    TRY(std::string status, ParseRootChild(body, "Status"));
    if (status != "Terminated") {
      return Error(ErrorKind::kInvalidInput, "InvalidArgument",
                   "the status of an instance can only be set to Terminated");
    }
    TRY_VOID(instances_.Cancel(at.project, id));
    return Answer{200, {}, ""};
  }
  if (!call.IsMethod("GET")) return NotAllowed(call);
  bool polls = !call.Has("source") && !call.Has("result");
  TRY(InstanceView instance, instances_.Find(at.project, id, polls));
  if (call.Has("taskstatus")) return TaskStatusDocument(instance);
  if (call.Has("result")) return InstanceResult(instance);
  if (call.Has("source")) {
    return Answer{200, {{"Content-Type", "application/xml"}}, instance.job.job_text};
  }
  if (call.Has("instancesummary")) {
    nlohmann::json summary{{"Instance", {{"JsonSummary", "{}"}, {"Summary", ""}}}};
    return Answer{200, {{"Content-Type", "application/json"}}, summary.dump()};
  }
  if (call.Has("instanceprogress")) {
    return Answer{200, {{"Content-Type", "application/xml"}}, "<Progress/>"};
  }
  if (call.Has("instancedetail") || call.Has("detail") || call.Has("info")) {
    return Answer{200, {{"Content-Type", "application/json"}}, "{}"};
  }
  return InstanceStatusDocument(instance);
}

Result<Answer> Server::InstanceResult(const InstanceView& instance) {
  if (!instance.is_select) return InstanceResultDocument(instance, "");
  TRY(std::string csv, instances_.Csv(instance));
  return InstanceResultDocument(instance, csv);
}

Result<Answer> Server::Authorization(const Call& call) {
  if (!call.IsMethod("POST")) return NotAllowed(call);
  TRY(std::string ignored, ReadAll(call.http->body, kControlBodyBytesMax));
  XmlDocument document("Authorization");
  document.root().Add("Result", RandomHex(16));
  return Answer{200, {{"Content-Type", "application/xml"}}, document.ToText()};
}

}  // namespace mms::sandbox
