#include "clients/databricks/compute.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "clients/databricks/answer.h"

namespace mms::databricks {
namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;

/// A present text, "" otherwise: fields that are not set are absent or null.
std::string Text(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string Termination(const Json& cluster) {
  const auto reason = cluster.find("termination_reason");
  if (reason == cluster.end() || !reason->is_object()) return "";
  std::string text = Text(*reason, "code");
  const std::string type = Text(*reason, "type");
  if (!type.empty()) text += " (" + type + ")";
  const auto parameters = reason->find("parameters");
  if (parameters == reason->end() || !parameters->is_object()) return text;
  std::string separator = ": ";
  for (const auto& [key, value] : parameters->items()) {
    text += separator + key + "=" + (value.is_string() ? value.get<std::string>() : value.dump());
    separator = ", ";
  }
  return text;
}

Result<ComputeState> ParseState(ComputeKind kind, const std::string& body) {
  const Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  ComputeState state;
  if (json.is_object()) state.state = Text(json, "state");
  if (state.state.empty()) {
    return Error(ErrorKind::kCorrupt, "DATABRICKS_ANSWER",
                 "the workspace does not tell the state of the cluster or warehouse");
  }
  state.readiness = ReadinessOf(kind, state.state);
  if (kind == ComputeKind::kWarehouse) {
    state.name = Text(json, "name");
    const auto health = json.find("health");
    if (health != json.end() && health->is_object()) state.message = Text(*health, "summary");
    return state;
  }
  state.name = Text(json, "cluster_name");
  state.message = Text(json, "state_message");
  state.termination = Termination(json);
  state.access_mode = Text(json, "data_security_mode");
  state.spark_version = Text(json, "spark_version");
  const auto minutes = json.find("autotermination_minutes");
  if (minutes != json.end() && minutes->is_number_integer()) {
    state.autotermination_minutes = minutes->get<int>();
  }
  return state;
}

Question About(const ComputeId& compute) {
  if (compute.kind == ComputeKind::kCluster) {
    return {"cluster " + compute.id, "DATABRICKS_CLUSTER_NOT_FOUND", ""};
  }
  return {"warehouse " + compute.id, "DATABRICKS_WAREHOUSE_NOT_FOUND", ""};
}

/// What is known of why it is not running.
std::string Reason(const ComputeState& state) {
  std::string text = "state " + state.state;
  if (!state.message.empty()) text += ": " + state.message;
  if (!state.termination.empty()) text += "; ended by " + state.termination;
  return text;
}

Error StartFailed(const ComputeId& compute, const ComputeState& state) {
  return Error(ErrorKind::kUnavailable, "COMPUTE_START_FAILED",
               fmt::format("it does not start ({}); see its event log in the workspace",
                           Reason(state)))
      .At(About(compute).object);
}

long SpentMs(Clock::time_point since) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - since).count();
}

}  // namespace

ComputeReadiness ReadinessOf(ComputeKind kind, const std::string& state) {
  struct Row {
    ComputeKind kind;
    std::string_view state;
    ComputeReadiness readiness;
  };
  constexpr auto kCluster = ComputeKind::kCluster;
  constexpr auto kWarehouse = ComputeKind::kWarehouse;
  static constexpr Row kRows[] = {
      {kCluster, "RUNNING", ComputeReadiness::kReady},
      {kCluster, "RESIZING", ComputeReadiness::kReady},
      {kCluster, "PENDING", ComputeReadiness::kWait},
      {kCluster, "RESTARTING", ComputeReadiness::kWait},
      {kCluster, "TERMINATING", ComputeReadiness::kStopping},
      {kCluster, "TERMINATED", ComputeReadiness::kStopped},
      {kCluster, "ERROR", ComputeReadiness::kFailed},
      {kWarehouse, "RUNNING", ComputeReadiness::kReady},
      {kWarehouse, "STARTING", ComputeReadiness::kWait},
      {kWarehouse, "STOPPING", ComputeReadiness::kStopping},
      {kWarehouse, "STOPPED", ComputeReadiness::kStopped},
      {kWarehouse, "DELETING", ComputeReadiness::kFailed},
      {kWarehouse, "DELETED", ComputeReadiness::kFailed},
  };
  const auto* const found = std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& row) {
    return row.kind == kind && row.state == state;
  });
  return found == std::end(kRows) ? ComputeReadiness::kUnknown : found->readiness;
}

Status CheckAccessMode(const ComputeState& state) {
  const std::string& mode = state.access_mode;
  if (mode != "NONE" && !mode.starts_with("LEGACY_")) return OkStatus();
  return Error(ErrorKind::kUnsupported, "COMPUTE_ACCESS_MODE",
               fmt::format("cluster {} runs in access mode {}, which does not see Unity Catalog; "
                           "choose access mode Standard or Dedicated, or another cluster",
                           state.name, mode));
}

Compute::Compute(std::shared_ptr<WorkspaceApi> api, Options options)
    : api_(std::move(api)), options_(std::move(options)) {
  options_.retry.cancelled = api_->cancelled();
}

/// GET of the state, or POST that starts it: it does nothing to what is started, so it may be sent
/// again too.
Result<std::string> Compute::Call(const ComputeId& compute, const char* method, bool start) {
  HttpRequest request;
  request.method = method;
  const std::string id = UrlEncode(compute.id);
  if (compute.kind == ComputeKind::kWarehouse) {
    request.url = "/api/2.0/sql/warehouses/" + id + (start ? "/start" : "");
    if (start) request.body = "{}";
  } else if (start) {
    request.url = "/api/2.1/clusters/start";
    request.body = Json{{"cluster_id", compute.id}}.dump();
  } else {
    request.url = "/api/2.1/clusters/get?cluster_id=" + id;
  }
  return Retry(options_.retry, [&] { return api_->Ask(request, About(compute)); });
}

Result<ComputeState> Compute::Fetch(const ComputeId& compute) {
  TRY(const std::string body, Call(compute, "GET", /*start=*/false));
  return ParseState(compute.kind, body);
}

Status Compute::Start(const ComputeId& compute) {
  const Result<std::string> started = Call(compute, "POST", /*start=*/true);
  if (started) return OkStatus();
  // Another may have started it in between; the state tells.
  const bool in_another_state =
      started.error().http_status() == 400 &&
      started.error().message().find("INVALID_STATE") != std::string::npos;
  return in_another_state ? OkStatus() : Status(started.error());
}

Result<ComputeState> Compute::Ensure(const ComputeId& compute) {
  const Clock::time_point begun = Clock::now();
  long wait_ms = options_.poll_first_ms;
  bool start_asked = false;
  while (true) {
    TRY(const ComputeState state, Fetch(compute));
    switch (state.readiness) {
      case ComputeReadiness::kReady: return state;
      case ComputeReadiness::kWait:
      case ComputeReadiness::kStopping:
      case ComputeReadiness::kUnknown: break;
      case ComputeReadiness::kFailed:
        if (compute.kind == ComputeKind::kWarehouse) {
          return Error(ErrorKind::kConflict, "COMPUTE_DELETED",
                       "it is being deleted; choose another")
              .At(About(compute).object);
        }
        [[fallthrough]];  // a cluster in ERROR may be started, once
      case ComputeReadiness::kStopped:
        if (std::exchange(start_asked, true)) return StartFailed(compute, state);
        TRY_VOID(Start(compute));
        break;
    }
    if (SpentMs(begun) + wait_ms > options_.start_deadline_ms) {
      return Error(ErrorKind::kUnavailable, "COMPUTE_START_TIMEOUT",
                   fmt::format("it is not running after {} s ({}); run again when it is",
                               SpentMs(begun) / 1000, Reason(state)))
          .At(About(compute).object);
    }
    if (options_.on_wait) options_.on_wait(state);
    if (!WaitFor(options_.retry, wait_ms)) {
      return Error(ErrorKind::kCancelled, "CANCELLED", "stopped on request");
    }
    wait_ms = std::min(wait_ms * 3 / 2, options_.poll_max_ms);
  }
}

}  // namespace mms::databricks
