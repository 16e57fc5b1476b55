#include "sandbox/target.h"

#include <array>
#include <utility>

#include "sandbox/table.h"

namespace mms::sandbox {
namespace {

constexpr std::array<std::pair<CallName, std::string_view>, kCallNames> kNames{{
    {CallName::kUnknown, "unknown"},
    {CallName::kMisused, "misused"},
    {CallName::kTenants, "tenants"},
    {CallName::kLogviewHost, "logview_host"},
    {CallName::kReportUsage, "report_usage"},
    {CallName::kSignToken, "sign_token"},
    {CallName::kDiscover, "discover"},
    {CallName::kGetProject, "get_project"},
    {CallName::kListSchemas, "list_schemas"},
    {CallName::kCreateSchema, "create_schema"},
    {CallName::kGetSchema, "get_schema"},
    {CallName::kDropSchema, "drop_schema"},
    {CallName::kListTables, "list_tables"},
    {CallName::kGetTable, "get_table"},
    {CallName::kListPartitions, "list_partitions"},
    {CallName::kGetPartition, "get_partition"},
    {CallName::kPreviewTable, "preview_table"},
    {CallName::kListInstances, "list_instances"},
    {CallName::kSubmitInstance, "submit_instance"},
    {CallName::kGetInstance, "get_instance"},
    {CallName::kGetResult, "get_result"},
    {CallName::kCancelInstance, "cancel_instance"},
    {CallName::kCreateUpload, "create_upload"},
    {CallName::kGetUpload, "get_upload"},
    {CallName::kPutBlock, "put_block"},
    {CallName::kCommitUpload, "commit_upload"},
    {CallName::kCreateDownload, "create_download"},
    {CallName::kGetDownload, "get_download"},
    {CallName::kReadDownload, "read_download"},
    {CallName::kCreateUpsert, "create_upsert"},
    {CallName::kGetUpsert, "get_upsert"},
    {CallName::kPutUpsert, "put_upsert"},
    {CallName::kCommitUpsert, "commit_upsert"},
    {CallName::kAbortUpsert, "abort_upsert"},
    {CallName::kCreateStream, "create_stream"},
    {CallName::kGetStream, "get_stream"},
    {CallName::kPutStream, "put_stream"},
    {CallName::kAbortStream, "abort_stream"},
    {CallName::kSetFaults, "set_faults"},
    {CallName::kGetFaults, "get_faults"},
    {CallName::kGetCounters, "get_counters"},
}};

/// The call of this method, or kMisused.
struct Methods {
  CallName get = CallName::kMisused;
  CallName post = CallName::kMisused;
  CallName put = CallName::kMisused;
  CallName remove = CallName::kMisused;
};

CallName Choose(const Call& call, const Methods& methods) {
  const std::string& method = call.http->method;
  if (method == "GET" || method == "HEAD") return methods.get;
  if (method == "POST") return methods.post;
  if (method == "PUT") return methods.put;
  return method == "DELETE" ? methods.remove : CallName::kMisused;
}

Methods OnlyGet(CallName name) { return {.get = name}; }
Methods OnlyPost(CallName name) { return {.post = name}; }

/// A tunnel call on a table or instance; kUnknown = none.
CallName TunnelCall(const Call& call, bool instance) {
  if (call.Has("downloads")) return Choose(call, OnlyPost(CallName::kCreateDownload));
  if (call.Has("downloadid")) {
    return Choose(call,
                  OnlyGet(call.Has("data") ? CallName::kReadDownload : CallName::kGetDownload));
  }
  if (instance) return CallName::kUnknown;
  if (call.Has("uploads")) return Choose(call, OnlyPost(CallName::kCreateUpload));
  if (call.Has("uploadid")) {
    return Choose(
        call,
        {.get = CallName::kGetUpload, .post = CallName::kCommitUpload, .put = CallName::kPutBlock});
  }
  return CallName::kUnknown;
}

CallName TableCall(const Call& call) {
  CallName tunnel = TunnelCall(call, false);
  if (tunnel != CallName::kUnknown) return tunnel;
  return Choose(call, OnlyGet(call.Has("data")         ? CallName::kPreviewTable
                              : call.Has("partitions") ? CallName::kListPartitions
                              : call.Has("partition")  ? CallName::kGetPartition
                                                       : CallName::kGetTable));
}

CallName InstanceCall(const Call& call) {
  CallName tunnel = TunnelCall(call, true);
  if (tunnel != CallName::kUnknown) return tunnel;
  return Choose(call, {.get = call.Has("result") ? CallName::kGetResult : CallName::kGetInstance,
                       .put = CallName::kCancelInstance});
}

/// Calls below /projects/P/tables/T.
CallName SessionCall(const Call& call, const std::string& kind) {
  if (kind == "upserts" && call.Has("upsertid")) {
    return Choose(call, {.get = CallName::kGetUpsert,
                         .post = CallName::kCommitUpsert,
                         .put = CallName::kPutUpsert,
                         .remove = CallName::kAbortUpsert});
  }
  if (kind == "upserts") return Choose(call, OnlyPost(CallName::kCreateUpsert));
  if (kind == "streams" && call.Has("uploadid")) {
    return Choose(
        call,
        {.get = CallName::kGetStream, .post = CallName::kAbortStream, .put = CallName::kPutStream});
  }
  if (kind == "streams") return Choose(call, OnlyPost(CallName::kCreateStream));
  return CallName::kUnknown;
}

/// Calls below /projects/P, `rest` being what follows.
void ReadProjectPath(const Call& call, std::vector<std::string> rest, Target* target) {
  if (rest.size() >= 3 && rest[0] == "schemas") {
    target->schema = LowerName(rest[1]);
    rest.erase(rest.begin(), rest.begin() + 2);
  }
  if (rest.empty()) {
    target->name = Choose(call, OnlyGet(CallName::kGetProject));
    return;
  }
  const std::string& kind = rest[0];
  if (rest.size() == 1) {
    if (kind == "tunnel") target->name = Choose(call, OnlyGet(CallName::kDiscover));
    if (kind == "logs") {
      target->name = Choose(call, {.post = CallName::kReportUsage, .put = CallName::kReportUsage});
    }
    if (kind == "authorization") target->name = Choose(call, OnlyPost(CallName::kSignToken));
    if (kind == "tables") target->name = Choose(call, OnlyGet(CallName::kListTables));
    if (kind == "schemas") {
      target->name = Choose(call, {.get = CallName::kListSchemas, .post = CallName::kCreateSchema});
    }
    if (kind == "instances") {
      target->name =
          Choose(call, {.get = CallName::kListInstances, .post = CallName::kSubmitInstance});
    }
  } else if (rest.size() == 2) {
    target->object = kind == "instances" ? rest[1] : LowerName(rest[1]);
    target->instance = kind == "instances";
    if (kind == "tables") target->name = TableCall(call);
    if (kind == "instances") target->name = InstanceCall(call);
    if (kind == "schemas") {
      target->name = Choose(call, {.get = CallName::kGetSchema, .remove = CallName::kDropSchema});
    }
  } else if (rest.size() == 3 && kind == "tables") {
    target->object = LowerName(rest[1]);
    target->name = SessionCall(call, rest[2]);
  }
}

}  // namespace

std::string_view NameText(CallName name) {
  for (const auto& [known, text] : kNames) {
    if (known == name) return text;
  }
  return "";
}

std::optional<CallName> FindCallName(std::string_view text) {
  for (const auto& [name, known] : kNames) {
    if (known == text) return name;
  }
  return std::nullopt;
}

bool IsTunnel(CallName name) {
  return name >= CallName::kCreateUpload && name <= CallName::kAbortStream;
}

bool TakesRows(CallName name) {
  return name == CallName::kPutBlock || name == CallName::kPutUpsert ||
         name == CallName::kPutStream;
}

bool IsAdmin(CallName name) { return name >= CallName::kSetFaults; }

Target TargetOf(const Call& call) {
  Target target;
  const auto& segments = call.segments;
  if (segments.empty()) return target;
  if (call.path == "/logview/host") {
    target.name = Choose(call, OnlyGet(CallName::kLogviewHost));
  } else if (call.path == "/mms/faults") {
    target.name = Choose(call, {.get = CallName::kGetFaults, .post = CallName::kSetFaults});
  } else if (call.path == "/mms/counters") {
    target.name = Choose(call, OnlyGet(CallName::kGetCounters));
  } else if (segments[0] == "tenants" && segments.size() == 1) {
    target.name = Choose(call, OnlyGet(CallName::kTenants));
  } else if (segments[0] == "projects" && segments.size() >= 2) {
    target.project = LowerName(segments[1]);
    std::string schema = call.Parameter("curr_schema");
    if (!schema.empty()) target.schema = LowerName(schema);
    ReadProjectPath(call, {segments.begin() + 2, segments.end()}, &target);
  }
  return target;
}

}  // namespace mms::sandbox
