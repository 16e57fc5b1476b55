// `mms source ...`: data sources in a state folder. One function per verb; each prints its results
// through `output` and returns the exit code, or the error that ended it.
//
// What reads works beside a process that owns the folder, and so do `map` and `mark`. What else
// changes takes the folder itself, but for `stop`, which asks the owner.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "terminal/output.h"

namespace mms::terminal {

struct SourceFlags {
  std::string state;  ///< the state folder
  std::string name;   ///< of the data source or network
  std::string type = "Databricks";
  std::string networklink;            ///< "" = direct:local of a new source, else as it is
  std::vector<std::string> settings;  ///< KEY=VALUE; of a secret: KEY=env:NAME or file:PATH
  std::string rename;                 ///< "" = keep the name
  std::string part;                   ///< of the names to list
  int64_t page = 1;
  int64_t page_size = 20;
  std::string lang = "en_US";
  std::string schema;
  std::vector<std::string> tables;
  std::vector<int64_t> partitions;  ///< ids
  std::string project;              ///< at the target, of a mapping; so below
  std::string target_schema, target_name;
  bool clear = false;  ///< what is kept of them goes first
  std::string status;  ///< INIT or DONE
  std::string pattern;
  int64_t idle_minutes = 30;
  bool test = false;  ///< store settings only when the connection test passes
};

Result<ExitCode> RunSourceItems(const SourceFlags& flags, Output& output);
Result<ExitCode> RunSourceAdd(const SourceFlags& flags, Output& output);
Result<ExitCode> RunSourceList(const SourceFlags& flags, Output& output);
Result<ExitCode> RunSourceShow(const SourceFlags& flags, Output& output);
Result<ExitCode> RunSourceUpdate(const SourceFlags& flags, Output& output);
/// The connection test, with the settings given as if they were stored.
Result<ExitCode> RunSourceTest(const SourceFlags& flags, Output& output);
/// The asynchronous tasks, newest first.
Result<ExitCode> RunSourceTasks(const SourceFlags& flags, Output& output);
Result<ExitCode> RunSourceRemove(const SourceFlags& flags, Output& output);
Result<ExitCode> RunSourceStatus(const SourceFlags& flags, Output& output);
/// What the source's scans found.
Result<ExitCode> RunSourceTables(const SourceFlags& flags, Output& output);
/// By source schema.
Result<ExitCode> RunSourceDatabases(const SourceFlags& flags, Output& output);
/// Where a schema or its tables go unless a job says otherwise: changed, then printed.
Result<ExitCode> RunSourceMap(const SourceFlags& flags, Output& output);
/// How far the migration of a schema, tables or partitions is taken to be.
Result<ExitCode> RunSourceMark(const SourceFlags& flags, Output& output);
/// Of one table (`pattern`): ids, values, and how far the migration of each is.
Result<ExitCode> RunSourcePartitions(const SourceFlags& flags, Output& output);

/// In the foreground until a stop, a signal, or the automatic shutdown.
Result<ExitCode> RunSourceStart(const SourceFlags& flags, Output& output);
Result<ExitCode> RunSourceStop(const SourceFlags& flags, Output& output);
/// One scan, from start to end.
Result<ExitCode> RunSourceSync(const SourceFlags& flags, Output& output);

/// Where MaxCompute is, for the jobs of all data sources.
Result<ExitCode> RunSourceTargetItems(const SourceFlags& flags, Output& output);
Result<ExitCode> RunSourceTargetSet(const SourceFlags& flags, Output& output);
Result<ExitCode> RunSourceTargetShow(const SourceFlags& flags, Output& output);

/// What a unit of each thing costs.
Result<ExitCode> RunSourcePricesItems(const SourceFlags& flags, Output& output);
Result<ExitCode> RunSourcePricesSet(const SourceFlags& flags, Output& output);
Result<ExitCode> RunSourcePricesShow(const SourceFlags& flags, Output& output);

/// Network profiles, which `networklink` names.
Result<ExitCode> RunSourceNetworkItems(const SourceFlags& flags, Output& output);
Result<ExitCode> RunSourceNetworkAdd(const SourceFlags& flags, Output& output);
Result<ExitCode> RunSourceNetworkList(const SourceFlags& flags, Output& output);
Result<ExitCode> RunSourceNetworkShow(const SourceFlags& flags, Output& output);
Result<ExitCode> RunSourceNetworkUpdate(const SourceFlags& flags, Output& output);
Result<ExitCode> RunSourceNetworkRemove(const SourceFlags& flags, Output& output);

}  // namespace mms::terminal
