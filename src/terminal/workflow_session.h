// What `run` and `verify` share: the workflow opened from the file, its progress shown, signals
// turned into a soft stop, the summary and the exit code at the end.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "migration/workflow/workflow.h"
#include "terminal/config.h"
#include "terminal/output.h"

namespace mms::terminal {

/// Reads the file with its secrets, which then leave the environment.
Result<Config> LoadForPeers(const std::string& file);

/// What the user typed, to type it again after an interruption.
struct Command {
  std::string verb;
  std::string file;
  std::string plan = "";  ///< a frozen one

  std::string Text() const {
    return "mms " + verb + (plan.empty() ? "" : " " + plan) + " -f " + file;
  }
};

/// Runs `action` with progress and prints how it ended.
ExitCode Drive(migration::Workflow& workflow, const Command& command, Output& output,
               const std::function<Result<migration::RunSummary>(migration::Workflow&)>& action);

}  // namespace mms::terminal
