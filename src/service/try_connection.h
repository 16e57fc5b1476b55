// The connection test: what `mms check` looks at of the source's side, with the settings of a data
// source. Errors: none; what a step met is in its outcome.
//
// Threads: TryConnection in one; the HTTP client's Cancel ends it from any.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/http_client.h"
#include "base/result.h"
#include "clients/maxcompute/client.h"
#include "migration/inspect/inspect.h"

namespace mms::service {

enum class TestDepth {
  kConnection,  ///< what a start needs: workspace, token, catalog, compute
  kAll,         ///< tables, each right, storage as well
};

/// The target of the source's jobs.
struct TargetTest {
  maxcompute::Options options;        ///< but for the project
  std::vector<std::string> projects;  ///< the default one first
  std::shared_ptr<HttpClient> http;
};

struct ConnectionTest {
  /// {"steps": [{"name", "outcome", "detail", "remedy", "duration_ms", "error"}]}, without secrets;
  /// `outcome`: "ok", "warning", "failed", "unknown".
  nlohmann::json result;
  /// Of the first step that failed, with its name and what to do.
  std::optional<Error> error;
};

ConnectionTest TryConnection(const migration::SourceOptions& options,
                             const std::shared_ptr<HttpClient>& http, TestDepth depth,
                             std::function<bool()> cancelled);
/// Adds the steps of each project to `test`, its name before what was seen.
void TryTarget(const TargetTest& target, std::function<bool()> cancelled, ConnectionTest* test);
/// Of calls that a person waits for.
RetryPolicy ShortRetry(std::function<bool()> cancelled);
/// Adds that nobody has told where the target is.
void NoteNoTarget(ConnectionTest* test);

}  // namespace mms::service
