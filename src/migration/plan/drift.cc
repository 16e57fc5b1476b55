#include "migration/plan/drift.h"

#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_map>

#include "base/lower_ascii.h"
#include "migration/plan/names.h"

namespace mms::migration {
namespace {

class Matcher {
 public:
  Matcher(const maxcompute::TableInfo& target, const Policy& policy,
          const std::vector<std::string>& required)
      : target_(target), policy_(policy), required_(required) {}

  Status Run(TablePlan* plan) {
    std::unordered_map<std::string, size_t> ours;
    for (size_t i = 0; i < plan->columns.size(); ++i) ours[plan->columns[i].target.name] = i;
    std::vector<bool> taken(plan->columns.size(), false);
    std::vector<ColumnPlan> ordered;
    for (const maxcompute::Column& column : target_.schema.columns) {
      const auto found = ours.find(LowerAscii(column.name));
      if (found == ours.end()) {
        ordered.push_back(Missing(column));
        continue;
      }
      taken[found->second] = true;
      ordered.push_back(std::move(plan->columns[found->second]));
      Compare(column, &ordered.back());
    }
    for (size_t i = 0; i < taken.size(); ++i) {
      if (!taken[i]) Extra(std::move(plan->columns[i]), &ordered, plan);
    }
    const auto& wanted = plan->TargetSchema().partition_columns;
    for (const std::string& line : DiffSchema({{}, wanted}, {{}, target_.schema.partition_columns}))
      lines_.push_back(line);
    if (!lines_.empty()) return ToError();
    plan->columns = std::move(ordered);
    return OkStatus();
  }

 private:
  void Compare(const maxcompute::Column& found, ColumnPlan* ours) {
    const maxcompute::Column& wanted = ours->target;
    if (!SameType(wanted.type, found.type)) {
      lines_.push_back(fmt::format("column {} is {}, needed is {}", found.name,
                                   maxcompute::ToText(found.type),
                                   maxcompute::ToText(wanted.type)));
    }
    const bool no_null =
        std::find(required_.begin(), required_.end(), ours->source_name) != required_.end();
    if (!found.nullable && wanted.nullable && !no_null) {
      lines_.push_back(
          fmt::format("column {} is NOT NULL, needed is one that takes NULL", found.name));
    }
    ours->target.nullable = found.nullable;
    ours->target.comment = found.comment;
  }

  /// A column of the target that the source lacks.
  ColumnPlan Missing(const maxcompute::Column& column) {
    if (policy_.on_missing_column == MissingColumn::kStop) {
      lines_.push_back(fmt::format("column {} {} is not in the source", column.name,
                                   maxcompute::ToText(column.type)));
      hint_missing_ = true;
    } else if (!column.nullable) {
      lines_.push_back(fmt::format("column {} is NOT NULL and not in the source", column.name));
    }
    ColumnPlan plan;
    plan.target = column;
    plan.target.name = LowerAscii(column.name);
    plan.origin = Origin::kNull;
    plan.note = "not in the source, NULL in every row that is copied (on_missing_column: null)";
    return plan;
  }

  /// A column of the source that the target lacks.
  void Extra(ColumnPlan column, std::vector<ColumnPlan>* ordered, TablePlan* plan) {
    switch (policy_.on_extra_column) {
      case ExtraColumn::kStop:
        lines_.push_back(fmt::format("column {} {} is missing", column.target.name,
                                     maxcompute::ToText(column.target.type)));
        hint_extra_ = true;
        return;
      case ExtraColumn::kAdd:
        plan->add_columns.push_back(column.target.name);
        column.target.nullable = true;  // rows that are there have no value for it
        ordered->push_back(std::move(column));
        return;
      case ExtraColumn::kIgnore:
        plan->left_out.push_back(
            {column.source_name,
             column.origin == Origin::kFile ? plan->physical->field(column.index)->name() : "",
             column.source_type});
        return;
    }
  }

  Error ToError() const {
    std::string text = "the table is there already and differs:";
    for (const std::string& line : lines_) text += "\n  " + line;
    text += "\nDrop or change it, or move the table under another name";
    if (hint_extra_) {
      text +=
          "; by a migration file policy.on_extra_column: add or ignore takes missing columns, of a "
          "job on_extra_column=add (mms job start ID --set on_extra_column=add, then mms job retry "
          "ID)";
    }
    if (hint_missing_) {
      text += "; by a migration file policy.on_missing_column: null takes those not in the source";
    }
    return Error(ErrorKind::kConflict, "TARGET_SCHEMA_DIFFERS", text)
        .At("target table " + target_.name);
  }

  const maxcompute::TableInfo& target_;
  const Policy& policy_;
  const std::vector<std::string>& required_;
  std::vector<std::string> lines_;
  bool hint_extra_ = false;
  bool hint_missing_ = false;
};

/// Only columns that are copied stay in the schema that files are read by.
void DropUnread(TablePlan* plan) {
  if (plan->left_out.empty()) return;
  arrow::FieldVector fields;
  for (ColumnPlan& column : plan->columns) {
    if (column.origin != Origin::kFile) continue;
    fields.push_back(plan->physical->field(column.index));
    column.index = static_cast<int>(fields.size()) - 1;
  }
  plan->physical = arrow::schema(std::move(fields));
}

arrow::FieldVector FieldsWithin(const arrow::DataType& type) {
  if (type.id() != arrow::Type::MAP) return type.fields();
  const auto& map = static_cast<const arrow::MapType&>(type);
  return {map.key_field(), map.item_field()};
}

/// By the name, and by the id of column mapping where both have one.
bool IsSameInFiles(const arrow::Field& left, const arrow::Field& right) {
  const auto id = [](const arrow::Field& field) {
    const auto& metadata = field.metadata();
    return metadata ? metadata->Get("PARQUET:field_id").ValueOr("") : "";
  };
  const std::string id_left = id(left), id_right = id(right);
  return left.name() == right.name() &&
         (id_left.empty() || id_right.empty() || id_left == id_right);
}

/// A column, or a field within one: what it is at the target, and in the files.
struct Part {
  const maxcompute::Type& target;
  const arrow::DataType& files;
};

/// Whether fields within one column of the files go by other names at the target than they did, or
/// another field goes by the name of one.
bool FieldsDiffer(const Part& before, const Part& now) {
  const arrow::FieldVector were = FieldsWithin(before.files);
  const arrow::FieldVector are = FieldsWithin(now.files);
  if (were.empty() && are.empty()) return false;
  const bool stay = before.target.kind == now.target.kind &&
                    before.target.arguments.size() == were.size() &&
                    now.target.arguments.size() == are.size();
  // As one value at the target: whatever is another within makes it another.
  if (!stay) return !(before.target == now.target) || !before.files.Equals(now.files);
  for (size_t i = 0; i < are.size(); ++i) {
    for (size_t j = 0; j < were.size(); ++j) {
      bool same_name = i == j;
      if (now.target.kind == maxcompute::TypeKind::kStruct) {
        same_name = LowerAscii(now.target.names[i]) == LowerAscii(before.target.names[j]);
        if (same_name != IsSameInFiles(*were[j], *are[i])) return true;
      }
      if (same_name && FieldsDiffer({before.target.arguments[j], *were[j]->type()},
                                    {now.target.arguments[i], *are[i]->type()})) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace

bool SameType(const maxcompute::Type& left, const maxcompute::Type& right) {
  return LowerAscii(maxcompute::ToText(left)) == LowerAscii(maxcompute::ToText(right));
}

Status FollowTarget(const maxcompute::TableInfo& target, const Policy& policy,
                    const std::vector<std::string>& required, TablePlan* plan) {
  TRY_VOID(Matcher(target, policy, required).Run(plan));
  DropUnread(plan);
  return OkStatus();
}

void FollowEarlierPlan(const TablePlan& before, TablePlan* plan) {
  // A file never changes, so a column is as it was copied then if both plans read the same physical
  // column into it, or if the physical column is new: then no earlier file has it. So are the
  // fields within it.
  const auto differs = [&](const ColumnPlan& column) {
    if (column.origin != Origin::kFile) return false;
    const arrow::Field& files = *plan->physical->field(column.index);
    for (const LeftOutColumn& other : before.left_out) {
      if (other.physical_name == files.name()) return true;
    }
    for (const ColumnPlan& other : before.columns) {
      if (other.origin != Origin::kFile) continue;
      const bool same_name = other.target.name == column.target.name;
      const arrow::Field& files_then = *before.physical->field(other.index);
      if (same_name != IsSameInFiles(files_then, files)) return true;
      if (same_name && FieldsDiffer({other.target.type, *files_then.type()},
                                    {column.target.type, *files.type()})) {
        return true;
      }
    }
    const auto& earlier = before.taken_up;
    return std::find(earlier.begin(), earlier.end(), column.target.name) != earlier.end();
  };
  for (const ColumnPlan& column : plan->columns) {
    if (differs(column)) plan->taken_up.push_back(column.target.name);
  }
  if (plan->taken_up.empty()) return;
  std::sort(plan->taken_up.begin(), plan->taken_up.end());
  for (UnitPlan& unit : plan->units) {
    unit.fingerprint += fmt::format("+{}", fmt::join(plan->taken_up, ","));
  }
}

}  // namespace mms::migration
