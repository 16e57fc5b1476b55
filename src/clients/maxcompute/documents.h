// Reads MaxCompute's answers into values: table and partition documents (XML around JSON),
// instances, task results, Tunnel sessions. Pure; third-party exceptions and malformed text become
// nullopt or an Error here.
//
// Source: documents that PyODPS 0.13 and odps-sdk-core 0.52 parse.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "clients/maxcompute/client.h"
#include "clients/maxcompute/tunnel.h"

namespace mms::maxcompute {

/// `<Table>` with its schema as JSON text inside. Errors: kCorrupt ODPS_ANSWER, kUnsupported
/// ODPS_TYPE_UNKNOWN at "column x".
Result<TableInfo> ParseTable(const HttpResponse& answer);

/// The extended document of the same table. What it does not tell is nullopt: both clients take a
/// kind's members from a JSON text named Reserved, where an absent member means "has none", but
/// they take a document without Reserved for one that says nothing. Errors: kCorrupt ODPS_ANSWER.
Result<TableTraits> ParseTableTraits(const HttpResponse& answer);

/// A project's properties. Errors: kCorrupt ODPS_ANSWER.
Result<std::map<std::string, std::string>> ParseProject(const HttpResponse& answer);

struct SchemaPage {
  std::vector<std::string> names;
  std::string marker;  ///< of the next page; "" = this was the last
};
/// `<Schemas>`. Errors: kCorrupt ODPS_ANSWER.
Result<SchemaPage> ParseSchemaPage(const HttpResponse& answer);

/// The first name of a list of tables; nullopt = it is empty. Errors: kCorrupt ODPS_ANSWER.
Result<std::optional<std::string>> ParseFirstTable(const HttpResponse& answer);

struct PartitionPage {
  std::vector<PartitionSpec> partitions;
  std::string marker;  ///< of the next page; "" = this was the last
};
Result<PartitionPage> ParsePartitionPage(const HttpResponse& answer);

struct InstancePage {
  std::vector<std::string> ids;
  std::string marker;  ///< of the next page; "" = this was the last
};
/// `<Instances>`. Errors: kCorrupt ODPS_ANSWER.
Result<InstancePage> ParseInstancePage(const HttpResponse& answer);

/// `<Instance><Status>`: Running, Suspended, Terminated. Errors: kCorrupt ODPS_ANSWER.
Result<std::string> ParseInstanceStatus(const HttpResponse& answer);

struct TaskResult {
  std::string status;  ///< Success, Failed, Cancelled, Running...; "" = not said
  std::string text;    ///< decoded result; of a failed task its message
  bool is_csv = false;
  bool truncated = false;
};
/// The first task of `<Instance><Tasks>`. Errors: kCorrupt ODPS_ANSWER.
Result<TaskResult> ParseTask(const HttpResponse& answer);

/// Rows of a SELECT: a header line, then values; \N without quotes is NULL. Errors: kCorrupt
/// ODPS_RESULT.
Status ParseCsv(const std::string& text, SqlResult& result);

/// Tunnel session documents. Errors: kCorrupt ODPS_ANSWER, kUnsupported ODPS_TYPE_UNKNOWN.
Result<UploadSession> ParseUploadSession(const HttpResponse& answer);

struct DownloadAnswer {
  DownloadSession session;
  std::string status;  ///< small letters: "normal", "initiating", ...
};
Result<DownloadAnswer> ParseDownloadSession(const HttpResponse& answer);

}  // namespace mms::maxcompute
