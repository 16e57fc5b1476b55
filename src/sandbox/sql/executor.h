// Runs parsed statements against the catalog and the files.
// Thread-safe; one Run per instance thread. Errors carry ODPS codes as MaxCompute's task texts do.
#pragma once

#include <atomic>
#include <map>
#include <string>
#include <vector>

#include "sandbox/catalog.h"
#include "sandbox/sql/ast.h"
#include "sandbox/sql/engine.h"
#include "sandbox/sql/insert_shape.h"
#include "sandbox/sql/sources.h"
#include "sandbox/storage.h"
#include "sandbox/users.h"

namespace mms::sandbox::sql {

/// The project and flags a job runs under.
struct SqlContext {
  std::string project;
  std::string schema = "default";
  std::map<std::string, std::string> flags;
  std::string instance_id;
  const std::atomic<bool>* cancelled = nullptr;
  const User* user = nullptr;  ///< who submitted the job

  bool IsFlagSet(const std::string& key) const;
};

struct SqlOutcome {
  bool is_select = false;
  std::string text;         ///< answer of DESC and SHOW; "" for DDL
  std::string result_path;  ///< SELECT: Parquet file, relative to the data folder
};

class InsertRun;

class Executor {
 public:
  Executor(Catalog* catalog, Storage* storage, Engine* engine)
      : catalog_(catalog), storage_(storage), engine_(engine) {}

  /// SET changes `context`.
  Result<SqlOutcome> Run(const Statement& statement, SqlContext* context);

 private:
  Result<RowSource> Prepare(const Query& query, Session* session, Sources* sources,
                            const SqlContext& context);
  Result<SqlOutcome> RunQuery(const Query& query, const SqlContext& context);
  Status RunInsert(const Insert& insert, const SqlContext& context);
  Status StageRows(const Insert& insert, Session* session, InsertRun* run,
                   const SqlContext& context);
  Status RunChange(const ChangeRows& change, const SqlContext& context);
  Status ChangeOnce(const ChangeRows& change, const SqlContext& context);
  Status RewriteFound(const ChangeRows& change, Session* session, InsertRun* run,
                      const SqlContext& context);
  Result<SqlOutcome> RunExplain(const Explain& explain, const SqlContext& context);
  Result<SqlOutcome> RunDdl(const Statement& statement, const SqlContext& context);
  Status Create(const CreateTable& create, const SqlContext& context);
  Status CreateAs(const CreateTable& create, Table table, const SqlContext& context);
  Status Alter(const AlterTable& alter, const SqlContext& context);
  Result<std::vector<PartitionSpec>> Choose(const Table& table,
                                            const std::vector<PartitionChoice>& choices,
                                            bool if_exists);
  Status ChangePartitions(const Statement& statement, const SqlContext& context);
  Result<SqlOutcome> Show(const Statement& statement, const SqlContext& context);
  Result<std::string> ShowPartitionLines(const ShowPartitions& show, const SqlContext& context);
  Result<std::string> DescribeText(const Describe& describe, const SqlContext& context);
  Result<Table> FindTable(const QualifiedName& name, const SqlContext& context);
  QueryTools Tools() { return {catalog_, storage_, engine_, &checked_}; }

  Catalog* catalog_;
  Storage* storage_;
  Engine* engine_;
  CheckedFiles checked_;
  std::mutex alter_mutex_;   ///< ALTER TABLE reads a description, then writes it
  std::mutex change_mutex_;  ///< UPDATE, DELETE and MERGE read rows, then replace them
};

/// What a name means: with odps.namespace.schema, a.b is schema a; without, project a.
Result<TableName> ResolveName(const QualifiedName& name, const SqlContext& context);

/// "FAILED: ODPS-0130131:[1,15] Table not found - ...".
std::string FailureText(const Error& error);

/// Whether DECIMAL may have a scale above 18.
bool IsExtendedScale(const SqlContext& context);

/// CREATE TABLE text that makes the same table.
std::string CreateTableText(const Table& table);

}  // namespace mms::sandbox::sql
