#include "migration/plan/plan.h"

#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/lower_ascii.h"
#include "migration/inspect/partition_timestamp.h"
#include "migration/plan/ddl.h"
#include "migration/plan/drift.h"
#include "migration/plan/frozen_table.h"
#include "migration/plan/names.h"
#include "migration/plan/partition_expression.h"
#include "migration/plan/partitions.h"
#include "migration/plan/splits.h"
#include "migration/plan/table_kind.h"
#include "migration/plan/type_map.h"

namespace mms::migration {
namespace {

constexpr size_t kProblemsShown = 8;

/// What is wrong with the columns of a table, together: who renames one column renames them all.
class Problems {
 public:
  void Add(Error error) {
    ++count_;
    if (!first_) {
      first_ = std::move(error);
    } else if (count_ <= kProblemsShown) {
      more_ += "; " + error.message();
    }
  }
  Status ToStatus() const {
    if (!first_) return OkStatus();
    std::string message = first_->message() + more_;
    if (count_ > kProblemsShown) message += fmt::format("; and {} more", count_ - kProblemsShown);
    return Error(first_->kind(), first_->code(), std::move(message));
  }

 private:
  std::optional<Error> first_;
  std::string more_;
  size_t count_ = 0;
};

Error SchemaInvalid(std::string why) {
  return Error(
      ErrorKind::kCorrupt, "DELTA_SCHEMA_INVALID",
      why + "; repair the table at the source, or leave it out (`exclude`, of a job --but)");
}

class Planner {
 public:
  Planner(const Snapshot& snapshot, const PlanOptions& options)
      : snapshot_(snapshot), options_(options), policy_(options.policy) {
    const size_t levels = snapshot.partition_columns.size();
    const std::optional<int> of_job = snapshot_.source.settings.partition_levels;
    const std::optional<int> asked = of_job ? of_job : policy_.max_partition_levels;
    levels_ = asked ? std::min(static_cast<size_t>(*asked), levels) : levels;
  }

  Result<TablePlan> Run(const std::optional<maxcompute::TableInfo>& at_target) {
    plan_.source_name = snapshot_.source.name;
    plan_.location = snapshot_.source.location;
    plan_.format = snapshot_.source.format;
    plan_.options = snapshot_.options;
    plan_.warnings = snapshot_.warnings;
    plan_.version = snapshot_.version;
    plan_.table_id = snapshot_.table_id;
    plan_.commit_mark = snapshot_.commit_mark;
    plan_.sql = snapshot_.sql;
    plan_.warnings.insert(plan_.warnings.end(), snapshot_.source.warnings.begin(),
                          snapshot_.source.warnings.end());
    if (plan_.sql && !plan_.sql->version) {
      Warn("its rows are read by SQL and have no version: the whole table is copied by every run");
    }
    plan_.column_mapping = snapshot_.column_mapping;
    plan_.comment = CutComment(snapshot_.source.comment);
    if (plan_.comment.size() < snapshot_.source.comment.size()) {
      Warn(fmt::format("the table's comment is cut to {} bytes", kCommentMaxBytes));
    }
    plan_.settings = snapshot_.source.settings;
    plan_.values = policy_.values;
    plan_.choices = ChoicesId(policy_, plan_.settings);
    TRY(plan_.target_table, TargetTableName(snapshot_.source, policy_));
    TRY(fields_, ParseDeltaSchema(snapshot_.schema_json));
    TRY_VOID(CheckLimits());
    CHECK(snapshot_.logical);
    TRY_VOID(PlanColumns());
    TRY_VOID(TakeSchemas());
    TRY_VOID(SettleKind(at_target, &plan_));
    if (at_target) {
      plan_.at_target = true;
      plan_.target_id = TargetId(at_target);
      TRY_VOID(FollowTarget(*at_target, policy_, required_, &plan_));
      WarnOfLeftOut();
    }
    TRY_VOID(PlanUnits());
    return std::move(plan_);
  }

  /// Empty unless Run failed for columns.
  ColumnRefusals Refusals() const {
    ColumnRefusals refusals{{}, refused_};
    if (refused_.empty()) return refusals;
    if (const auto counts = plan_.CountFidelity()) refusals.counts = *counts;
    refusals.counts.refused = static_cast<int64_t>(refused_.size());
    return refusals;
  }

 private:
  void Warn(std::string text) { plan_.warnings.push_back(std::move(text)); }

  /// Partition columns that stay such; those of deeper levels become ordinary ones.
  bool IsPartitionColumn(const std::string& name) const {
    const auto end = snapshot_.partition_columns.begin() + static_cast<ptrdiff_t>(levels_);
    return std::find(snapshot_.partition_columns.begin(), end, name) != end;
  }

  bool IsMerged(const std::string& name) const {
    const auto& names = snapshot_.partition_columns;
    return !IsPartitionColumn(name) && std::find(names.begin(), names.end(), name) != names.end();
  }

  std::string PhysicalName(const std::string& name) const {
    const auto physical = snapshot_.physical_names.find(name);
    return physical == snapshot_.physical_names.end() ? name : physical->second;
  }

  void WarnOfLeftOut() {
    for (const LeftOutColumn& column : plan_.left_out) {
      Warn(
          fmt::format("column {} {} is not copied: the target table does not have it "
                      "(on_extra_column: ignore)",
                      column.source_name, column.source_type));
    }
  }

  Status CheckLimits() const {
    if (fields_.size() > static_cast<size_t>(options_.columns_max)) {
      return Error(
          ErrorKind::kLimitReached, "COLUMNS_LIMIT",
          fmt::format("the table has {} columns, MaxCompute takes {} with the partition columns; "
                      "split it at the source, or leave it out (`exclude`, of a job --but)",
                      fields_.size(), options_.columns_max));
    }
    if (levels_ > static_cast<size_t>(options_.partition_levels_max)) {
      return Error(
          ErrorKind::kUnsupported, "PARTITION_LEVELS",
          fmt::format(
              "the table has {} partition columns ({}), MaxCompute takes {}; set "
              "policy.max_partition_levels of a migration file, of a job --set "
              "max_partition_level, to make ordinary columns of the others, "
              "partition it by fewer at the source, or leave it out (`exclude`, of a job --but)",
              levels_, fmt::join(snapshot_.partition_columns, ", "),
              options_.partition_levels_max));
    }
    return OkStatus();
  }

  /// Data columns in logical order, then partition columns in level order.
  Status PlanColumns() {
    Problems problems;
    for (const DeltaField& field : fields_) {
      if (IsPartitionColumn(field.name)) continue;
      if (!field.nullable) required_.push_back(field.name);
      AddColumn(field, MapType(field, policy_), &plan_.columns, &problems);
    }
    for (size_t level = 0; level < levels_; ++level) {
      const std::string& name = snapshot_.partition_columns[level];
      const auto field = std::find_if(fields_.begin(), fields_.end(),
                                      [&](const DeltaField& f) { return f.name == name; });
      if (field == fields_.end()) {
        return SchemaInvalid(fmt::format("partition column \"{}\" is not in the schema", name));
      }
      const std::string key = PhysicalName(name);
      // One that cannot be is told of when the column is added.
      const auto named = TargetColumnName(name);
      const std::string target = named ? *named : LowerAscii(name);
      partition_columns_.push_back({name, key, target, DeltaTypeName(*field)});
      const bool has_null = HasNullPartition(snapshot_.files, key);
      AddColumn(*field, MapPartitionType(*field, has_null), &plan_.partition_columns, &problems);
    }
    TRY_VOID(problems.ToStatus());
    if (plan_.columns.empty()) return SchemaInvalid("the table has no data column");
    return OkStatus();
  }

  static std::string DeltaTypeName(const DeltaField& field) {
    return field.type.is_string() ? field.type.get<std::string>() : "";
  }

  /// By the column mapping; nullptr = it does not have it.
  const std::string* AskedName(const std::string& name) const {
    for (const auto& [source, target] : plan_.settings.column_names) {
      if (LowerAscii(source) == LowerAscii(name)) return &target;
    }
    return nullptr;
  }

  Result<std::string> TargetColumnName(const std::string& name) const {
    if (const std::string* asked = AskedName(name)) return MakeColumnName(*asked, {name, {}});
    return MakeColumnName(name, {name, policy_.column_name_map});
  }

  void AddColumn(const DeltaField& field, Result<MappedType> mapped,
                 std::vector<ColumnPlan>* columns, Problems* problems) {
    const auto refuse = [&](const Error& error) {
      refused_.push_back({field.name, SourceTypeText(field), error.message()});
      problems->Add(error);
    };
    auto name = TargetColumnName(field.name);
    if (!name) return refuse(name.error());
    if (auto added = names_.Add(*name, field.name); !added) return refuse(added.error());
    if (!mapped) return refuse(mapped.error());
    ColumnPlan column;
    column.source_name = field.name;
    column.source_type = mapped->source_text;
    column.note = mapped->note;
    const auto logical = snapshot_.logical->GetFieldByName(field.name);
    const bool data = columns == &plan_.columns;
    if (data && logical) column.may_change = MayChange(*logical->type());
    column.fidelity = column.may_change.empty() ? mapped->fidelity : Fidelity::kLossy;
    column.target.name = *name;
    column.target.type = mapped->target;
    column.target.nullable = field.nullable || !policy_.keep_not_null;
    if (LowerAscii(field.name) != *name) {
      const bool asked = AskedName(field.name) != nullptr;
      AddNote(asked ? "renamed by the column mapping" : "renamed by column_name_map", &column);
    }
    const std::string comment = CommentOf(field);
    column.target.comment = CutComment(comment);
    if (column.target.comment.size() < comment.size()) {
      Warn(
          fmt::format("the comment of column {} is cut to {} bytes", field.name, kCommentMaxBytes));
    }
    columns->push_back(std::move(column));
  }

  static void AddNote(std::string_view note, ColumnPlan* column) {
    column->note += fmt::format("{}{}", column->note.empty() ? "" : "; ", note);
  }

  /// What the policies may make of values of this type.
  std::vector<Change> MayChange(const arrow::DataType& type) const {
    std::vector<Change> changes;
    const auto add = [&](bool wanted, Change change) {
      if (wanted) changes.push_back(change);
    };
    const ValuePolicy& values = policy_.values;
    const bool text = type.id() == arrow::Type::STRING;
    const bool bytes = text || type.id() == arrow::Type::BINARY;
    add(bytes && values.on_long_value == LongValue::kTruncate, Change::kCut);
    add(bytes && values.on_long_value == LongValue::kNull, Change::kNullLong);
    add(text && values.on_bad_utf8 == BadUtf8::kReplace, Change::kReplacedUtf8);
    add(text && values.on_bad_utf8 == BadUtf8::kNull, Change::kNullUtf8);
    const bool time = type.id() == arrow::Type::TIMESTAMP;
    add(time && values.on_timestamp_range == FarTimestamp::kNull, Change::kNullTimestamp);
    const bool date = type.id() == arrow::Type::DATE32;
    add(date && values.on_timestamp_range == FarTimestamp::kNull, Change::kNullDate);
    for (const auto& field : type.fields()) {
      for (const Change change : MayChange(*field->type())) {
        if (std::find(changes.begin(), changes.end(), change) == changes.end()) {
          changes.push_back(change);
        }
      }
    }
    std::sort(changes.begin(), changes.end());
    return changes;
  }

  /// The catalog's comment, else the log's.
  std::string CommentOf(const DeltaField& field) const {
    const auto& comments = snapshot_.source.column_comments;
    const auto known = comments.find(field.name);
    if (known != comments.end() && !known->second.empty()) return known->second;
    const auto logged = field.metadata.find("comment");
    if (logged == field.metadata.end() || !logged->is_string()) return "";
    return logged->get<std::string>();
  }

  /// The Arrow schemas of the data columns, checked against the Delta schema's columns.
  Status TakeSchemas() {
    CHECK(snapshot_.physical);
    arrow::FieldVector fields;
    arrow::FieldVector merged;
    for (const auto& field : snapshot_.logical->fields()) {
      if (!IsPartitionColumn(field->name())) fields.push_back(field);
    }
    bool same = fields.size() == plan_.columns.size();
    int in_files = 0;
    for (size_t i = 0; same && i < fields.size(); ++i) {
      ColumnPlan& column = plan_.columns[i];
      same = fields[i]->name() == column.source_name;
      if (IsMerged(column.source_name)) {
        AddNote(fmt::format("a partition column beyond level {}, an ordinary one here", levels_),
                &column);
        column.origin = Origin::kPartition;
        column.index = static_cast<int>(merged.size());
        merged.push_back(fields[i]);
        merged_keys_.push_back(PhysicalName(column.source_name));
      } else {
        column.index = in_files++;
      }
    }
    if (!same || snapshot_.physical->num_fields() != in_files) {
      return Error(
          ErrorKind::kInternal, "PLAN_SCHEMAS_DIFFER",
          "the Delta reader's Arrow schemas do not have the columns of the log's schema; please "
          "report this with the table's schema");
    }
    plan_.physical = snapshot_.physical;
    if (!merged.empty()) plan_.merged = arrow::schema(std::move(merged));
    return OkStatus();
  }

  Status PlanUnits() {
    for (const delta::File& file : snapshot_.files) {
      if (file.size_bytes >= 0) continue;
      return Error(ErrorKind::kCorrupt, "DELTA_LOG_INVALID",
                   fmt::format("file {} has the size {}; repair the table at the source", file.path,
                               file.size_bytes));
    }
    TRY(auto chosen, ChoosePartitions());
    const PartitionRules rules{options_.partitions_max, policy_, std::move(chosen), &plan_.others,
                               &plan_.source_partitions};
    TRY(auto groups, GroupByPartition(snapshot_.files, partition_columns_, rules, &plan_.warnings));
    for (const PartitionGroup& group : groups) {
      for (size_t level = 0; level < levels_; ++level) {
        plan_.partition_columns[level].partitions_mapped += (group.mapped_levels >> level) & 1U;
      }
    }
    for (ColumnPlan& column : plan_.partition_columns) {
      if (column.partitions_mapped == 0) continue;
      column.fidelity = Fidelity::kLossy;
      AddNote(fmt::format("another value in {} of {} partitions (partition_value_map)",
                          column.partitions_mapped, groups.size()),
              &column);
    }
    plan_.units.reserve(groups.size());
    size_t unknown = 0;
    for (PartitionGroup& group : groups) {
      const int64_t task = TaskOf(group);
      TRY(UnitPlan unit, MakeUnit(std::move(group)));
      plan_.units.push_back(std::move(unit));
      plan_.units.back().task = task;
      unknown += plan_.units.back().rows ? 0 : 1;
    }
    if (unknown > 0) {
      Warn(fmt::format(
          "{} has no row count for some files: rows of {} of {} units are unknown before they are "
          "read",
          plan_.format == kDeltaFormat ? "the Delta log" : "a table without a log", unknown,
          plan_.units.size()));
    }
    return OkStatus();
  }

  /// For each file whether it is in a partition that is meant; empty = all are.
  Result<std::vector<bool>> ChoosePartitions() {
    if (snapshot_.source.selection) return ChooseSelected(*snapshot_.source.selection);
    const std::string& text = plan_.settings.partitions;
    if (text.empty()) return std::vector<bool>();
    std::vector<PartitionExpression::Column> columns;
    for (const PartitionColumn& column : partition_columns_) {
      columns.push_back({column.source_name, IsIntegerType(column.delta_type)});
    }
    const auto named = [&](const Error& error) {
      return Error(error.kind(), error.code(), fmt::format("partitions: {}", error.message()));
    };
    auto expression = PartitionExpression::Parse(text, columns);
    if (!expression) return named(expression.error());
    for (const std::string& warning : expression->warnings()) Warn("partitions: " + warning);
    std::vector<bool> chosen(snapshot_.files.size());
    std::vector<std::optional<std::string>> values(columns.size());
    for (size_t i = 0; i < chosen.size(); ++i) {
      for (size_t level = 0; level < columns.size(); ++level) {
        values[level] = ValueOf(snapshot_.files[i], partition_columns_[level].physical_name);
      }
      auto matches = expression->Matches(values);
      if (!matches) return named(matches.error());
      chosen[i] = *matches;
    }
    if (std::find(chosen.begin(), chosen.end(), true) == chosen.end()) {
      return Error(ErrorKind::kInvalidInput, "PARTITION_FILTER",
                   fmt::format("partitions: none of the table's partitions meets {}", text));
    }
    Warn(fmt::format("only the partitions with {} are copied and compared", text));
    return WithThoseOfOnePartition(std::move(chosen));
  }

  Result<std::vector<bool>> ChooseSelected(const PartitionSelection& selection) const {
    if (selection.whole_task != 0) return std::vector<bool>();
    TRY_VOID(CheckColumns(selection, snapshot_.partition_columns));
    std::vector<bool> chosen;
    chosen.reserve(snapshot_.files.size());
    for (const delta::File& file : snapshot_.files) {
      chosen.push_back(selection.task_of.contains(SourceText(file)));
    }
    return WithThoseOfOnePartition(std::move(chosen));
  }

  /// A target partition is written whole: where levels are merged, or one value has two texts in
  /// the log, its other source partitions come along with those that are meant.
  std::vector<bool> WithThoseOfOnePartition(std::vector<bool> chosen) const {
    std::unordered_set<std::string> wanted;
    for (size_t i = 0; i < chosen.size(); ++i) {
      if (chosen[i]) wanted.insert(IdentityOf(snapshot_.files[i]));
    }
    for (size_t i = 0; i < chosen.size(); ++i) {
      if (!chosen[i]) chosen[i] = wanted.contains(IdentityOf(snapshot_.files[i]));
    }
    return chosen;
  }

  std::string IdentityOf(const delta::File& file) const {
    std::vector<std::optional<std::string>> values;
    values.reserve(partition_columns_.size());
    for (const PartitionColumn& column : partition_columns_) {
      values.push_back(ValueOf(file, column.physical_name));
    }
    return PartitionIdentity(values, partition_columns_, policy_);
  }

  /// 0 = none.
  int64_t TaskOf(const PartitionGroup& group) const {
    const auto& selection = snapshot_.source.selection;
    if (!selection) return 0;
    if (selection->whole_task != 0) return selection->whole_task;
    for (const size_t index : group.files) {
      const std::string text = SourceText(snapshot_.files[index]);
      const auto found = selection->task_of.find(text);
      if (found != selection->task_of.end()) return found->second;
    }
    return 0;
  }

  /// PartitionText of the file's values.
  std::string SourceText(const delta::File& file) const {
    std::vector<std::optional<std::string>> values;
    for (const std::string& column : snapshot_.partition_columns) {
      const auto found = file.partition_values.find(PhysicalName(column));
      values.push_back(found == file.partition_values.end() ? std::nullopt : found->second);
    }
    return PartitionText(values);
  }

  Result<UnitPlan> MakeUnit(PartitionGroup group) {
    std::vector<const delta::File*> files;
    files.reserve(group.files.size());
    UnitPlan unit;
    unit.target_partition = std::move(group.target);
    unit.sources = std::move(group.sources);
    unit.files = static_cast<int64_t>(group.files.size());
    unit.rows = 0;
    for (const size_t index : group.files) {
      const delta::File& file = snapshot_.files[index];
      files.push_back(&file);
      unit.bytes += file.size_bytes;
      const int64_t deleted = file.deletion_vector ? file.deletion_vector->cardinality : 0;
      if (!file.rows) unit.rows.reset();
      if (unit.rows) *unit.rows += *file.rows - deleted;
    }
    unit.fingerprint = Fingerprint(files);
    if (snapshot_.sql) {
      SplitBySql(files, &unit);
    } else if (!files.empty()) {
      unit.splits = MakeSplits(files, options_);
    }
    if (!merged_keys_.empty()) TRY_VOID(MergeValues(files, &unit));
    return unit;
  }

  /// One block, a statement for each source partition.
  void SplitBySql(const std::vector<const delta::File*>& parts, UnitPlan* unit) const {
    unit->fingerprint = fmt::format("sql {} {}", snapshot_.reading, unit->fingerprint);
    unit->files = 0;
    Split split;
    for (const delta::File* part : parts) {
      FileSlice slice;
      slice.path = part->path;
      slice.sql = SqlPart{PartitionCondition(SqlValues(*part)), part->rows.value_or(0)};
      slice.length = slice.size_bytes = slice.sql->rows * EstimateRowBytes(*snapshot_.physical);
      split.bytes += slice.length;
      split.slices.push_back(std::move(slice));
    }
    unit->bytes = split.bytes;
    if (unit->rows.value_or(1) > 0) unit->splits.push_back(std::move(split));
  }

  std::vector<SqlPartitionValue> SqlValues(const delta::File& part) const {
    std::vector<SqlPartitionValue> values;
    for (const std::string& name : snapshot_.partition_columns) {
      const auto field = std::find_if(fields_.begin(), fields_.end(),
                                      [&](const DeltaField& f) { return f.name == name; });
      CHECK(field != fields_.end());  // PlanColumns looked at it
      const auto found = part.partition_values.find(name);
      const bool known = found != part.partition_values.end();
      values.push_back({name, DeltaTypeName(*field), known ? found->second : std::nullopt});
    }
    return values;
  }

  /// Gives each slice its file's values of the merged levels.
  Status MergeValues(const std::vector<const delta::File*>& files, UnitPlan* unit) {
    std::unordered_map<std::string_view, const delta::File*> by_path;
    for (const delta::File* file : files) by_path[file->path] = file;
    for (Split& split : unit->splits) {
      for (FileSlice& slice : split.slices) {
        const delta::File& file = *by_path.at(slice.path);
        for (size_t level = 0; level < merged_keys_.size(); ++level) {
          TRY(auto value, MergedValue(file, level));
          slice.merged_values.push_back(std::move(value));
        }
      }
    }
    return OkStatus();
  }

  /// As the log has it; an instant without a zone in UTC.
  Result<std::optional<std::string>> MergedValue(const delta::File& file, size_t level) {
    const std::optional<std::string> value = ValueOf(file, merged_keys_[level]);
    const arrow::Field& field = *plan_.merged->field(static_cast<int>(level));
    const bool instant =
        field.type()->id() == arrow::Type::TIMESTAMP &&
        !static_cast<const arrow::TimestampType&>(*field.type()).timezone().empty();
    if (!instant || !value || HasZone(*value)) return value;
    const auto parsed = ParsePartitionTimestamp(*value);
    if (!parsed) return value;  // the copy refuses it by name
    if (zoneless_.insert(field.name()).second) {
      Warn(ZonelessText(field.name(), *value) + ZoneTakenText(policy_.partition_zone));
    }
    if (policy_.partition_zone.empty()) return std::optional(parsed->text + "Z");
    TRY(const auto in_utc, TextInUtc(parsed->text, policy_.partition_zone));
    return in_utc ? std::optional(*in_utc + "Z") : value;
  }

  const Snapshot& snapshot_;
  const PlanOptions& options_;
  const Policy& policy_;
  size_t levels_ = 0;                         ///< partition columns that stay such
  std::vector<std::string> merged_keys_;      ///< physical names of those that do not
  std::unordered_set<std::string> zoneless_;  ///< of those: with such an instant, told
  std::vector<std::string> required_;         ///< source columns that hold no NULL
  std::vector<RefusedColumn> refused_;
  std::vector<DeltaField> fields_;
  std::vector<PartitionColumn> partition_columns_;
  NameSet names_;
  TablePlan plan_;
};

}  // namespace

maxcompute::TableSchema TablePlan::TargetSchema() const {
  maxcompute::TableSchema schema;
  for (const ColumnPlan& column : columns) schema.columns.push_back(column.target);
  for (const ColumnPlan& column : partition_columns) {
    schema.partition_columns.push_back(column.target);
  }
  return schema;
}

std::optional<FidelityCounts> TablePlan::CountFidelity() const {
  FidelityCounts counts;
  counts.left_out = static_cast<int64_t>(left_out.size());
  for (const auto* list : {&columns, &partition_columns}) {
    for (const ColumnPlan& column : *list) {
      if (column.origin == Origin::kNull) continue;
      if (!column.fidelity) return std::nullopt;
      counts.Add(*column.fidelity);
    }
  }
  return counts;
}

Result<std::string> TargetTableName(const SourceTable& source, const Policy& policy) {
  if (!source.target_as.empty()) return MakeTableName(source.target_as, {});
  return MakeTableName(source.table, policy.table_name_map);
}

Result<TablePlan> MakePlan(const Snapshot& snapshot, const PlanOptions& options,
                           const std::optional<maxcompute::TableInfo>& at_target,
                           ColumnRefusals* refusals) {
  if (snapshot.source.refusal) return *snapshot.source.refusal;
  Planner planner(snapshot, options);
  auto plan = planner.Run(at_target);
  if (plan) return plan;
  if (refusals != nullptr) *refusals = planner.Refusals();
  return std::move(plan).error().At("table " + snapshot.source.name);
}

}  // namespace mms::migration
