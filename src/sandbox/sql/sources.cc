#include "sandbox/sql/sources.h"

#include <arrow/array.h>

#include <algorithm>

#include "sandbox/parquet_file.h"
#include "sandbox/sql/duckdb_type.h"
#include "sandbox/sql/query_walk.h"

namespace mms::sandbox::sql {
namespace {

constexpr size_t kPartitionsPerQueryMax = 10'000;
/// Options of read_parquet: the file of each row, and the row's place in it.
constexpr char kWithFile[] = "filename = 'mms_file'";
constexpr char kWithPlace[] = "filename = 'mms_file', file_row_number = true";

/// The top-level AND terms of a predicate.
void Terms(const Expr& expr, std::vector<const Expr*>* terms) {
  if (expr.kind == ExprKind::kBinary && expr.text == "AND") {
    for (const Expr& operand : expr.args) Terms(operand, terms);
  } else {
    terms->push_back(&expr);
  }
}

/// Which columns of one table the expressions of a query name.
class ColumnUse {
 public:
  /// `qualified_only`: other tables are there too, so a bare name may be theirs.
  ColumnUse(const Table& table, std::string alias, bool qualified_only)
      : alias_(std::move(alias)), qualified_only_(qualified_only) {
    for (const Column& column : table.partition_columns) partition_.insert(column.name);
  }

  /// True when every column the expression names is a partition column (and it names no star).
  bool IsPartitionOnly(const Expr& expr) const {
    // COUNT(*) counts rows and names no column.
    bool counts = expr.kind == ExprKind::kCall && expr.text == "COUNT" && expr.args.size() == 1 &&
                  expr.args[0].kind == ExprKind::kStar && expr.args[0].names.empty();
    if (counts && !expr.window) return true;
    if (expr.kind == ExprKind::kStar || expr.query || expr.window) return false;
    if (expr.kind == ExprKind::kColumn && !IsPartition(expr.names)) return false;
    return std::all_of(expr.args.begin(), expr.args.end(),
                       [this](const Expr& argument) { return IsPartitionOnly(argument); });
  }

  bool IsPartitionOnly(const Query& query) const {
    std::set<std::string> aliases;
    for (const SelectItem& item : query.items) {
      if (!IsPartitionOnly(item.expr)) return false;
      aliases.insert(item.alias);
    }
    if (query.where && !IsPartitionOnly(*query.where)) return false;
    for (const Expr& key : query.group_by) {
      if (!IsPartitionOnly(key)) return false;
    }
    if (query.having && !IsPartitionOnly(*query.having)) return false;
    for (const OrderItem& item : query.order_by) {
      bool alias = item.expr.kind == ExprKind::kColumn && aliases.contains(item.expr.names.back());
      if (!alias && !IsPartitionOnly(item.expr)) return false;
    }
    return true;
  }

  const std::string& alias() const { return alias_; }

 private:
  bool IsPartition(const std::vector<std::string>& names) const {
    if (names.size() > 2 || !partition_.contains(names.back())) return false;
    return names.size() == 1 ? !qualified_only_ : names[0] == alias_;
  }

  std::string alias_;
  bool qualified_only_;
  std::set<std::string> partition_;
};

bool HasAggregate(const Expr& expr) {
  bool found = false;
  VisitExprs(expr, [&](const Expr& node) {
    static const std::set<std::string> kAggregates{"COUNT", "SUM", "MIN", "MAX", "AVG"};
    if (node.kind == ExprKind::kCall && kAggregates.contains(node.text)) found = true;
  });
  return found;
}

/// WHERE holds for the rows of each joined table, not only for the join's result.
bool IsInner(const Query& query) {
  return std::all_of(query.sources.begin(), query.sources.end(), [](const Source& source) {
    return source.join.empty() || source.join == "INNER JOIN" || source.join == "CROSS JOIN";
  });
}

/// The partition predicates of WHERE; "" = none.
Result<std::string> PartitionPredicate(const Query& query, const ColumnUse& use) {
  std::string where;
  if (!query.where || !IsInner(query)) return where;
  std::vector<const Expr*> terms;
  Terms(*query.where, &terms);
  Translator translator(nullptr);
  for (const Expr* term : terms) {
    if (!use.IsPartitionOnly(*term) || HasAggregate(*term)) continue;
    TRY(std::string text, translator.ToDuckDb(*term));
    where += (where.empty() ? "" : " AND ") + text;
  }
  return where;
}

Status CheckPartitionCount(const Table& table, const std::vector<DataFile>& files) {
  std::set<std::string> specs;
  for (const DataFile& file : files) specs.insert(file.spec);
  if (specs.size() <= kPartitionsPerQueryMax) return OkStatus();
  return Error(ErrorKind::kLimitReached, "ODPS-0130071",
               "[1,1] Semantic analysis exception - the query reads " +
                   std::to_string(specs.size()) + " partitions of table " + table.name.ToText() +
                   ", more than 10000; add a partition predicate");
}

std::string Names(const std::vector<Column>& columns, const std::string& alias) {
  std::string text;
  for (const Column& column : columns) {
    text += (text.empty() ? "" : ", ") + alias + "." + DuckDbName(column.name);
  }
  return text;
}

/// Whether a nanosecond instant in the array is no whole microsecond.
bool HasFineInstant(const arrow::Array& array) {
  switch (array.type_id()) {
    case arrow::Type::TIMESTAMP: {
      const auto& type = static_cast<const arrow::TimestampType&>(*array.type());
      if (type.unit() != arrow::TimeUnit::NANO) return false;
      const auto& instants = static_cast<const arrow::TimestampArray&>(array);
      for (int64_t i = 0; i < instants.length(); ++i) {
        if (instants.Value(i) % 1'000 != 0 && !instants.IsNull(i)) return true;
      }
      return false;
    }
    case arrow::Type::LIST:
      return HasFineInstant(*static_cast<const arrow::ListArray&>(array).Flatten().ValueOrDie());
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapArray&>(array);
      return HasFineInstant(*map.keys()) || HasFineInstant(*map.items());
    }
    case arrow::Type::STRUCT: {
      const auto& value = static_cast<const arrow::StructArray&>(array);
      for (const auto& field : value.fields()) {
        if (HasFineInstant(*field)) return true;
      }
      return false;
    }
    default: return false;
  }
}

/// Whether a query may read a column.
std::function<bool(const Column&)> ColumnsNamedIn(const Query& query) {
  std::set<std::string> named;
  bool star = false;
  VisitQueries(query, [&](const Query& inner) {
    for (const SelectItem& item : inner.items) star = star || item.expr.kind == ExprKind::kStar;
    VisitOwnExprs(inner, [&](const Expr& expr) {
      for (const std::string& name : expr.names) named.insert(name);
    });
  });
  return [star, named = std::move(named)](const Column& column) {
    return star || named.contains(column.name);
  };
}

std::vector<std::string> PathsOf(const std::vector<DataFile>& files) {
  std::vector<std::string> paths;
  for (const DataFile& file : files) paths.push_back(file.path);
  return paths;
}

std::shared_ptr<arrow::Schema> SchemaOf(const Table& table, TimestampForm form) {
  arrow::FieldVector fields = table.ArrowSchema()->fields();
  for (size_t i = 0; i < fields.size(); ++i) {
    fields[i] = fields[i]->WithType(table.columns[i].type.ToArrow(form));
  }
  return arrow::schema(std::move(fields));
}

}  // namespace

bool CheckedFiles::Has(const std::string& path) const {
  std::lock_guard lock(mutex_);
  return paths_.contains(path);
}

void CheckedFiles::Add(const std::string& path) {
  std::lock_guard lock(mutex_);
  paths_.insert(path);
}

Result<std::vector<DataFile>> Sources::LeaseFiles(const Table& table) {
  std::vector<DataFile> files;
  TRY(auto lease, tools_.storage->Lease([&]() -> Result<std::vector<std::string>> {
    TRY(files, tools_.catalog->Files(table, std::nullopt));
    return PathsOf(files);
  }));
  leases_.push_back(std::move(lease));
  return files;
}

Result<Relation> Sources::Add(const Table& table, const Source& source, const Query& query) {
  std::string number = std::to_string(session_->NextNumber());
  TRY(auto files, LeaseFiles(table));
  if (source.row_ids) placed_files_ = files;
  Relation relation{"mms_source_" + number, table.columns};
  relation.columns.insert(relation.columns.end(), table.partition_columns.begin(),
                          table.partition_columns.end());
  std::string create = "CREATE TEMP VIEW " + relation.name + " AS SELECT ";
  std::string parts = "mms_parts_" + number;
  ColumnUse use(table, source.alias.empty() ? source.table.parts.back() : source.alias,
                query.sources.size() > 1);
  if (table.partitioned()) {
    TRY_VOID(MakeParts(table, files, parts));
    TRY(std::string where, PartitionPredicate(query, use));
    if (!where.empty()) {
      TRY_VOID(Prune(where, parts + " AS " + DuckDbName(use.alias()), &files));
    }
    TRY_VOID(CheckPartitionCount(table, files));
    if (query.sources.size() == 1 && use.IsPartitionOnly(query)) {
      TRY_VOID(session_->Execute(create + Names(table.partition_columns, "p") + " FROM " + parts +
                                 " p, range(p.mms_rows)"));
      return relation;
    }
  }
  TRY_VOID(CheckDigits(table, ColumnsNamedIn(query), files));
  TRY(std::string scan, Scan(table, PathsOf(files), source.row_ids ? kWithPlace : kWithFile));
  std::string place = source.row_ids ? ", d.mms_file, d.file_row_number" : "";
  if (!table.partitioned()) {
    TRY_VOID(
        session_->Execute(create + Names(table.columns, "d") + place + " FROM " + scan + " d"));
    return relation;
  }
  TRY_VOID(session_->Execute(create + Names(table.columns, "d") + ", " +
                             Names(table.partition_columns, "p") + place + " FROM " + scan +
                             " d JOIN " + parts + " p ON d.mms_file = p.mms_file"));
  return relation;
}

Result<std::string> Sources::Rows(const Table& table, const std::vector<DataFile>& files) {
  TRY_VOID(CheckDigits(
      table, [](const Column&) { return true; }, files));
  return Scan(table, PathsOf(files), kWithPlace);
}

Status Sources::MakeParts(const Table& table, const std::vector<DataFile>& files,
                          const std::string& name) {
  std::string create = "CREATE TEMP TABLE " + name + " (mms_file VARCHAR, mms_rows BIGINT";
  for (const Column& column : table.partition_columns) {
    create += ", " + DuckDbName(column.name) + " " + DuckDbType(column.type);
  }
  TRY_VOID(session_->Execute(create + ")"));
  std::string rows;
  for (const DataFile& file : files) {
    rows += (rows.empty() ? "(" : ", (") + DuckDbString(tools_.storage->Absolute(file.path)) +
            ", " + std::to_string(file.rows);
    for (const std::string& value : PartitionValues(file.spec)) rows += ", " + DuckDbString(value);
    rows += ")";
  }
  if (rows.empty()) return OkStatus();
  return session_->Execute("INSERT INTO " + name + " VALUES " + rows);
}

/// Keeps the files whose partition meets the predicate.
Status Sources::Prune(const std::string& where, const std::string& parts,
                      std::vector<DataFile>* files) {
  TRY(auto kept, session_->FirstColumn("SELECT mms_file FROM " + parts + " WHERE " + where));
  std::set<std::string> names(kept.begin(), kept.end());
  std::erase_if(*files, [&](const DataFile& file) {
    return !names.contains(tools_.storage->Absolute(file.path));
  });
  return OkStatus();
}

/// read_parquet over the files, columns under the table's names and with the types of queries. The
/// first file of the list is an empty one with the table's present columns: it stands for a table
/// without files and for columns that older files do not have.
Result<std::string> Sources::ScanOfOneUnit(const Table& table,
                                           const std::vector<std::string>& paths,
                                           const std::string& options, TimestampForm form) {
  std::string schema_file =
      Storage::ResultPath(name_ + ".schema" + std::to_string(schema_files_.size()));
  schema_files_.push_back(schema_file);
  TRY(auto writer,
      ParquetBlockWriter::Open(tools_.storage->Absolute(schema_file), SchemaOf(table, form)));
  TRY(int64_t ignored_bytes, writer->Close());
  (void)ignored_bytes;
  std::string list = DuckDbString(tools_.storage->Absolute(schema_file));
  for (const std::string& path : paths) {
    list += ", " + DuckDbString(tools_.storage->Absolute(path));
  }
  std::string items;
  for (const Column& column : table.columns) {
    std::string value = DuckDbName(column.file_name());
    if (IsReadAsOther(column.type)) {
      value = "CAST(" + value + " AS " + DuckDbType(column.type) + ")";
    }
    items += value + " AS " + DuckDbName(column.name) + ", ";
  }
  bool numbered = options.find("file_row_number") != std::string::npos;
  return "(SELECT " + items + "mms_file" + (numbered ? ", file_row_number" : "") +
         " FROM read_parquet([" + list + "], union_by_name = true, hive_partitioning = false, " +
         options + "))";
}

/// Files in microseconds (wide_time.h) are read apart: DuckDB would bring all to nanoseconds.
Result<std::string> Sources::Scan(const Table& table, const std::vector<std::string>& paths,
                                  const std::string& options) {
  std::vector<std::string> narrow;
  std::vector<std::string> wide;
  for (const std::string& path : paths) (Storage::IsWide(path) ? wide : narrow).push_back(path);
  if (wide.empty()) return ScanOfOneUnit(table, narrow, options, TimestampForm::kNano);
  TRY(std::string wide_scan, ScanOfOneUnit(table, wide, options, TimestampForm::kMicro));
  if (narrow.empty()) return wide_scan;
  TRY(std::string narrow_scan, ScanOfOneUnit(table, narrow, options, TimestampForm::kNano));
  return "(SELECT * FROM " + narrow_scan + " UNION ALL SELECT * FROM " + wide_scan + ")";
}

Status Sources::CheckDigits(const Table& table, const ColumnTest& is_used,
                            const std::vector<DataFile>& files) {
  arrow::FieldVector fields;
  bool all = true;
  for (const Column& column : table.columns) {
    if (!column.type.HasTimestamp()) continue;
    bool used = is_used(column);
    all = all && used;
    if (used) fields.push_back(arrow::field(column.file_name(), column.type.ToArrow()));
  }
  if (fields.empty()) return OkStatus();
  auto schema = arrow::schema(fields);
  auto check = [&](const arrow::RecordBatch& batch) -> Status {
    for (int i = 0; i < batch.num_columns(); ++i) {
      if (!HasFineInstant(*batch.column(i))) continue;
      return Error(ErrorKind::kUnsupported, "ODPS-0130071",
                   "[1,1] Semantic analysis exception - column " + schema->field(i)->name() +
                       " of table " + table.name.ToText() +
                       " holds an instant finer than a microsecond, which the sandbox's SQL "
                       "cannot carry (the tunnel can)");
    }
    return OkStatus();
  };
  for (const DataFile& file : files) {
    if (tools_.checked->Has(file.path)) continue;
    RowRange range{{{tools_.storage->Absolute(file.path), file.rows}}, 0, file.rows};
    TRY_VOID(ReadRows(range, schema, check));
    if (all) tools_.checked->Add(file.path);
  }
  return OkStatus();
}

}  // namespace mms::sandbox::sql
