#include "migration/plan/plan_json.h"

#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/dictionary.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/type.h>
#include <arrow/util/base64.h>

#include <nlohmann/json.hpp>
#include <utility>

namespace mms::migration {
namespace {

using nlohmann::json;

Error Invalid(std::string_view what, std::string_view why) {
  return Error(ErrorKind::kCorrupt, "PLAN_INVALID",
               "a stored " + std::string(what) + " cannot be read: " + std::string(why) +
                   "; plan the table again in a new state folder");
}

/// Reads `document` by `read`; a missing member or one of another type is our error.
template <class Read>
auto Guard(std::string_view what, Read&& read) -> decltype(read()) {
  try {
    return read();
  } catch (const json::exception& exception) {
    return Invalid(what, exception.what());
  }
}

template <class T>
json OptionalToJson(const std::optional<T>& value) {
  return value ? json(*value) : json(nullptr);
}

template <class T>
std::optional<T> OptionalAt(const json& document, const char* name) {
  const json& value = document.at(name);
  return value.is_null() ? std::nullopt : std::optional<T>(value.get<T>());
}

json SchemaToJson(const std::shared_ptr<arrow::Schema>& schema) {
  if (!schema) return nullptr;
  auto buffer = arrow::ipc::SerializeSchema(*schema);
  CHECK(buffer.ok());  // fails only without memory
  return arrow::util::base64_encode(std::string_view(
      reinterpret_cast<const char*>((*buffer)->data()), static_cast<size_t>((*buffer)->size())));
}

Result<std::shared_ptr<arrow::Schema>> SchemaFromJson(const json& document) {
  if (document.is_null()) return std::shared_ptr<arrow::Schema>();
  auto bytes = arrow::util::base64_decode(document.get_ref<const std::string&>());
  if (!bytes.ok()) return Invalid("schema", bytes.status().message());
  arrow::io::BufferReader reader(arrow::Buffer::FromString(*std::move(bytes)));
  arrow::ipc::DictionaryMemo memo;
  auto schema = arrow::ipc::ReadSchema(&reader, &memo);
  if (!schema.ok()) return Invalid("schema", schema.status().message());
  return *std::move(schema);
}

json ChangesToJson(const std::vector<Change>& changes) {
  json out = json::array();
  for (const Change change : changes) out.push_back(ChangeName(change));
  return out;
}

json ColumnToJson(const ColumnPlan& column) {
  return {{"source_name", column.source_name},
          {"source_type", column.source_type},
          {"name", column.target.name},
          {"type", maxcompute::ToText(column.target.type, true)},
          {"comment", column.target.comment},
          {"nullable", column.target.nullable},
          {"note", column.note},
          {"origin", static_cast<int>(column.origin)},
          {"index", column.index},
          {"may_change", ChangesToJson(column.may_change)},
          {"partitions_mapped", column.partitions_mapped},
          {"fidelity", column.fidelity ? json(FidelityName(*column.fidelity)) : json(nullptr)}};
}

Result<ColumnPlan> ColumnFromJson(const json& document, size_t position) {
  ColumnPlan column;
  column.index = static_cast<int>(position);
  document.at("source_name").get_to(column.source_name);
  document.at("source_type").get_to(column.source_type);
  document.at("name").get_to(column.target.name);
  TRY(column.target.type, maxcompute::ParseType(document.at("type").get<std::string>()));
  document.at("comment").get_to(column.target.comment);
  document.at("nullable").get_to(column.target.nullable);
  document.at("note").get_to(column.note);
  if (!document.contains("origin")) return column;  // written before there were several
  column.origin = static_cast<Origin>(document.at("origin").get<int>());
  document.at("index").get_to(column.index);
  for (const json& name : document.at("may_change")) {
    const auto change = ParseChange(name.get_ref<const std::string&>());
    if (!change) return Invalid("column", "it has an unknown change");
    column.may_change.push_back(*change);
  }
  document.at("partitions_mapped").get_to(column.partitions_mapped);
  const json fidelity = document.value("fidelity", json());
  if (fidelity.is_null()) return column;  // written before there were verdicts
  column.fidelity = ParseFidelity(fidelity.get_ref<const std::string&>());
  if (!column.fidelity) return Invalid("column", "it has an unknown fidelity");
  return column;
}

json ColumnsToJson(const std::vector<ColumnPlan>& columns) {
  json out = json::array();
  for (const ColumnPlan& column : columns) out.push_back(ColumnToJson(column));
  return out;
}

Result<std::vector<ColumnPlan>> ColumnsFromJson(const json& document) {
  std::vector<ColumnPlan> columns;
  for (const json& entry : document) {
    TRY(ColumnPlan column, ColumnFromJson(entry, columns.size()));
    columns.push_back(std::move(column));
  }
  return columns;
}

json LeftOutToJson(const std::vector<LeftOutColumn>& columns) {
  json out = json::array();
  for (const LeftOutColumn& column : columns) {
    out.push_back(json::array({column.source_name, column.physical_name, column.source_type}));
  }
  return out;
}

/// What plans hold since the user can choose kinds and policies.
Status ChoicesFromJson(const json& document, TablePlan* plan) {
  TRY(plan->merged, SchemaFromJson(document.at("merged")));
  document.at("at_target").get_to(plan->at_target);
  const auto there = document.find("schema_there");  // absent in plans of earlier releases
  if (there != document.end() && there->is_boolean()) plan->schema_there = there->get<bool>();
  plan->target_id = document.value("target_id", "");
  document.at("add_columns").get_to(plan->add_columns);
  for (const json& column : document.at("left_out")) {
    plan->left_out.push_back({column.at(0), column.at(1), column.at(2)});
  }
  document.at("taken_up").get_to(plan->taken_up);
  plan->settings = TableSettingsFromJson(document.at("settings"));
  plan->values = ValuePolicyFromJson(document.at("values"));
  document.at("choices").get_to(plan->choices);
  if (const json hashes = document.value("not_loaded", json()); !hashes.is_null()) {
    plan->not_loaded = hashes.get<std::vector<uint64_t>>();
  }
  return OkStatus();
}

json LocationToJson(const azure::Location& location) {
  return {{"local", location.local},
          {"account", location.account},
          {"suffix", location.suffix},
          {"container", location.container},
          {"path", location.path}};
}

azure::Location LocationFromJson(const json& document) {
  azure::Location location;
  document.at("local").get_to(location.local);
  document.at("account").get_to(location.account);
  document.at("suffix").get_to(location.suffix);
  document.at("container").get_to(location.container);
  document.at("path").get_to(location.path);
  return location;
}

json VectorToJson(const std::optional<delta::DeletionVector>& vector) {
  if (!vector) return nullptr;
  return {{"storage_type", vector->storage_type},
          {"path_or_inline", vector->path_or_inline},
          {"offset", OptionalToJson(vector->offset)},
          {"size_bytes", vector->size_bytes},
          {"cardinality", vector->cardinality}};
}

std::optional<delta::DeletionVector> VectorFromJson(const json& document) {
  if (document.is_null()) return std::nullopt;
  delta::DeletionVector vector;
  document.at("storage_type").get_to(vector.storage_type);
  document.at("path_or_inline").get_to(vector.path_or_inline);
  vector.offset = OptionalAt<int32_t>(document, "offset");
  document.at("size_bytes").get_to(vector.size_bytes);
  document.at("cardinality").get_to(vector.cardinality);
  return vector;
}

json SliceToJson(const FileSlice& slice) {
  json out = {{"path", slice.path},
              {"size_bytes", slice.size_bytes},
              {"start", slice.start},
              {"length", slice.length}};
  if (slice.deletion_vector) out["deletion_vector"] = VectorToJson(slice.deletion_vector);
  if (!slice.etag.empty()) out["etag"] = slice.etag;
  if (slice.sql) out["sql"] = {{"condition", slice.sql->condition}, {"rows", slice.sql->rows}};
  for (const auto& value : slice.merged_values) {
    out["merged_values"].push_back(OptionalToJson(value));
  }
  return out;
}

FileSlice SliceFromJson(const json& document) {
  FileSlice slice;
  document.at("path").get_to(slice.path);
  document.at("size_bytes").get_to(slice.size_bytes);
  document.at("start").get_to(slice.start);
  document.at("length").get_to(slice.length);
  if (document.contains("deletion_vector")) {
    slice.deletion_vector = VectorFromJson(document["deletion_vector"]);
  }
  slice.etag = document.value("etag", "");
  if (document.contains("sql")) {
    slice.sql = SqlPart{document["sql"].at("condition"), document["sql"].at("rows")};
  }
  for (const json& value : document.value("merged_values", json::array())) {
    slice.merged_values.push_back(value.is_null() ? std::nullopt
                                                  : std::optional(value.get<std::string>()));
  }
  return slice;
}

}  // namespace

json ToJson(const TablePlan& plan) {
  json sql;
  if (plan.sql) {
    sql = {{"table", plan.sql->table},
           {"version", OptionalToJson(plan.sql->version)},
           {"nested_as_json", plan.sql->nested_as_json}};
  }
  return {{"sql", std::move(sql)},
          {"source_name", plan.source_name},
          {"location", LocationToJson(plan.location)},
          {"format", plan.format},
          {"options", plan.options},
          {"version", plan.version},
          {"table_id", plan.table_id},
          {"commit_mark", plan.commit_mark},
          {"target_table", plan.target_table},
          {"comment", plan.comment},
          {"column_mapping", plan.column_mapping},
          {"columns", ColumnsToJson(plan.columns)},
          {"partition_columns", ColumnsToJson(plan.partition_columns)},
          {"physical", SchemaToJson(plan.physical)},
          {"merged", SchemaToJson(plan.merged)},
          {"at_target", plan.at_target},
          {"schema_there", plan.schema_there ? json(*plan.schema_there) : json()},
          {"target_id", plan.target_id},
          {"add_columns", plan.add_columns},
          {"left_out", LeftOutToJson(plan.left_out)},
          {"taken_up", plan.taken_up},
          {"settings", ToJson(plan.settings)},
          {"values", ToJson(plan.values)},
          {"choices", plan.choices},
          {"not_loaded", plan.not_loaded ? json(*plan.not_loaded) : json()},
          {"warnings", plan.warnings}};
}

Result<TablePlan> TablePlanFromJson(const json& document) {
  return Guard("table plan", [&]() -> Result<TablePlan> {
    TablePlan plan;
    document.at("source_name").get_to(plan.source_name);
    plan.location = LocationFromJson(document.at("location"));
    plan.format = document.value("format", kDeltaFormat);
    plan.options = document.value("options", plan.options);
    document.at("version").get_to(plan.version);
    document.at("table_id").get_to(plan.table_id);
    plan.commit_mark = document.value("commit_mark", "");
    document.at("target_table").get_to(plan.target_table);
    document.at("comment").get_to(plan.comment);
    document.at("column_mapping").get_to(plan.column_mapping);
    TRY(plan.columns, ColumnsFromJson(document.at("columns")));
    TRY(plan.partition_columns, ColumnsFromJson(document.at("partition_columns")));
    TRY(plan.physical, SchemaFromJson(document.at("physical")));
    document.at("warnings").get_to(plan.warnings);
    if (const json sql = document.value("sql", json()); !sql.is_null()) {
      plan.sql = SqlReading{sql.at("table"), OptionalAt<int64_t>(sql, "version"),
                            sql.at("nested_as_json")};
    }
    if (document.contains("choices")) TRY_VOID(ChoicesFromJson(document, &plan));
    return plan;
  });
}

json ToJson(const UnitPlan& unit) {
  json splits = json::array();
  for (const Split& split : unit.splits) splits.push_back(ToJson(split));
  json base;
  if (unit.base) {
    base = {{"files", unit.base->files},
            {"rows", unit.base->rows},
            {"checksum", unit.base->checksum},
            {"changes", unit.base->changes}};
  }
  return {{"base", std::move(base)},
          {"target_partition", ToJson(unit.target_partition)},
          {"rows", OptionalToJson(unit.rows)},
          {"bytes", unit.bytes},
          {"files", unit.files},
          {"fingerprint", unit.fingerprint},
          {"sources", unit.sources},
          {"splits", std::move(splits)}};
}

Result<UnitPlan> UnitPlanFromJson(const json& document) {
  return Guard("unit plan", [&]() -> Result<UnitPlan> {
    UnitPlan unit;
    TRY(unit.target_partition, PartitionFromJson(document.at("target_partition")));
    unit.rows = OptionalAt<int64_t>(document, "rows");
    document.at("bytes").get_to(unit.bytes);
    document.at("files").get_to(unit.files);
    document.at("fingerprint").get_to(unit.fingerprint);
    for (const json& entry : document.at("splits")) {
      TRY(Split split, SplitFromJson(entry));
      unit.splits.push_back(std::move(split));
    }
    if (const json base = document.value("base", json()); !base.is_null()) {
      unit.base = UnitPlan::Base{base.at("files"), base.at("rows"), base.at("checksum"),
                                 base.at("changes")};
    }
    unit.sources = document.value("sources", unit.sources);
    return unit;
  });
}

json ToJson(const Split& split) {
  json slices = json::array();
  for (const FileSlice& slice : split.slices) slices.push_back(SliceToJson(slice));
  return {{"block_id", split.block_id}, {"bytes", split.bytes}, {"slices", std::move(slices)}};
}

Result<Split> SplitFromJson(const json& document) {
  return Guard("split", [&]() -> Result<Split> {
    Split split;
    document.at("block_id").get_to(split.block_id);
    document.at("bytes").get_to(split.bytes);
    for (const json& entry : document.at("slices")) split.slices.push_back(SliceFromJson(entry));
    return split;
  });
}

json ToJson(const maxcompute::PartitionSpec& partition) {
  // A list of pairs: an object would lose the order of the levels.
  json out = json::array();
  for (const auto& [name, value] : partition) out.push_back(json::array({name, value}));
  return out;
}

Result<maxcompute::PartitionSpec> PartitionFromJson(const json& document) {
  return Guard("partition", [&]() -> Result<maxcompute::PartitionSpec> {
    if (!document.is_array()) return Invalid("partition", "it is no list");
    maxcompute::PartitionSpec partition;
    for (const json& level : document) {
      partition.emplace_back(level.at(0).get<std::string>(), level.at(1).get<std::string>());
    }
    return partition;
  });
}

}  // namespace mms::migration
