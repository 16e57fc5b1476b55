#include "target_side.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/http_client.h"

namespace mms::simulation {
namespace {

using nlohmann::json;

constexpr const char* kJobPath = "/instances";

Answer Refused(int status, const std::string& code, const std::string& text) {
  return {status, {}, json{{"Code", code}, {"Message", text}}.dump()};
}

const char* StateName(UploadState state) {
  switch (state) {
    case UploadState::kNormal: return "NORMAL";
    case UploadState::kClosing: return "CLOSING";
    case UploadState::kClosed: return "CLOSED";
    case UploadState::kExpired: return "EXPIRED";
    case UploadState::kCritical: return "CRITICAL";
  }
  return "";
}

json ColumnsOf(bool partition) {
  return {{{"name", partition ? "p" : "id"}, {"type", partition ? "string" : "bigint"}}};
}

/// The name behind these words, without its project and quotes.
std::string NameBehind(const std::string& statement, const std::string& words) {
  const size_t begin = statement.find(words) + words.size();
  std::string name = statement.substr(begin, statement.find_first_of(" \n(;", begin) - begin);
  name = name.substr(name.rfind('.') + 1);
  std::erase(name, '`');
  return name;
}

std::string Unescaped(std::string text) {
  const std::map<std::string, std::string> entities = {
      {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&apos;", "'"}, {"&amp;", "&"}};
  for (const auto& [entity, plain] : entities) {
    for (size_t at = text.find(entity); at != text.npos; at = text.find(entity)) {
      text.replace(at, entity.size(), plain);
    }
  }
  return text;
}

std::string TaskDocument(const std::string& result) {
  const std::string csv = result.empty() ? "" : " Format=\"csv\"";
  return "<Instance><Tasks><Task Type=\"SQL\"><Name>AnonymousSQLTask</Name>"
         "<Status>Success</Status><Result" +
         csv + "><![CDATA[" + result + "]]></Result></Task></Tasks></Instance>";
}

}  // namespace

Asked ParseAsked(const json& request) {
  Asked asked;
  asked.method = request.at("method");
  asked.body = request.at("body");
  std::string url = request.at("url");
  url.erase(0, url.find("://") + 3);
  const size_t slash = std::min(url.find('/'), url.size());
  asked.host = url.substr(0, slash);
  url.erase(0, slash);
  const size_t mark = url.find('?');
  asked.path = UrlDecode(url.substr(0, mark));
  std::string rest = mark == url.npos ? "" : url.substr(mark + 1);
  while (!rest.empty()) {
    const std::string one = rest.substr(0, rest.find('&'));
    rest.erase(0, std::min(one.size() + 1, rest.size()));
    const size_t equals = one.find('=');
    const std::string value = equals == one.npos ? "" : one.substr(equals + 1);
    asked.query[UrlDecode(one.substr(0, equals))] = UrlDecode(value);
  }
  return asked;
}

Answer TargetSide::Respond(const Asked& asked) {
  if (asked.host.starts_with("tunnel.")) return RespondTunnel(asked);
  if (asked.path.find("/tables/") != asked.path.npos) return RespondTable(asked);
  if (asked.path.find(kJobPath) != asked.path.npos) return RespondInstance(asked);
  return {404, {}, "<Error><Code>NoSuchObject</Code><Message>not simulated</Message></Error>"};
}

// Tunnel. ----------------------------------------------------------------------------------------

Answer TargetSide::Shown(const Upload& upload) {
  json blocks = json::array();
  for (const auto& [id, rows] : upload.blocks) blocks.push_back({{"BlockID", id}});
  const json document = {{"UploadID", upload.id},
                         {"Status", StateName(upload.state)},
                         {"Schema", {{"columns", ColumnsOf(false)}}},
                         {"UploadedBlockList", blocks}};
  return {200, {}, document.dump()};
}

Answer TargetSide::RespondTunnel(const Asked& asked) {
  const auto table = tables.find(asked.Last());
  if (table == tables.end()) return Refused(404, "NoSuchTable", "there is no " + asked.path);
  if (asked.Has("uploads")) return CreateUpload(asked, table->second);
  if (asked.Has("uploadid")) {
    const auto upload = uploads.find(asked.Get("uploadid"));
    if (upload == uploads.end()) return Refused(404, "NoSuchUpload", "there is no such session");
    if (asked.method == "POST") return Commit(upload->second);
    Look(upload->second);
    return Shown(upload->second);
  }
  const auto partition = table->second.partitions.find(asked.Get("partition"));
  if (partition == table->second.partitions.end()) {
    return Refused(404, "NoSuchPartition", "there is no such partition");
  }
  const std::string id = "d" + std::to_string(++last_id_);
  downloads[id] = partition->second.rows;
  const json document = {{"DownloadID", id},
                         {"Status", "NORMAL"},
                         {"RecordCount", partition->second.rows.size()},
                         {"Schema", {{"columns", ColumnsOf(false)}}}};
  return {200, {}, document.dump()};
}

Answer TargetSide::CreateUpload(const Asked& asked, TargetTable& table) {
  Upload upload;
  upload.table = asked.Last();
  upload.partition = asked.Get("partition");
  if (!table.partitions.contains(upload.partition)) {
    return Refused(404, "NoSuchPartition", "there is no such partition");
  }
  upload.appends = asked.Get("overwrite") != "true";
  for (const auto& [id, other] : uploads) {
    const bool open = other.state == UploadState::kNormal && !other.troubled;
    const bool same = other.table == upload.table && other.partition == upload.partition;
    if (open && same && other.life == life_) {
      violation_("two owners: a second session of " + upload.table + " " + upload.partition +
                 " is made while " + id + " is at work");
    }
  }
  upload.id = "u" + std::to_string(++last_id_);
  upload.epoch = epochs_[upload.table];
  upload.life = life_;
  const Upload& made = uploads[upload.id] = upload;
  return Shown(made);
}

bool TargetSide::Put(const std::string& session, int64_t block, Rows rows) {
  const auto upload = uploads.find(session);
  if (upload == uploads.end() || upload->second.state != UploadState::kNormal) return false;
  upload->second.blocks[block] = std::move(rows);
  return true;
}

void TargetSide::Look(Upload& upload) {
  if (upload.state != UploadState::kClosing || upload.looks_left-- > 0) return;
  if (upload.closes_well) return Apply(upload);
  upload.state = UploadState::kCritical;
}

void TargetSide::Settle() {
  for (auto& [id, upload] : uploads) {
    upload.looks_left = 0;
    Look(upload);
  }
}

Answer TargetSide::Commit(Upload& upload) {
  Look(upload);
  if (upload.state != UploadState::kNormal) {
    return Refused(409, "StatusConflict", std::string("the session is ") + StateName(upload.state));
  }
  Apply(upload);
  return Shown(upload);
}

void TargetSide::Apply(Upload& upload) {
  upload.state = UploadState::kClosed;
  ++commits;
  TargetPartition& partition = tables[upload.table].partitions[upload.partition];
  Rows rows = upload.appends ? partition.rows : Rows();
  for (const auto& [id, block] : upload.blocks) Add(block, &rows);
  const std::string where = upload.table + " " + upload.partition;
  const auto table = source_.tables.find(upload.table);
  if (table == source_.tables.end() || !table->second.IsWhole(upload.partition, rows)) {
    violation_("session " + upload.id + " shows " + std::to_string(rows.size()) + " rows in " +
               where + " that are all its rows at no version of the source");
  }
  const auto before = uploads.find(partition.committed_by);
  const bool again = before != uploads.end() && before->second.epoch == upload.epoch &&
                     partition.rows == rows && !partition.spoilt;
  if (again) {
    violation_("copied twice: " + where + " by " + before->first + " and, of the same job, by " +
               upload.id);
  }
  partition.rows = rows;
  partition.committed_by = upload.id;
  partition.spoilt = spoilt_by_.contains(upload.id) && !rows.empty();
  if (partition.spoilt) partition.rows.pop_back();
}

void TargetSide::Expire(const std::string& session) {
  const auto upload = uploads.find(session);
  if (upload == uploads.end() || upload->second.state != UploadState::kNormal) return;
  upload->second.state = UploadState::kExpired;
}

void TargetSide::Close(const std::string& session, const Closing& closing) {
  const auto upload = uploads.find(session);
  if (upload == uploads.end() || upload->second.state != UploadState::kNormal) return;
  upload->second.state = UploadState::kClosing;
  upload->second.looks_left = closing.looks;
  upload->second.closes_well = closing.well;
}

void TargetSide::Trouble(const std::string& partition_of) {
  for (auto& [id, upload] : uploads) {
    if (upload.table + " " + upload.partition == partition_of) upload.troubled = true;
  }
}

void TargetSide::TroubleAll() {
  for (auto& [id, upload] : uploads) upload.troubled = true;
}

// Tables and SQL. --------------------------------------------------------------------------------

Answer TargetSide::RespondTable(const Asked& asked) {
  const auto table = tables.find(asked.Last());
  if (table == tables.end()) {
    return {404, {}, "<Error><Code>NoSuchObject</Code><Message>no table</Message></Error>"};
  }
  if (asked.Has("partitions")) {
    std::string list;
    for (const auto& [name, partition] : table->second.partitions) {
      list += "<Partition><Column Name=\"p\" Value=\"" + name.substr(name.find('=') + 1) +
              "\"/></Partition>";
    }
    return {200, {}, "<Partitions>" + list + "</Partitions>"};
  }
  json schema = {{"columns", ColumnsOf(false)}, {"Reserved", "{}"}};
  if (table->second.partitioned) schema["partitionKeys"] = ColumnsOf(true);
  return {200,
          {},
          "<Table><Name>" + table->first + "</Name><Schema format=\"Json\"><![CDATA[" +
              schema.dump() + "]]></Schema></Table>"};
}

Answer TargetSide::RespondInstance(const Asked& asked) {
  if (asked.method == "POST") return Submit(asked);
  if (asked.path.ends_with(kJobPath)) {
    std::string list;
    for (const auto& [id, statement] : statements_) {
      list += "<Instance><Name>" + id + "</Name></Instance>";
    }
    return {200, {}, "<Instances>" + list + "</Instances>"};
  }
  const auto statement = statements_.find(asked.Last());
  if (statement == statements_.end()) return Refused(404, "NoSuchInstance", "no instance");
  if (asked.method == "PUT") return Refused(409, "InvalidStateSetting", "it has ended");
  if (asked.Has("source")) return {200, {}, statement->second.document};
  if (asked.Has("taskstatus") || asked.Has("result")) {
    return {200, {}, TaskDocument(statement->second.result)};
  }
  return {200, {}, "<Instance><Status>Terminated</Status></Instance>"};
}

Answer TargetSide::Submit(const Asked& asked) {
  const std::string begin = "<Query>";
  const size_t at = asked.body.find(begin) + begin.size();
  const std::string text = asked.body.substr(at, asked.body.find("</Query>") - at);
  Statement statement{asked.body, ""};
  Run(Unescaped(text), &statement.result);
  const std::string id = "i" + std::to_string(++last_id_);
  statements_[id] = std::move(statement);
  return {201, {{"location", "http://" + asked.host + asked.path + "/" + id}}, ""};
}

void TargetSide::Run(const std::string& statement, std::string* result) {
  if (statement.starts_with("CREATE TABLE")) {
    const std::string name = NameBehind(statement, "IF NOT EXISTS ");
    const auto [table, made] = tables.try_emplace(name);
    if (!made) return;
    table->second.partitioned = statement.find("PARTITIONED BY") != statement.npos;
    if (!table->second.partitioned) table->second.partitions[""];
  } else if (statement.starts_with("ALTER TABLE")) {
    TargetTable& table = tables[NameBehind(statement, "ALTER TABLE ")];
    for (size_t at = statement.find("='"); at != statement.npos;) {
      const size_t end = statement.find('\'', at + 2);
      table.partitions["p=" + statement.substr(at + 2, end - at - 2)];
      at = statement.find("='", end);
    }
  } else if (statement.find("COUNT(*)") != statement.npos) {
    const TargetTable& table = tables[NameBehind(statement, "FROM ")];
    *result = table.partitioned ? "\"p\",\"rows_found\"\n" : "\"rows_found\"\n";
    for (const auto& [name, partition] : table.partitions) {
      if (table.partitioned && partition.rows.empty()) continue;
      const std::string value = name.substr(name.find('=') + 1);
      *result += (table.partitioned ? "\"" + value + "\"," : "") +
                 std::to_string(partition.rows.size()) + "\n";
    }
  } else {
    violation_("a statement that the simulation does not know: " + statement);
  }
}

}  // namespace mms::simulation
