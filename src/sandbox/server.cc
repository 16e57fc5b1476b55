#include "sandbox/server.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "sandbox/csv_rows.h"
#include "sandbox/documents.h"
#include "sandbox/xml.h"

namespace mms::sandbox {
namespace {

/// A 2 MB statement in XML, every character escaped.
constexpr size_t kControlBodyBytesMax = 16 << 20;
constexpr size_t kPageItems = 1'000;
constexpr std::chrono::milliseconds kLongPoll{2'000};

Error NotFound(const Call& call) {
  return Error(ErrorKind::kNotFound, "NoSuchObject", "nothing is at " + call.path);
}

Error NotAllowed(const Call& call) {
  return Error(ErrorKind::kInvalidInput, "MethodNotAllowed",
               call.http->method + " is not possible at " + call.path);
}

/// What the service says of a session it does not know.
Error SessionGone(const std::string& id, const Target& target) {
  CallName name = target.name;
  bool download = name == CallName::kGetDownload || name == CallName::kReadDownload;
  std::string code = !IsTunnel(name)                   ? "NoSuchObject"
                     : download                        ? "NoSuchDownload"
                     : name >= CallName::kCreateStream ? "StreamSessionNotFound"
                     : name >= CallName::kCreateUpsert ? "UpsertSessionNotFound"
                                                       : "NoSuchUpload";
  return Error(ErrorKind::kNotFound, code, "'" + id + "' does not exist");
}

Error KeyExpired() {
  return Error(ErrorKind::kDenied, "Unauthorized",
               "ODPS-0410051: Invalid credentials - the security token has expired");
}

size_t PageSize(const Call& call) {
  std::string text = call.Parameter("maxitems");
  size_t items = kPageItems;
  auto parsed = std::from_chars(text.data(), text.data() + text.size(), items);
  bool good = parsed.ec == std::errc() && items > 0;
  return good ? std::min(items, kPageItems) : kPageItems;
}

/// `absent` when the text is no number.
int64_t Number(const std::string& text, int64_t absent) {
  int64_t number = absent;
  (void)std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

Answer PlainText(std::string text) {
  return {200, {{"Content-Type", "text/plain"}}, std::move(text)};
}

Answer JsonText(const nlohmann::json& body) {
  return {200, {{"Content-Type", "application/json"}}, body.dump()};
}

std::string HostOf(const Call& call) {
  const std::string* host = call.http->FindHeader("host");
  return host == nullptr ? "localhost" : *host;
}

}  // namespace

void Server::Handle(ServerRequest& request, HttpResponder& responder) {
  std::string request_id = UpperName(RandomHex(12));
  auto call = ParseCall(&request);
  if (!call) return Reply(call.error(), {request_id, CallName::kUnknown}, &responder);
  call->request_id = request_id;
  Target target = TargetOf(*call);
  ReplyTo to{request_id, target.name};
  ++CountersOf(target.name).calls;
  auto user = Authenticate(*call, users_, NowSeconds());
  if (!user) return Reply(user.error(), to, &responder);
  auto fault = faults_.Next(*call, target);
  if (fault) {
    ++CountersOf(target.name).faults;
    faults_.Delay(fault->delay_ms);
  }
  if (fault && fault->key_gone) faults_.ExpireKey((*user)->name);
  if (faults_.IsExpired((*user)->name, target)) return Reply(KeyExpired(), to, &responder);
  if (!fault) return Reply(Serve({*call, target, **user, &responder}), to, &responder);
  if (call->Parameter("asyncmode") == "true") {
    call->initiating_ms = fault->initiating_ms;
  } else {
    faults_.Delay(fault->initiating_ms);  // who does not ask for it waits for a ready session
  }
  if (fault->status != 0) {
    return Reply(FaultAnswer(*fault, IsTunnel(target.name), request_id), to, &responder);
  }
  bool takes_rows = TakesRows(target.name);
  int64_t cut = fault->cut_after_bytes < 0 ? INT64_MAX : fault->cut_after_bytes;
  CutSource body(request.body, &responder, cut);
  if (takes_rows) request.body = &body;
  CutResponder out(&responder, takes_rows ? INT64_MAX : cut, fault->drop_answer);
  Reply(Serve({*call, target, **user, &out}), to, &out);
}

std::pair<HttpHeaders, std::string> Server::RefuseHeader(int status) {
  std::string request_id = UpperName(RandomHex(12));
  Error error(ErrorKind::kInvalidInput, "InvalidArgument",
              status == 431 ? "the request's header is too long" : "the request is no HTTP/1.1");
  Answer answer = RestError(error, request_id);
  answer.headers.emplace_back("x-odps-request-id", request_id);
  return {std::move(answer.headers), std::move(answer.body)};
}

void Server::Reply(Result<Answer> answer, const ReplyTo& to, HttpResponder* responder) {
  Counters& counters = CountersOf(to.name);
  if (!answer || answer->status >= 300) ++counters.failed;
  if (!answer) {
    const Error& error = answer.error();
    if (error.kind() == ErrorKind::kInternal || StatusOf(error) >= 500) {
      std::fprintf(stderr, "mms sandbox: %s: %s [%s]\n", std::string(NameText(to.name)).c_str(),
                   ScrubSecrets(error.ToString()).c_str(), to.request_id.c_str());
    }
    if (responder->started()) return responder->Abort();  // the client must see a cut body
    answer = IsTunnel(to.name) ? TunnelError(error) : RestError(error, to.request_id);
  }
  if (responder->started()) return;
  answer->headers.emplace_back("x-odps-request-id", to.request_id);
  // A client that went away is no error of ours.
  (void)responder->Send(answer->status, answer->headers, answer->body);
}

Result<Answer> Server::Serve(const Exchange& exchange) {
  const Target& target = exchange.target;
  TRY_VOID(CheckRights(exchange.user, target));
  if (faults_.IsGone(exchange.call, target)) {
    return SessionGone(SessionOf(exchange.call, target), target);
  }
  auto admission = limits_.Admit(target, Limits::Clock::now());
  if (!admission) {
    ++CountersOf(target.name).refused;
    return std::move(admission).error();
  }
  int64_t rate = limits_.BytesPerSecond(target.name);
  ServerRequest& request = *exchange.call.http;
  if (rate == 0) return Route(exchange);
  ThrottledSource slow(request.body, rate);
  request.body = &slow;
  ThrottledResponder slow_answer(exchange.responder, rate);
  return Route({exchange.call, target, exchange.user, &slow_answer});
}

Result<Answer> Server::Route(const Exchange& exchange) {
  const auto& [call, target, user, responder] = exchange;
  switch (target.name) {
    case CallName::kUnknown: return NotFound(call);
    case CallName::kMisused: return NotAllowed(call);
    case CallName::kTenants: return TenantDocument();
    case CallName::kLogviewHost: return PlainText("http://" + HostOf(call));
    case CallName::kSetFaults:
    case CallName::kGetFaults:
    case CallName::kGetCounters: return Admin(call, target.name);
    default: break;
  }
  TRY_VOID(catalog_->CheckProject(target.project));
  if (IsTunnel(target.name)) return RouteTunnel(exchange);
  return target.instance ? RouteInstance(exchange) : RouteProject(exchange);
}

Result<Answer> Server::RouteProject(const Exchange& exchange) {
  const auto& [call, target, user, responder] = exchange;
  switch (target.name) {
    case CallName::kReportUsage: {
      TRY(std::string ignored, ReadAll(call.http->body, kControlBodyBytesMax));
      return PlainText("");
    }
    case CallName::kSignToken: return SignToken(call);
    // The client's own view of our address: it works behind any port mapping.
    case CallName::kDiscover: return PlainText(HostOf(call));
    case CallName::kGetProject:
      return ProjectDocument(target.project, catalog_->HasSchemas(target.project));
    case CallName::kListSchemas: {
      TRY(auto schemas, catalog_->Schemas(target.project));
      return SchemaListDocument(schemas);
    }
    case CallName::kCreateSchema: return CreateSchema(call, target);
    case CallName::kGetSchema:
    case CallName::kDropSchema: return NamedSchema(call, target);
    case CallName::kListTables: return ListTables(call, target);
    case CallName::kListInstances: return ListInstances(exchange);
    case CallName::kSubmitInstance: return SubmitInstance(exchange);
    default: break;
  }
  TRY(Table table, catalog_->GetTable({target.project, target.schema, target.object}));
  if (target.name == CallName::kListPartitions) return ListPartitions(call, table);
  if (target.name == CallName::kGetTable) return GetTable(call, table);
  if (target.name == CallName::kPreviewTable) return PreviewTable(call, table);
  TRY(PartitionSpec spec, PartitionOf(call, table));
  TRY(PartitionInfo partition, catalog_->GetPartition(table, spec));
  return PartitionDocument(partition, call.Has("extended"));
}

Result<Answer> Server::RouteTunnel(const Exchange& exchange) {
  const auto& [call, target, user, responder] = exchange;
  if (target.name == CallName::kReadDownload) {
    TRY_VOID(download_.Stream(call, responder));
    return Answer{};
  }
  if (target.name == CallName::kGetDownload) return download_.Get(call);
  if (target.name >= CallName::kCreateStream) return stream_.Handle(call, target);
  if (target.name >= CallName::kCreateUpsert) return upsert_.Handle(call, target);
  if (target.instance) {
    TRY(InstanceView instance, instances_.Find(user, target.project, target.object, false));
    return download_.CreateForInstance(call, instance);
  }
  TableName name{target.project, target.schema, target.object};
  if (target.name == CallName::kCreateDownload) return download_.CreateForTable(call, name);
  return upload_.Handle(call, name);
}

Result<Answer> Server::RouteInstance(const Exchange& exchange) {
  if (exchange.target.name == CallName::kCancelInstance) return CancelInstance(exchange);
  return GetInstance(exchange);
}

Result<Answer> Server::Admin(const Call& call, CallName name) {
  if (name == CallName::kGetCounters) return JsonText(DescribeCounters());
  if (name == CallName::kSetFaults) {
    TRY(std::string body, ReadAll(call.http->body, kControlBodyBytesMax));
    TRY_VOID(faults_.Set(body));
  }
  return JsonText(faults_.Describe());
}

nlohmann::json Server::DescribeCounters() {
  nlohmann::json calls = nlohmann::json::object();
  for (size_t i = 0; i < counters_.size(); ++i) {
    const Counters& counters = counters_[i];
    if (counters.calls == 0) continue;
    calls[std::string(NameText(static_cast<CallName>(i)))] = {
        {"calls", counters.calls.load()},
        {"failed", counters.failed.load()},
        {"refused_by_limit", counters.refused.load()},
        {"faults", counters.faults.load()}};
  }
  return {{"calls", std::move(calls)}, {"limits", limits_.Describe()}};
}

Result<Answer> Server::CreateSchema(const Call& call, const Target& target) {
  TRY(std::string body, ReadAll(call.http->body, kControlBodyBytesMax));
  TRY(std::string name, ParseRootChild(body, "Name"));
  name = LowerName(name);
  TRY_VOID(CheckTableName(name));
  TRY(bool made, catalog_->CreateSchema(target.project, name));
  if (made) return Answer{201, {}, ""};
  return Error(ErrorKind::kConflict, "ObjectAlreadyExists", "schema " + name + " already exists");
}

Result<Answer> Server::NamedSchema(const Call& call, const Target& target) {
  const std::string& name = target.object;
  TRY(auto schemas, catalog_->Schemas(target.project));
  if (std::find(schemas.begin(), schemas.end(), name) == schemas.end()) {
    return Error(ErrorKind::kNotFound, "NoSuchObject", "schema " + name + " does not exist");
  }
  if (target.name == CallName::kGetSchema) return SchemaDocument(target.project, name);
  if (name == "default") return NotAllowed(call);
  TRY(bool dropped, catalog_->DropSchema(target.project, name));
  (void)dropped;
  return Answer{204, {}, ""};
}

Result<Answer> Server::ListTables(const Call& call, const Target& target) {
  TableFilter filter;
  filter.marker = call.Parameter("marker");
  filter.name_prefix = LowerName(call.Parameter("name"));
  filter.limit = PageSize(call);
  TRY(auto tables, catalog_->ListTables(target.project, target.schema, filter));
  std::string marker = tables.size() == filter.limit ? tables.back().name.table : "";
  return TableListDocument(tables, marker);
}

Result<Answer> Server::GetTable(const Call& call, const Table& table) {
  TRY(auto files, catalog_->Files(table, std::nullopt));
  TableSize size;
  size.files = static_cast<int64_t>(files.size());
  for (const DataFile& file : files) {
    size.rows += file.rows;
    size.bytes += file.bytes;
  }
  return TableDocument(table, size, call.Has("extended"));
}

/// The first rows as CSV, of one partition or of all; data columns only.
Result<Answer> Server::PreviewTable(const Call& call, const Table& table) {
  std::optional<PartitionSpec> spec;
  if (call.Has("partition")) {
    TRY(spec, PartitionOf(call, table));
  }
  TRY(auto columns, ColumnsNamed(call.Parameter("cols"), table.columns));
  RowRange range;
  TRY(auto lease, storage_->Lease([&]() -> Result<std::vector<std::string>> {
    TRY(auto files, catalog_->Files(table, spec));
    std::vector<std::string> paths;
    for (const DataFile& file : files) {
      range.parts.push_back({storage_->Absolute(file.path), file.rows});
      range.count += file.rows;
      paths.push_back(file.path);
    }
    return paths;
  }));
  int64_t wanted =
      std::clamp<int64_t>(Number(call.Parameter("linenum"), kCsvRowsMax), 0, kCsvRowsMax);
  range.count = std::min(range.count, wanted);
  Table chosen;
  chosen.columns = columns;
  std::vector<std::string> names;
  for (const Column& column : columns) names.push_back(column.name);
  TRY(std::string csv, CsvRows(names, range, chosen.ArrowSchema()));
  return Answer{200, {{"Content-Type", "text/csv"}}, std::move(csv)};
}

Result<Answer> Server::ListPartitions(const Call& call, const Table& table) {
  if (!table.partitioned()) {
    return Error(ErrorKind::kInvalidInput, "InvalidArgument",
                 "table " + table.name.ToText() + " is not partitioned");
  }
  PartitionFilter wanted;
  if (!call.Parameter("partition").empty()) {
    TRY(wanted, SplitPartitionText(call.Parameter("partition")));
  }
  std::string marker = call.Parameter("marker");
  if (call.Has("name")) {  // names alone come without pages
    std::string start;
    TRY(auto all, PartitionPage(table, wanted, SIZE_MAX, &start));
    return PartitionNamesDocument(all);
  }
  if (call.Has("reverse")) {
    std::string start;
    TRY(auto all, PartitionPage(table, wanted, SIZE_MAX, &start));
    std::reverse(all.begin(), all.end());
    std::erase_if(all, [&](const auto& one) { return !marker.empty() && one.spec >= marker; });
    bool last = all.size() <= PageSize(call);
    if (!last) all.resize(PageSize(call));
    return PartitionListDocument(all, last ? "" : all.back().spec);
  }
  TRY(auto page, PartitionPage(table, wanted, PageSize(call), &marker));
  return PartitionListDocument(page, marker);
}

Result<std::vector<PartitionInfo>> Server::PartitionPage(const Table& table,
                                                         const PartitionFilter& wanted,
                                                         size_t limit, std::string* marker) {
  std::vector<PartitionInfo> page;
  while (page.size() < limit) {
    TRY(auto more, catalog_->ListPartitions(table, *marker, kPageItems));
    bool last = more.size() < kPageItems;
    for (PartitionInfo& partition : more) {
      if (page.size() == limit) {
        last = false;
        break;
      }
      *marker = partition.spec;
      bool fits = std::all_of(wanted.begin(), wanted.end(), [&](const auto& pair) {
        std::string item = "/" + pair.first + "=" + pair.second + "/";
        return ("/" + partition.spec + "/").find(item) != std::string::npos;
      });
      if (fits) page.push_back(std::move(partition));
    }
    if (last) {
      marker->clear();
      break;
    }
  }
  return page;
}

Result<Answer> Server::ListInstances(const Exchange& exchange) {
  const auto& [call, target, user, responder] = exchange;
  InstanceFilter filter;
  filter.marker = call.Parameter("marker");
  filter.limit = PageSize(call);
  if (call.Parameter("onlyowner") == "yes") filter.owner = user.name;
  std::string status = LowerName(call.Parameter("status"));
  if (!status.empty()) filter.finished = status == "terminated";
  // "from:to" in seconds since 1970, either of them may be missing.
  std::string range = call.Parameter("daterange");
  size_t colon = std::min(range.find(':'), range.size());
  filter.from_s = Number(range.substr(0, colon), filter.from_s);
  filter.to_s = Number(range.substr(std::min(colon + 1, range.size())), filter.to_s);
  TRY(auto views, instances_.List(user, target.project, filter));
  return InstanceListDocument(views, views.size() == filter.limit ? views.back().id : "");
}

Result<Answer> Server::SubmitInstance(const Exchange& exchange) {
  const auto& [call, target, user, responder] = exchange;
  TRY(std::string body, ReadAll(call.http->body, kControlBodyBytesMax));
  TRY(SubmittedJob job, ParseSubmittedJob(body));
  std::string schema = call.Parameter("curr_schema");
  TRY(std::string id, instances_.Submit(user, target.project, schema, std::move(job)));
  // An empty body: a client would take any text for the result of an instance that has ended
  // already.
  return Answer{201,
                {{"Location", "http://" + HostOf(call) + "/api/projects/" + target.project +
                                  "/instances/" + id}},
                ""};
}

Result<Answer> Server::CancelInstance(const Exchange& exchange) {
  const auto& [call, target, user, responder] = exchange;
  TRY(std::string body, ReadAll(call.http->body, kControlBodyBytesMax));
  TRY(std::string status, ParseRootChild(body, "Status"));
  if (status != "Terminated") {
    return Error(ErrorKind::kInvalidInput, "InvalidArgument",
                 "the status of an instance can only be set to Terminated");
  }
  TRY_VOID(instances_.Cancel(user, target.project, target.object));
  return Answer{200, {}, ""};
}

Result<Answer> Server::GetInstance(const Exchange& exchange) {
  const auto& [call, target, user, responder] = exchange;
  if (call.Has("instancestatus")) {
    TRY_VOID(instances_.WaitForEnd(user, target.project, target.object, kLongPoll));
  }
  bool polls = !call.Has("source") && !call.Has("result");
  TRY(InstanceView instance, instances_.Find(user, target.project, target.object, polls));
  if (call.Has("taskstatus")) return TaskStatusDocument(instance);
  if (call.Has("result")) return InstanceResult(instance);
  if (call.Has("source")) {
    return Answer{200, {{"Content-Type", "application/xml"}}, instance.job.job_text};
  }
  if (call.Has("instancesummary")) return InstanceSummaryDocument(instance);
  if (call.Has("instanceprogress")) return InstanceProgressDocument(instance);
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

Result<Answer> Server::SignToken(const Call& call) {
  TRY(std::string ignored, ReadAll(call.http->body, kControlBodyBytesMax));
  XmlDocument document("Authorization");
  document.root().Add("Result", RandomHex(16));
  return Answer{200, {{"Content-Type", "application/xml"}}, document.ToText()};
}

}  // namespace mms::sandbox
