// A report in the form that is asked for, to a file or to stdout.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "migration/ledger/ledger.h"
#include "terminal/output.h"
#include "terminal/verbs.h"

namespace mms::terminal {

/// Where the tables of a report come from.
struct ReportOrigin {
  std::string workspace;  ///< "" = every table is given by location
  std::string catalog;
  int64_t locations = 0;                        ///< tables given by location
  std::optional<int64_t> left_out_tables = {};  ///< of a job: those that are not told; else nullopt
};

/// Errors: the ledger's, those of output_file.h.
Status WriteReport(migration::Ledger& ledger, const ReportOrigin& origin, const ReportFlags& flags,
                   Output& output);

}  // namespace mms::terminal
