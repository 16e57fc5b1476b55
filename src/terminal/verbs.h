// The verbs of the command line, one file each. Each prints its results and errors through `output`
// and returns the exit code; none throws, prompts or reads stdin (but worker).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "terminal/output.h"

namespace mms::terminal {

/// Credentials, network and rights of both sides, step by step. `start_compute`: what the source's
/// SQL runs on is started where it does not run.
ExitCode RunCheck(const std::string& file, bool start_compute, Output& output);
struct SyncFlags {
  std::vector<std::string> schemas;  ///< names; with `tables`: what to scan, both empty = all
  std::vector<std::string> tables;   ///< `schema.table` or `table` with * and ?
  bool list = false;                 ///< only look into the metadata, without network
  std::string pattern;               ///< of the tables to list; "" = all
};
/// Reads what the source holds into the metadata, and prints the tables and what changed.
ExitCode RunSync(const std::string& file, const SyncFlags& flags, Output& output);
struct PlanFlags {
  bool ddl = false;  ///< print the statements too
  std::string out;   ///< path of the frozen plan; "" = none
  /// Of the estimate: terminal/plan_estimate.h.
  std::optional<double> rate_mib = {};
  std::string window = {};
  std::vector<std::string> prices = {};
  bool footers = false;  ///< read those of files of whose values no statistics tell
};
/// What a run would make and copy; nothing is written at the target.
ExitCode RunPlan(const std::string& file, const PlanFlags& flags, Output& output);
/// Plans, copies, compares; goes on from what is done. Ends with the report.
ExitCode RunRun(const std::string& file, Output& output);
/// A frozen plan, exactly, with the migration file `config`; "" = the one that the plan was made
/// with, unchanged.
ExitCode RunFrozenPlan(const std::string& plan, const std::string& config, Output& output);
/// Compares again what is copied.
ExitCode RunVerify(const std::string& file, Output& output);
struct ReportFlags {
  std::string format;          ///< text, json, csv or html; "" = text, or json by `--json`
  std::string out;             ///< path; "" = stdout
  std::string lang = "en_US";  ///< of the page of html; or zh_CN
  std::string evidence;        ///< path of a bundle to write instead; "" = none
  std::string check;           ///< path of a bundle to check instead; "" = none
  std::string key;             ///< fingerprint of the key that is trusted then; "" = any
};
/// The report of the state folder. Talks to nobody and needs no secrets.
ExitCode RunReport(const std::string& file, const ReportFlags& flags, Output& output);
/// What the ledger knows as a bundle that opens without us, signed by the state folder's key.
ExitCode RunEvidence(const std::string& file, const std::string& bundle, Output& output);
/// Whether a bundle is as it was signed. Needs neither file nor state folder.
ExitCode RunEvidenceCheck(const std::string& bundle, const std::string& key, Output& output);

struct SandboxFlags {
  std::string listen = "127.0.0.1:0";
  std::string data_dir;
  std::vector<std::string> projects;
  std::vector<std::string> flat_projects;
  std::string access_key_id;
  std::string access_key_secret;  ///< a reference: env:NAME or file:PATH
  std::string security_token;     ///< a reference; "" = none
  std::string users_file;         ///< YAML; "" = the one key above, owner of every project
  std::string faults_file;        ///< JSON; "" = none
  bool enforce_limits = false;
  double limit_window_scale = 1;
  int limit_slots = 300;
  int limit_block_mb_per_s = 10;  ///< 0 = no throttle
  int session_seconds = 24 * 3600;
};
/// The MaxCompute-compatible endpoint, in the foreground until SIGTERM or SIGINT.
ExitCode RunSandbox(const SandboxFlags& flags, Output& output);

/// Copies what the parent says on stdin.
ExitCode RunWorkerVerb(Output& output);
ExitCode RunVersion(Output& output);

}  // namespace mms::terminal
