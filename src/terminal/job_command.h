// The command line of `mms job`, `mms timer` and `mms status`.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <vector>

#include "terminal/job_verbs.h"

namespace mms::terminal {

class JobCommand {
 public:
  using Verb = Result<ExitCode> (*)(const JobFlags&, Output&);
  /// Called for the subcommand with its verb, bound to the flags.
  using Choose = std::function<void(CLI::App* sub, std::function<Result<ExitCode>(Output&)> verb)>;

  /// Adds `job`, `timer` and `status` to `app`, and returns them. All outlive the parsing.
  std::vector<CLI::App*> AddTo(CLI::App& app, const Choose& choose);

 private:
  CLI::App* Add(CLI::App* parent, const char* name, const char* help, Verb verb);
  void AddId(CLI::App* sub, const char* of);
  void AddScope(CLI::App* sub);
  /// All of a job's description.
  void AddDescription(CLI::App* sub, bool named);
  void AddPlan(CLI::App* job);
  void AddPages(CLI::App* sub);
  void AddSchedule(CLI::App* sub);
  CLI::App* AddJob(CLI::App& app);
  CLI::App* AddTimer(CLI::App& app);
  CLI::App* AddStatus(CLI::App& app);

  JobFlags flags_;
  Choose choose_;
};

}  // namespace mms::terminal
