#include "sandbox/documents.h"

#include <openssl/evp.h>

#include <nlohmann/json.hpp>

namespace mms::sandbox {
namespace {

using Json = nlohmann::json;

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Answer Xml(const XmlDocument& document) {
  return {200, {{"Content-Type", "application/xml"}}, document.ToText()};
}

Json ColumnList(const std::vector<Column>& columns) {
  Json list = Json::array();
  for (const Column& column : columns) {
    Json item{{"name", column.name},
              {"type", column.type.ToText()},
              {"comment", column.comment},
              {"label", ""},
              {"isNullable", column.nullable}};
    if (!column.default_text.empty()) item["defaultValue"] = column.default_text;
    list.push_back(std::move(item));
  }
  return list;
}

Json TunnelColumns(const std::vector<Column>& columns) {
  Json list = Json::array();
  for (const Column& column : columns) {
    // PyODPS compares column_id with "" first: text, empty outside upsert sessions.
    list.push_back({{"name", column.name},
                    {"type", column.type.ToText()},
                    {"nullable", column.nullable ? "true" : "false"},
                    {"comment", column.comment},
                    {"column_id", ""}});
  }
  return list;
}

std::string OwnerOf(const Table& table) { return table.owner.empty() ? kOwner : table.owner; }

Json TableMembers(const Table& table, const TableSize& size) {
  Json properties(table.properties);
  // tableProperties and serDeProperties are JSON texts inside strings; an object makes PyODPS fail.
  return {{"columns", ColumnList(table.columns)},
          {"partitionKeys", ColumnList(table.partition_columns)},
          {"tableName", table.name.table},
          {"comment", table.comment},
          {"owner", OwnerOf(table)},
          {"tableLabel", "0"},
          {"createTime", table.created_s},
          {"lastModifiedTime", table.modified_s},
          {"lastDDLTime", table.ddl_s},
          {"isVirtualView", false},
          {"isMaterializedView", false},
          {"lifecycle", table.lifecycle_days},
          {"size", size.bytes},
          {"recordNum", size.rows},
          {"shardExist", false},
          {"tableProperties", Dump(properties)},
          {"serDeProperties", "{}"}};
}

/// The kind of the table as PyODPS and the Java SDK read it out of `Reserved`.
Json ReservedMembers(const Table& table) {
  Json reserved{{"schema_version", "1"},
                {"Transactional", table.transactional() ? "true" : "false"}};
  if (!table.primary_key.empty()) reserved["PrimaryKey"] = table.primary_key;
  if (table.clustering) {
    reserved["ClusterType"] = table.clustering->range ? "range" : "hash";
    if (table.clustering->buckets > 0) reserved["BucketNum"] = table.clustering->buckets;
    reserved["ClusterCols"] = table.clustering->columns;
    Json sort = Json::array();
    for (const auto& [name, descending] : table.clustering->sort) {
      // "col", as both SDKs read it; a table without SORTED BY has no SortCols.
      sort.push_back({{"col", name}, {"order", descending ? "desc" : "asc"}});
    }
    if (!sort.empty()) reserved["SortCols"] = std::move(sort);
  }
  for (const auto& [key, value] : table.properties) {
    // Every property of a Delta table shows here; "transactional" has its own member.
    if (key != "transactional") reserved[key] = value;
  }
  bool keyed = !table.primary_key.empty();
  if (keyed && !reserved.contains("write.bucket.num")) reserved["write.bucket.num"] = "16";
  if (keyed && !reserved.contains("acid.data.retain.hours")) {
    reserved["acid.data.retain.hours"] = "24";
  }
  return reserved;
}

Json ExtendedMembers(const Table& table, const TableSize& size) {
  return {{"FileNum", size.files},
          {"IsArchived", false},
          {"PhysicalSize", size.bytes},
          {"Reserved", Dump(ReservedMembers(table))}};
}

const char* TaskStatusName(InstanceState state) {
  switch (state) {
    case InstanceState::kWaiting: return "Waiting";
    case InstanceState::kRunning: return "Running";
    case InstanceState::kSuccess: return "Success";
    case InstanceState::kFailed: return "Failed";
    case InstanceState::kCancelled: return "Cancelled";
  }
  return "Failed";
}

std::string Base64(const std::string& bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                             reinterpret_cast<const unsigned char*>(bytes.data()),
                             static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(size));
  return text;
}

}  // namespace

Answer TenantDocument() {
  Json tenant{{"TenantId", "mms-sandbox"},
              {"Name", "mms-sandbox"},
              {"TenantMeta", "{}"},
              {"Parameters", {{"odps.namespace.schema", "false"}}}};
  Json body = tenant;
  body["Tenant"] = tenant;  // where odps-sdk-core 0.52 looks; PyODPS 0.13 takes either
  return {200, {{"Content-Type", "application/json"}}, Dump(body)};
}

Answer ProjectDocument(const std::string& project, bool has_schemas) {
  XmlDocument document("Project");
  XmlElement root = document.root();
  root.Add("Name", project);
  root.Add("Type", "managed");
  root.Add("Comment", "local MaxCompute sandbox");
  root.Add("State", "AVAILABLE");
  root.Add("Region", "local");
  XmlElement properties = root.Add("Properties");
  for (const auto& [name, value] :
       {std::pair{"odps.schema.model.enabled", has_schemas ? "true" : "false"},
        {"odps.sql.type.system.odps2", "true"},
        {"odps.sql.decimal.odps2", "true"},
        {"odps.table.lifecycle", "optional"},
        {"odps.sql.timezone", "UTC"}}) {
    XmlElement property = properties.Add("Property");
    property.Add("Name", name);
    property.Add("Value", value);
  }
  Answer answer = Xml(document);
  answer.headers.emplace_back("x-odps-owner", kOwner);
  answer.headers.emplace_back("x-odps-creation-time", HttpDate(0));
  answer.headers.emplace_back("Last-Modified", HttpDate(0));
  return answer;
}

Answer SchemaListDocument(const std::vector<std::string>& schemas) {
  XmlDocument document("Schemas");
  for (const std::string& name : schemas) {
    XmlElement schema = document.root().Add("Schema");
    schema.Add("Name", name);
    schema.Add("Owner", kOwner);
  }
  document.root().Add("Marker");
  document.root().Add("MaxItems", "1000");
  return Xml(document);
}

Answer SchemaDocument(const std::string& project, const std::string& schema) {
  XmlDocument document("Schema");
  document.root().Add("Name", schema);
  document.root().Add("Project", project);
  document.root().Add("Owner", kOwner);
  document.root().Add("Type", "MANAGED");
  Answer answer = Xml(document);
  answer.headers.emplace_back("x-odps-owner", kOwner);
  answer.headers.emplace_back("x-odps-creation-time", HttpDate(0));
  answer.headers.emplace_back("Last-Modified", HttpDate(0));
  return answer;
}

Answer TableListDocument(const std::vector<Table>& tables, const std::string& marker) {
  XmlDocument document("Tables");
  for (const Table& table : tables) {
    XmlElement item = document.root().Add("Table");
    item.Add("Name", table.name.table);
    item.Add("Owner", OwnerOf(table));
    item.Add("Type", "MANAGED_TABLE");
    item.Add("CreationTime", HttpDate(table.created_s));
  }
  document.root().Add("Marker", marker);
  document.root().Add("MaxItems", "1000");
  return Xml(document);
}

Answer TableDocument(const Table& table, const TableSize& size, bool extended) {
  XmlDocument document("Table");
  XmlElement root = document.root();
  root.Add("Name", table.name.table);
  root.Add("TableId", std::to_string(table.id));
  root.Add("Owner", OwnerOf(table));
  root.Add("Type", "MANAGED_TABLE");
  root.Add("Project", table.name.project);
  root.Add("SchemaName", table.name.schema);
  root.Add("CreationTime", HttpDate(table.created_s));
  root.Add("LastModifiedTime", HttpDate(table.modified_s));
  Json json = extended ? ExtendedMembers(table, size) : TableMembers(table, size);
  root.AddCdata("Schema", Dump(json)).Attribute("format", "Json");
  Answer answer = Xml(document);
  answer.headers.emplace_back("x-odps-owner", OwnerOf(table));
  answer.headers.emplace_back("x-odps-creation-time", HttpDate(table.created_s));
  answer.headers.emplace_back("Last-Modified", HttpDate(table.modified_s));
  return answer;
}

Answer PartitionListDocument(const std::vector<PartitionInfo>& partitions,
                             const std::string& marker) {
  XmlDocument document("Partitions");
  for (const PartitionInfo& partition : partitions) {
    XmlElement item = document.root().Add("Partition");
    std::string_view spec = partition.spec;
    while (!spec.empty()) {
      size_t end = std::min(spec.find('/'), spec.size());
      size_t equals = spec.find('=');
      item.Add("Column")
          .Attribute("Name", spec.substr(0, equals))
          .Attribute("Value", spec.substr(equals + 1, end - equals - 1));
      spec.remove_prefix(std::min(end + 1, spec.size()));
    }
    item.Add("CreationTime", std::to_string(partition.created_s));
    item.Add("LastDDLTime", std::to_string(partition.created_s));
    item.Add("LastModifiedTime", std::to_string(partition.modified_s));
    item.Add("PartitionSize", std::to_string(partition.bytes));
    item.Add("PartitionRecordCount", std::to_string(partition.rows));
  }
  document.root().Add("Marker", marker);
  document.root().Add("MaxItems", "1000");
  return Xml(document);
}

Answer PartitionNamesDocument(const std::vector<PartitionInfo>& partitions) {
  XmlDocument document("Partitions");
  for (const PartitionInfo& partition : partitions) {
    document.root().Add("Partition").Add("Name", partition.spec);
  }
  document.root().Add("Marker");
  document.root().Add("MaxItems", std::to_string(partitions.size()));
  return Xml(document);
}

Answer PartitionDocument(const PartitionInfo& partition, bool extended) {
  XmlDocument document("Partition");
  Json json{{"createTime", partition.created_s},
            {"lastDDLTime", partition.created_s},
            {"lastModifiedTime", partition.modified_s},
            {"partitionSize", partition.bytes},
            {"partitionRecordNum", partition.rows}};
  if (extended) {
    json = {{"FileNum", 1},
            {"IsArchived", false},
            {"PhysicalSize", partition.bytes},
            {"LifeCycle", -1},
            {"Reserved", "{}"}};
  }
  document.root().AddCdata("Schema", Dump(json));
  return Xml(document);
}

Answer InstanceStatusDocument(const InstanceView& instance) {
  XmlDocument document("Instance");
  document.root().Add("Status", instance.finished() ? "Terminated" : "Running");
  Answer answer = Xml(document);
  answer.headers.emplace_back("x-odps-owner", kOwner);
  answer.headers.emplace_back("x-odps-start-time", HttpDate(instance.submitted_s));
  // Empty, not absent, while it runs: odps-sdk-core 0.52 fails on an absent one.
  answer.headers.emplace_back("x-odps-end-time",
                              instance.finished() ? HttpDate(instance.ended_s) : "");
  return answer;
}

Answer TaskStatusDocument(const InstanceView& instance) {
  XmlDocument document("Instance");
  document.root().Add("Status", instance.finished() ? "Terminated" : "Running");
  XmlElement task = document.root().Add("Tasks").Add("Task");
  task.Attribute("Type", "SQL");
  task.Add("Name", instance.job.task_name);
  task.Add("StartTime", HttpDate(instance.submitted_s));
  if (instance.finished()) task.Add("EndTime", HttpDate(instance.ended_s));
  task.Add("Status", TaskStatusName(instance.state));
  task.Add("Histories");
  return Xml(document);
}

Answer InstanceResultDocument(const InstanceView& instance, const std::string& csv) {
  XmlDocument document("Instance");
  XmlElement task = document.root().Add("Tasks").Add("Task");
  task.Attribute("Type", "SQL");
  task.Add("Name", instance.job.task_name);
  bool is_csv = instance.is_select && instance.state == InstanceState::kSuccess;
  if (is_csv) {
    task.AddCdata("Result", Base64(csv))
        .Attribute("Transform", "Base64")
        .Attribute("Format", "csv");
  } else {
    task.AddCdata("Result", instance.text).Attribute("Format", "text");
  }
  task.Add("Status", TaskStatusName(instance.state));
  return Xml(document);
}

Answer InstanceListDocument(const std::vector<InstanceView>& instances, const std::string& marker) {
  XmlDocument document("Instances");
  for (const InstanceView& instance : instances) {
    XmlElement item = document.root().Add("Instance");
    item.Add("Name", instance.id);
    item.Add("Owner", kOwner);
    item.Add("StartTime", HttpDate(instance.submitted_s));
    if (instance.finished()) item.Add("EndTime", HttpDate(instance.ended_s));
    item.Add("Status", instance.finished() ? "Terminated" : "Running");
  }
  document.root().Add("Marker", marker);
  document.root().Add("MaxItems", "1000");
  return Xml(document);
}

Answer InstanceSummaryDocument(const InstanceView& instance) {
  int64_t seconds = instance.finished() ? instance.ended_s - instance.submitted_s : 0;
  nlohmann::json summary{{"Instance", {{"InstanceId", instance.id}, {"RunTimeSeconds", seconds}}}};
  std::string text = "Job run time: " + std::to_string(seconds) + " s";
  Answer answer{200,
                {{"Content-Type", "application/json"}},
                Dump({{"Instance", {{"JsonSummary", summary.dump()}, {"Summary", text}}}})};
  answer.headers.emplace_back("x-odps-task-finalized", instance.finished() ? "true" : "false");
  return answer;
}

Answer InstanceProgressDocument(const InstanceView& instance) {
  XmlDocument document("Progress");
  bool waits = instance.state == InstanceState::kWaiting;
  XmlElement stage = document.root().Add("Stage");
  stage.Attribute("ID", "M1_job_0");
  stage.Add("BackupWorkers", "0");
  stage.Add("TerminatedWorkers", instance.finished() ? "1" : "0");
  stage.Add("RunningWorkers", instance.finished() || waits ? "0" : "1");
  stage.Add("TotalWorkers", "1");
  stage.Add("InputRecords", "0");
  stage.Add("OutputRecords", "0");
  stage.Add("FinishedPercentage", instance.finished() ? "100" : "0");
  return Xml(document);
}

std::string TunnelSchemaJson(const std::vector<Column>& columns,
                             const std::vector<Column>& partition_columns) {
  return Dump({{"columns", TunnelColumns(columns)},
               {"partitionKeys", TunnelColumns(partition_columns)},
               {"IsVirtualView", false}});
}

}  // namespace mms::sandbox
