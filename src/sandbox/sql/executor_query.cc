// SELECT: each table of the query becomes a temporary view over its committed Parquet files,
// partition columns joined to the rows by file name. Partitions are chosen first, from the
// predicates that speak of partition columns alone, so that a query opens only the files it needs;
// a query that speaks of nothing else (COUNT(*) per partition) opens none.
#include <functional>
#include <set>

#include "sandbox/parquet_file.h"
#include "sandbox/sql/duckdb_text.h"
#include "sandbox/sql/executor.h"

namespace mms::sandbox::sql {
namespace {

constexpr size_t kPartitionsPerQueryMax = 10'000;

void Visit(const Expr& expr, const std::function<void(const Expr&)>& visit) {
  visit(expr);
  for (const Expr& argument : expr.args) Visit(argument, visit);
}

/// The top-level AND terms of a predicate.
void Terms(const Expr& expr, std::vector<const Expr*>* terms) {
  if (expr.kind == ExprKind::kBinary && expr.text == "AND") {
    Terms(expr.args[0], terms);
    Terms(expr.args[1], terms);
  } else {
    terms->push_back(&expr);
  }
}

/// Which columns of one table the expressions of a query name.
class ColumnUse {
 public:
  ColumnUse(const Table& table, const std::string& alias) : alias_(alias) {
    for (const Column& column : table.partition_columns) partition_.insert(column.name);
  }

  /// True when every column the expression names is a partition column (and it names no star).
  bool IsPartitionOnly(const Expr& expr) const {
    bool only = true;
    std::function<void(const Expr&)> walk = [&](const Expr& node) {
      if (node.kind == ExprKind::kStar) only = false;
      if (node.kind == ExprKind::kColumn && !IsPartition(node.names)) only = false;
      // COUNT(*) counts rows and names no column.
      bool counts = node.kind == ExprKind::kCall && node.text == "COUNT" && node.args.size() == 1 &&
                    node.args[0].kind == ExprKind::kStar && node.args[0].names.empty();
      if (counts) return;
      for (const Expr& argument : node.args) walk(argument);
    };
    walk(expr);
    return only;
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

 private:
  bool IsPartition(const std::vector<std::string>& names) const {
    if (names.size() > 2 || !partition_.contains(names.back())) return false;
    return names.size() == 1 || names[0] == alias_;
  }

  std::string alias_;
  std::set<std::string> partition_;
};

bool HasAggregate(const Expr& expr) {
  bool found = false;
  Visit(expr, [&](const Expr& node) {
    static const std::set<std::string> kAggregates{"COUNT", "SUM", "MIN", "MAX", "AVG"};
    if (node.kind == ExprKind::kCall && kAggregates.contains(node.text)) found = true;
  });
  return found;
}

/// Builds the views one query needs and keeps what they stand on.
class SourceBuilder {
 public:
  SourceBuilder(Catalog* catalog, Storage* storage, Engine* engine, const SqlContext& context)
      : catalog_(catalog), storage_(storage), engine_(engine), context_(context) {}
  ~SourceBuilder() { storage_->Retire(schema_files_); }
  SourceBuilder(const SourceBuilder&) = delete;
  SourceBuilder& operator=(const SourceBuilder&) = delete;

  const std::vector<std::string>& setup() const { return setup_; }

  Result<std::string> Build(const Table& table, const Source& source, const Query& query) {
    std::string number = std::to_string(count_++);
    std::vector<DataFile> files;
    TRY(auto lease, storage_->Lease([&]() -> Result<std::vector<std::string>> {
      TRY(files, catalog_->Files(table, std::nullopt));
      std::vector<std::string> paths;
      for (const DataFile& file : files) paths.push_back(file.path);
      return paths;
    }));
    leases_.push_back(std::move(lease));
    std::string view = "mms_source_" + number;
    if (!table.partitioned()) {
      TRY(std::string scan, Scan(table, files, number));
      setup_.push_back("CREATE TEMP VIEW " + view + " AS SELECT " + Columns(table, "d") + " FROM " +
                       scan + " d");
      return view;
    }
    std::string parts = "mms_parts_" + number;
    AddPartsTable(table, files, parts);
    std::string alias = source.alias.empty() ? source.table.parts.back() : source.alias;
    ColumnUse use(table, alias);
    if (query.sources.size() == 1 && query.where) {
      TRY_VOID(Prune(query, use, {parts, alias}, &files));
    }
    TRY_VOID(CheckPartitionCount(table, files));
    if (query.sources.size() == 1 && use.IsPartitionOnly(query)) {
      setup_.push_back("CREATE TEMP VIEW " + view + " AS SELECT " + PartitionColumns(table) +
                       " FROM " + parts + " p, range(p.mms_rows)");
      return view;
    }
    TRY(std::string scan, Scan(table, files, number));
    setup_.push_back("CREATE TEMP VIEW " + view + " AS SELECT " + Columns(table, "d") + ", " +
                     PartitionColumns(table) + " FROM " + scan + " d JOIN " + parts +
                     " p ON d.mms_file = p.mms_file");
    return view;
  }

 private:
  static std::string Columns(const Table& table, const std::string& alias) {
    std::string text;
    for (const Column& column : table.columns) {
      text += (text.empty() ? "" : ", ") + alias + "." + DuckDbName(column.name);
    }
    return text;
  }

  static std::string PartitionColumns(const Table& table) {
    std::string text;
    for (const Column& column : table.partition_columns) {
      text += (text.empty() ? "" : ", ") + std::string("p.") + DuckDbName(column.name);
    }
    return text;
  }

  void AddPartsTable(const Table& table, const std::vector<DataFile>& files,
                     const std::string& name) {
    std::string create = "CREATE TEMP TABLE " + name + " (mms_file VARCHAR, mms_rows BIGINT";
    for (const Column& column : table.partition_columns) {
      create += ", " + DuckDbName(column.name) + " " + DuckDbType(column.type);
    }
    setup_.push_back(create + ")");
    std::string rows;
    for (const DataFile& file : files) {
      rows += (rows.empty() ? "(" : ", (") + DuckDbString(storage_->Absolute(file.path)) + ", " +
              std::to_string(file.rows);
      for (const std::string& value : PartitionValues(file.spec)) {
        rows += ", " + DuckDbString(value);
      }
      rows += ")";
    }
    if (!rows.empty()) setup_.push_back("INSERT INTO " + name + " VALUES " + rows);
  }

  /// Keeps the files whose partition meets every predicate on partition columns alone.
  Status Prune(const Query& query, const ColumnUse& use,
               const std::pair<std::string, std::string>& parts_alias,
               std::vector<DataFile>* files) {
    std::vector<const Expr*> terms;
    Terms(*query.where, &terms);
    std::string where;
    for (const Expr* term : terms) {
      if (!use.IsPartitionOnly(*term) || HasAggregate(*term)) continue;
      TRY(std::string text, ToDuckDb(*term));
      where += (where.empty() ? "" : " AND ") + text;
    }
    if (where.empty()) return OkStatus();
    TRY(auto kept,
        engine_->FirstColumn(setup_, "SELECT mms_file FROM " + parts_alias.first + " AS " +
                                         DuckDbName(parts_alias.second) + " WHERE " + where));
    std::set<std::string> names(kept.begin(), kept.end());
    std::erase_if(*files, [&](const DataFile& file) {
      return !names.contains(storage_->Absolute(file.path));
    });
    return OkStatus();
  }

  static Status CheckPartitionCount(const Table& table, const std::vector<DataFile>& files) {
    std::set<std::string> specs;
    for (const DataFile& file : files) specs.insert(file.spec);
    if (specs.size() <= kPartitionsPerQueryMax) return OkStatus();
    return Error(ErrorKind::kLimitReached, "ODPS-0130071",
                 "[1,1] Semantic analysis exception - the query reads " +
                     std::to_string(specs.size()) + " partitions of table " + table.name.ToText() +
                     ", more than 10000; add a partition predicate");
  }

  /// read_parquet over the files. The first file of the list is an empty one with the table's
  /// present columns: it stands for a table without files and for columns that older files do not
  /// have.
  Result<std::string> Scan(const Table& table, const std::vector<DataFile>& files,
                           const std::string& number) {
    std::string schema_file = Storage::ResultPath(context_.instance_id + ".schema" + number);
    schema_files_.push_back(schema_file);
    TRY(auto writer,
        ParquetBlockWriter::Open(storage_->Absolute(schema_file), table.ArrowSchema()));
    TRY(int64_t ignored_bytes, writer->Close());
    (void)ignored_bytes;
    std::string list = DuckDbString(storage_->Absolute(schema_file));
    for (const DataFile& file : files) {
      list += ", " + DuckDbString(storage_->Absolute(file.path));
    }
    return "read_parquet([" + list + "], union_by_name = true, hive_partitioning = false, " +
           "filename = 'mms_file')";
  }

  Catalog* catalog_;
  Storage* storage_;
  Engine* engine_;
  const SqlContext& context_;
  int count_ = 0;
  std::vector<std::string> setup_;
  std::vector<std::string> schema_files_;
  std::vector<std::shared_ptr<FileLease>> leases_;
};

}  // namespace

Result<SqlOutcome> Executor::RunQuery(const Query& query, const SqlContext& context) {
  SourceBuilder sources(catalog_, storage_, engine_, context);
  auto name_source = [&](const Source& source, const Query& inner) -> Result<std::string> {
    TRY(Table table, FindTable(source.table, context));
    return sources.Build(table, source, inner);
  };
  TRY(std::string text, ToDuckDb(query, name_source));
  SqlOutcome outcome;
  outcome.is_select = true;
  outcome.result_path = Storage::ResultPath(context.instance_id);
  TRY_VOID(engine_->Run(
      {sources.setup(), text, storage_->Absolute(outcome.result_path), context.cancelled}));
  return outcome;
}

}  // namespace mms::sandbox::sql
