// Rows of a SELECT of any length: by an instance download session of Tunnel, or, where the service
// gives none, from the result document, which holds 10,000 rows at most.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "clients/maxcompute/client.h"
#include "clients/maxcompute/tunnel.h"

namespace mms::maxcompute {

/// Cells as the result document writes them; nullopt is NULL.
using SqlRow = std::vector<std::optional<std::string>>;

/// Runs `statement` and streams its rows through `visit`, which returns an error to stop. Gives the
/// instance's id. Errors: those of RunSql and Tunnel::Read; kLimitReached ODPS_RESULT_TRUNCATED
/// when only a part of the rows is to be had.
Result<std::string> RunSqlRows(Tunnel& tunnel, const std::string& statement,
                               const std::function<Status(const SqlRow&)>& visit,
                               const SqlOptions& options = {});

}  // namespace mms::maxcompute
