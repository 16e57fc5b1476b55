#include "service/job_choice.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "base/lower_ascii.h"
#include "migration/plan/names.h"
#include "migration/plan/partition_expression.h"
#include "migration/plan/partitions.h"
#include "service/merged_partitions.h"
#include "service/target_values.h"

namespace mms::service {
namespace {

using migration::Metadata;
using migration::ObjectStatus;
using migration::PartitionEntry;
using migration::ReadState;
using migration::TableEntry;
using nlohmann::json;
using AddTask = std::function<Status(const Store::NewTask&)>;

constexpr int64_t kGigabyte = 1'000'000'000;
constexpr size_t kNamedMax = 10;  // objects named in one error

Error Of(ErrorKind kind, const char* code, std::string message) {
  return Error(kind, code, std::move(message));
}

/// Up to kNamedMax of them.
std::string Named(const std::vector<std::string>& names) {
  const size_t shown = std::min(names.size(), kNamedMax);
  std::string text = fmt::format("{}", fmt::join(names.begin(), names.begin() + shown, ", "));
  if (shown < names.size()) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

/// What of a table's entry its tasks are made of.
struct Chosen {
  int64_t id = 0;
  std::string name;   ///< of the metadata
  std::string table;  ///< without catalog and schema
  std::string target;
  std::vector<migration::PartitionColumn> columns;  ///< of partitions
  bool by_partition = false;
  ObjectStatus status = ObjectStatus::kInit;
  bool updated = false;
  std::string place;                     ///< TargetName and ColumnMark of this job
  std::optional<std::string> copied_as;  ///< that of the last copy
  /// By MergedPartitions: what holds rows of a partition that has left the source since.
  std::set<std::string> torn;
  std::optional<int64_t> bytes, rows;
};

bool IsNamed(const std::string& entry, const Job& job, const std::string& table) {
  return NamesTable(entry, job.src_db, table);
}

template <class Value>
const Value* FindNamed(const std::map<std::string, Value>& map, const Job& job,
                       const std::string& table) {
  for (const auto& [entry, value] : map) {
    if (IsNamed(entry, job, table)) return &value;
  }
  return nullptr;
}

std::vector<migration::PartitionExpression::Column> ExpressionColumns(
    const std::vector<migration::PartitionColumn>& columns) {
  std::vector<migration::PartitionExpression::Column> named;
  for (const migration::PartitionColumn& column : columns) {
    named.push_back({column.source_name, migration::IsIntegerType(column.delta_type)});
  }
  return named;
}

using Values = std::vector<std::optional<std::string>>;

Values ValuesOf(const std::string& text) {
  Values values;
  for (const json& value : json::parse(text)) {
    const bool null = !value.is_string() || value.get<std::string>().empty();
    values.push_back(null ? std::nullopt : std::optional(value.get<std::string>()));
  }
  return values;
}

class Choosing {
 public:
  Choosing(Metadata& metadata, const Job& job, const ChoiceRules& rules, const AddTask& add)
      : metadata_(metadata), job_(job), rules_(rules), add_(add) {}

  Result<JobChoice> Run() {
    TRY_VOID(ChoosePartitionIds());
    TRY_VOID(ChooseTables());
    TRY_VOID(FindTorn());
    TRY_VOID(CheckNames());
    TRY_VOID(CheckFilters());
    TRY_VOID(CheckValues());
    for (const Chosen& table : tables_) TRY_VOID(MakeTasks(table));
    return std::move(choice_);
  }

  Status VisitTables(const std::function<void(const std::string& table)>& visit) {
    TRY_VOID(ChoosePartitionIds());
    TRY_VOID(ChooseTables());
    for (const Chosen& table : tables_) visit(table.table);
    return OkStatus();
  }

 private:
  /// What `partitions` names, by table.
  Status ChoosePartitionIds() {
    std::vector<std::string> unknown;
    for (const int64_t id : job_.config.partitions) {
      TRY(const auto found, metadata_.FindPartition(id));
      if (found && LowerAscii(found->database) == LowerAscii(job_.src_db)) {
        ids_[found->table_id].insert(id);
      } else {
        unknown.push_back(std::to_string(id));
      }
    }
    if (unknown.empty()) return OkStatus();
    return Of(ErrorKind::kNotFound, "JOB_PARTITIONS_NOT_FOUND",
              fmt::format("partitions: schema {} has none with the ids {}; scan the source, or "
                          "look them up with: mms source partitions",
                          job_.src_db, Named(unknown)));
  }

  bool Wants(const TableEntry& table) const {
    if (job_.type == JobType::kPartitions) return ids_.contains(table.id);
    return MeansTable(job_.config, job_.src_db, table.listed.table);
  }

  Status ChooseTables() {
    TRY(views_, WantsViews(job_.config));
    migration::TableFilter filter;
    filter.database = job_.src_db;
    filter.deleted = false;
    TRY_VOID(metadata_.VisitTables(filter, [&](const TableEntry& table) -> Status {
      if (!rules_.filter.TakesTable(job_.src_db, table.listed.table)) return OkStatus();
      ++seen_;
      if (!Wants(table)) return OkStatus();
      found_.insert(LowerAscii(table.listed.table));
      const bool view = views_ && table.listed.kind == "VIEW";
      if (table.state == ReadState::kRefused && !view) {
        ++choice_.refused_count;
        if (choice_.refused.size() < kNamesMax) {
          choice_.refused.push_back({table.listed.name, table.error_json});
        }
        return OkStatus();
      }
      return Take(table);
    }));
    if (rules_.may_come) return OkStatus();
    if (job_.type == JobType::kTables) {
      TRY_VOID(CheckAllFound());
      TRY_VOID(CheckNoneRefused());
    }
    if (seen_ > 0) return OkStatus();
    return Of(ErrorKind::kNotFound, "JOB_TABLES_NOT_FOUND",
              fmt::format("schema {} has no table that is known; scan the source first: mms "
                          "source sync, and mind its white- and blacklists",
                          job_.src_db));
  }

  Status Take(const TableEntry& table) {
    Chosen chosen;
    chosen.id = table.id;
    chosen.name = table.listed.name;
    chosen.table = table.listed.table;
    chosen.columns = PartitionColumnsOf(table);
    for (const std::string& pair : ColumnCollisions(table, job_.config, rules_.policy)) {
      column_pairs_.push_back(chosen.name + ": " + pair);
    }
    // Of one that was not read the partitions are not known; so of one that only SQL can read.
    chosen.by_partition = table.partitions.has_value() && !chosen.columns.empty();
    chosen.status = table.status;
    // Nothing tells whether the rows of a view are those of the last copy.
    chosen.updated = table.updated || table.listed.kind == "VIEW";
    chosen.bytes = table.bytes;
    chosen.rows = table.rows;
    const std::string* asked = FindNamed(job_.config.table_mapping, job_, chosen.table);
    const migration::CharacterMap none;
    const auto name =
        migration::MakeTableName(asked != nullptr ? *asked : chosen.table,
                                 asked != nullptr ? none : rules_.policy.table_name_map);
    // A name that cannot be is the task's to fail for, with what to do about it.
    chosen.target = name ? *name : LowerAscii(asked != nullptr ? *asked : chosen.table);
    chosen.place = TargetName(job_.dst_project, job_.dst_schema, chosen.target) +
                   ColumnMark(table, job_.config, rules_.policy);
    chosen.copied_as = table.copied_as;
    tables_.push_back(std::move(chosen));
    return OkStatus();
  }

  Status FindTorn() {
    for (Chosen& table : tables_) {
      if (!table.by_partition) continue;
      TRY(table.torn, MergedOf(table).FindTorn(metadata_, table.id));
    }
    return OkStatus();
  }

  Status CheckAllFound() const {
    std::vector<std::string> unknown;
    for (const std::string& entry : job_.config.tables) {
      const bool there = std::any_of(found_.begin(), found_.end(), [&](const std::string& table) {
        return IsNamed(entry, job_, table);
      });
      if (!there) unknown.push_back(entry);
    }
    if (unknown.empty()) return OkStatus();
    return Of(
        ErrorKind::kNotFound, "JOB_TABLES_NOT_FOUND",
        fmt::format("tables: schema {} has no {}; scan the source, look with: mms source tables, "
                    "and mind the source's white- and blacklists",
                    job_.src_db, Named(unknown)));
  }

  Status CheckNoneRefused() const {
    if (choice_.refused.empty()) return OkStatus();
    std::vector<std::string> reasons;
    for (const JobChoice::Refused& refused : choice_.refused) {
      const json error = json::parse(refused.error_json, nullptr, false);
      const std::string why = error.is_object() ? error.value("message", "") : "";
      reasons.push_back(refused.name + " (" + why + ")");
    }
    return Of(ErrorKind::kUnsupported, "JOB_TABLES_REFUSED",
              "tables: cannot be read: " + Named(reasons) +
                  "; leave them out, or where it is a view ask for its rows by --views");
  }

  Status CheckNames() const {
    std::map<std::string, std::string> owner;
    std::vector<std::string> pairs;
    for (const Chosen& table : tables_) {
      const auto [known, added] = owner.emplace(table.target, table.name);
      if (!added) pairs.push_back(known->second + " and " + table.name + " into " + table.target);
    }
    if (!pairs.empty()) {
      return Of(ErrorKind::kConflict, "JOB_COLLISION",
                "tables would become one: " + Named(pairs) +
                    "; give one of them another name (tableMapping), or leave it out");
    }
    if (column_pairs_.empty()) return OkStatus();
    return Of(ErrorKind::kConflict, "JOB_COLLISION",
              "columns would become one: " + Named(column_pairs_) +
                  "; give one of them another name (columnMapping), change the source's "
                  "column.name.mapping, or leave the table out");
  }

  /// Partitions that would become one by the source's mapping, one of them being copied.
  Status CheckValues() {
    if (rules_.policy.partition_value_map.empty() || !job_.config.data_migration) {
      return OkStatus();
    }
    std::vector<std::string> pairs;
    for (const Chosen& table : tables_) {
      if (table.by_partition) TRY_VOID(CheckValuesOf(table, &pairs));
    }
    if (pairs.empty()) return OkStatus();
    return Of(ErrorKind::kConflict, "JOB_COLLISION",
              "partitions would become one: " + Named(pairs) +
                  "; change the source's partition.value.mapping, or leave the table out");
  }

  Status CheckValuesOf(const Chosen& table, std::vector<std::string>* pairs) {
    struct Owner {
      std::string identity, source;
      bool wanted = false;
    };
    std::vector<migration::PartitionColumn> columns = table.columns;
    if (rules_.levels) {
      columns.resize(std::min(columns.size(), static_cast<size_t>(*rules_.levels)));
    }
    std::map<std::string, Owner> owners;  // of values that the mapping changes
    // One of two that become one is changed, so all of those are known before the others come.
    for (const bool changed : {true, false}) {
      if (!changed && owners.empty()) break;
      TRY_VOID(VisitPartitions(table, [&](const PartitionEntry& partition) -> Status {
        std::string target, identity;
        bool mapped = false;
        for (const auto& value : MapValues(columns, partition.values, rules_.policy)) {
          if (!value) return OkStatus();  // its task says why
          target += (target.empty() ? "" : "/") + value->text;
          identity += value->identity + '\n';
          mapped = mapped || value->mapped;
        }
        if (mapped != changed) return OkStatus();
        TRY(const Part part, Judge(table, partition));
        const bool wanted = part == Part::kWanted;
        const auto found = owners.find(target);
        if (found == owners.end()) {
          if (changed) owners.emplace(target, Owner{identity, partition.values, wanted});
          return OkStatus();
        }
        Owner& owner = found->second;
        if (owner.identity != identity && (owner.wanted || wanted)) {
          pairs->push_back(table.name + ": " + owner.source + " and " + partition.values +
                           " into " + target);
        }
        owner.wanted = owner.wanted || wanted;
        return OkStatus();
      }));
    }
    return OkStatus();
  }

  Status CheckFilters() {
    for (const auto& [entry, text] : job_.config.partition_filters) {
      const auto table = std::find_if(tables_.begin(), tables_.end(), [&](const Chosen& chosen) {
        return IsNamed(entry, job_, chosen.table);
      });
      if (table == tables_.end()) {
        if (rules_.may_come && IsAskedFor(entry)) continue;
        return Of(ErrorKind::kInvalidInput, "PARTITION_FILTER",
                  "partitionFilters: " + entry +
                      " is not among the job's tables; name it in "
                      "`tables` too");
      }
      auto filter = migration::PartitionExpression::Parse(text, ExpressionColumns(table->columns));
      if (!filter) {
        return Of(filter.error().kind(), filter.error().code().c_str(),
                  "partitionFilters: " + entry + ": " + filter.error().message());
      }
      for (const std::string& warning : filter->warnings()) {
        choice_.warnings.push_back("partitionFilters: " + entry + ": " + warning);
      }
      filters_.emplace(table->id, *std::move(filter));
      TRY_VOID(CheckMatches(*table, text));
    }
    return OkStatus();
  }

  /// Whether `tables` has the table of a filter, whatever the metadata has.
  bool IsAskedFor(const std::string& entry) const {
    const std::vector<std::string>& tables = job_.config.tables;
    return std::any_of(tables.begin(), tables.end(), [&](const std::string& table) {
      return IsNamed(entry, job_, table.substr(table.rfind('.') + 1));
    });
  }

  /// Also that each value can be compared, before the first task is made.
  Status CheckMatches(const Chosen& table, const std::string& text) {
    bool any = false;
    TRY_VOID(VisitPartitions(table, [&](const PartitionEntry& partition) -> Status {
      TRY(const bool matches, Matches(table, partition));
      any = any || matches;
      return OkStatus();
    }));
    if (any || rules_.may_come) return OkStatus();
    return Of(
        ErrorKind::kInvalidInput, "PARTITION_FILTER",
        fmt::format("partitionFilters: none of the partitions of {} meets {}", table.name, text));
  }

  Status VisitPartitions(const Chosen& table, const std::function<Status(PartitionEntry)>& visit) {
    migration::PartitionFilter filter;
    filter.table_id = table.id;
    filter.deleted = false;
    return metadata_.VisitPartitions(filter, visit);
  }

  Result<bool> Matches(const Chosen& table, const PartitionEntry& partition) const {
    const auto filter = filters_.find(table.id);
    if (filter == filters_.end()) return true;
    auto matches = filter->second.Matches(ValuesOf(partition.values));
    if (matches) return *matches;
    return Of(matches.error().kind(), matches.error().code().c_str(),
              "partitionFilters: " + table.name + ": " + matches.error().message());
  }

  enum class Part { kWanted, kOther, kCompleted };
  Result<Part> Judge(const Chosen& table, const PartitionEntry& partition) const {
    if (const auto ids = ids_.find(table.id); ids != ids_.end()) {
      if (!ids->second.contains(partition.id)) return Part::kOther;
    }
    TRY(const bool matches, Matches(table, partition));
    if (!matches) return Part::kOther;
    const bool completed = partition.status == ObjectStatus::kDone && !partition.updated &&
                           !IsElsewhere(table, partition) && !IsTorn(table, partition);
    return completed && job_.config.increment ? Part::kCompleted : Part::kWanted;
  }

  /// Whether what was copied of it is of another table at the target, or another partition, than
  /// this job would make of it.
  bool IsElsewhere(const Chosen& table, const PartitionEntry& partition) const {
    if (!partition.copied_as) return IsElsewhere(table);
    const auto name =
        TargetName(table.place, table.columns, rules_.levels, partition.values, rules_.policy);
    return name && *name != *partition.copied_as;
  }

  bool IsElsewhere(const Chosen& table) const {
    return table.copied_as && *table.copied_as != table.place;
  }

  bool IsCompleted(const Chosen& table) const {
    return table.status == ObjectStatus::kDone && !table.updated && !IsElsewhere(table);
  }

  /// Whether the target's partition, of which this one is a part, holds rows of one that is gone.
  bool IsTorn(const Chosen& table, const PartitionEntry& partition) const {
    return !table.torn.empty() && table.torn.contains(MergedOf(table).IdentityOf(partition.values));
  }

  MergedPartitions MergedOf(const Chosen& table) const {
    return {table.columns, rules_.levels, rules_.policy};
  }

  Store::NewTask NewTask(const Chosen& table) const {
    Store::NewTask made;
    JobTask& task = made.task;
    task.source_id = job_.source_id;
    task.src_db = job_.src_db;
    task.src_table = table.table;
    task.table_name = table.name;
    task.dst_project = job_.dst_project;
    task.dst_schema = job_.dst_schema;
    task.dst_table = table.target;
    return made;
  }

  Status Add(const Store::NewTask& task) {
    ++choice_.tasks;
    choice_.partitions += task.task.partitions;
    return add_(task);
  }

  Status MakeTasks(const Chosen& table) {
    const int64_t before = choice_.tasks;
    completed_ = 0;
    TRY_VOID(table.by_partition && job_.config.data_migration ? MakeByPartition(table)
                                                              : MakeWhole(table));
    if (choice_.tasks > before) {
      ++choice_.tables;
      choice_.completed_partitions += completed_;
      return OkStatus();
    }
    ++choice_.completed;
    if (choice_.completed_names.size() < kNamesMax) choice_.completed_names.push_back(table.name);
    return OkStatus();
  }

  Status MakeWhole(const Chosen& table) {
    if (IsCompleted(table) && job_.config.increment) return OkStatus();
    Store::NewTask task = NewTask(table);
    task.task.bytes = table.bytes;
    task.task.rows = table.rows;
    return Add(task);
  }

  Status MakeByPartition(const Chosen& table) {
    Store::NewTask task = NewTask(table);
    const MergedPartitions merged = MergedOf(table);
    int64_t turn = 0;
    bool full = false;
    const auto close = [&]() -> Status {
      task.task.turn = turn++;
      TRY_VOID(Add(task));
      task = NewTask(table);
      full = false;
      return OkStatus();
    };
    TRY_VOID(VisitPartitions(table, [&](const PartitionEntry& partition) -> Status {
      TRY(const Part part, Judge(table, partition));
      completed_ += part == Part::kCompleted;
      if (part != Part::kWanted) return OkStatus();
      const bool joins =
          full && merged.IdentityOf(task.values.back()) == merged.IdentityOf(partition.values);
      if (full && !joins) TRY_VOID(close());
      JobTask& made = task.task;
      const bool first = task.values.empty();
      made.whole_table = false;
      task.values.push_back(partition.values);
      ++made.partitions;
      made.bytes = made.bytes.value_or(0) + partition.bytes;
      const bool known = partition.rows && (first || made.rows);
      made.rows = known ? std::optional(made.rows.value_or(0) + *partition.rows) : std::nullopt;
      // After adding, so that the last one may overshoot.
      const int64_t partitions_max = rules_.size.partitions_max;
      const int64_t bytes_max = rules_.size.gigabytes_max * kGigabyte;
      full = (partitions_max > 0 && made.partitions >= partitions_max) ||
             (bytes_max > 0 && *made.bytes >= bytes_max);
      return OkStatus();
    }));
    if (!task.values.empty()) return close();
    // A job of whole tables tells of what has left the source since, or removes it.
    const bool tells = turn == 0 && MeansWholeTables(job_.config);
    TRY(const int64_t left, tells ? metadata_.CountLeft(table.id) : Result<int64_t>(0));
    if (left > 0) return Add(NewSchemaTask(table));
    const bool completed = table.status == ObjectStatus::kDone && !IsElsewhere(table);
    const bool nothing = turn == 0 && ids_.empty() && !filters_.contains(table.id);
    return nothing && !completed && !HasPartitions(table) ? Add(NewSchemaTask(table)) : OkStatus();
  }

  /// A task that makes the table alone, and sees to what has left the source.
  Store::NewTask NewSchemaTask(const Chosen& table) const {
    Store::NewTask task = NewTask(table);
    task.task.whole_table = false;
    return task;
  }

  static bool HasPartitions(const Chosen& table) { return table.bytes.value_or(0) > 0; }

  Metadata& metadata_;
  const Job& job_;
  const ChoiceRules& rules_;
  const AddTask& add_;
  std::map<int64_t, std::set<int64_t>> ids_;  ///< of partitions, by table
  std::map<int64_t, migration::PartitionExpression> filters_;
  std::vector<Chosen> tables_;
  std::vector<std::string> column_pairs_;  ///< that would become one
  std::set<std::string> found_;
  bool views_ = false;
  int64_t seen_ = 0;
  int64_t completed_ = 0;  ///< partitions of the table in hand
  JobChoice choice_;
};

}  // namespace

json ToJson(const JobChoice& choice) {
  json refused = json::array();
  for (const JobChoice::Refused& one : choice.refused) {
    refused.push_back({{"name", one.name}, {"error", json::parse(one.error_json, nullptr, false)}});
  }
  return {{"tables", choice.tables},
          {"tasks", choice.tasks},
          {"partitions", choice.partitions},
          {"completed", choice.completed},
          {"completed_names", choice.completed_names},
          {"completed_partitions", choice.completed_partitions},
          {"refused_count", choice.refused_count},
          {"refused", std::move(refused)},
          {"warnings", choice.warnings}};
}

bool MeansTable(const JobConfig& config, const std::string& schema, const std::string& table) {
  const auto listed = [&](const std::vector<std::string>& list) {
    return std::any_of(list.begin(), list.end(),
                       [&](const std::string& entry) { return NamesTable(entry, schema, table); });
  };
  if (!config.tables.empty()) return listed(config.tables);
  if (!config.table_blacklist.empty()) return !listed(config.table_blacklist);
  return config.table_whitelist.empty() || listed(config.table_whitelist);
}

Status VisitChosenTables(Metadata& metadata, const Job& job, const ChoiceRules& rules,
                         const std::function<void(const std::string& table)>& visit) {
  const AddTask none;
  return Choosing(metadata, job, rules, none).VisitTables(visit);
}

Result<JobChoice> ChooseTasks(Metadata& metadata, const Job& job, const ChoiceRules& rules,
                              const AddTask& add) {
  return Choosing(metadata, job, rules, add).Run();
}

}  // namespace mms::service
