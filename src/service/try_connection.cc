#include "service/try_connection.h"

#include "base/secret.h"
#include "migration/transfer/job.h"
#include "migration/workflow/check.h"

namespace mms::service {
namespace {

using migration::CheckOutcome;
using migration::CheckStep;
using nlohmann::json;

const char* OutcomeName(CheckOutcome outcome) {
  switch (outcome) {
    case CheckOutcome::kOk: return "ok";
    case CheckOutcome::kWarning: return "warning";
    case CheckOutcome::kFailed: return "failed";
    case CheckOutcome::kUnknown: return "unknown";
  }
  CHECK(false);
}

json FieldsOf(const CheckStep& step) {
  return {{"name", step.name},
          {"outcome", OutcomeName(step.outcome)},
          {"detail", ScrubSecrets(step.detail)},
          {"remedy", step.remedy.empty() ? json() : json(ScrubSecrets(step.remedy))},
          {"duration_ms", step.duration_ms},
          {"error", step.error ? migration::ToJson(*step.error) : json()}};
}

Error ErrorOf(const CheckStep& step) {
  const std::string remedy = step.remedy.empty() ? "" : "; " + step.remedy;
  if (!step.error) {
    return Error(ErrorKind::kDenied, "CONNECTION_TEST", step.detail + remedy).At(step.name);
  }
  const Error& met = *step.error;
  return Error(met.kind(), met.code(),
               (met.where().empty() ? "" : met.where() + ": ") + met.message() + remedy)
      .At(step.name);
}

void Add(const CheckStep& step, ConnectionTest* test) {
  test->result["steps"].push_back(FieldsOf(step));
  if (step.outcome == CheckOutcome::kFailed && !test->error) test->error = ErrorOf(step);
}

}  // namespace

RetryPolicy ShortRetry(std::function<bool()> cancelled) {
  RetryPolicy retry;
  retry.attempts_max = 4;
  retry.deadline_ms = 30'000;
  retry.cancelled = std::move(cancelled);
  return retry;
}

ConnectionTest TryConnection(const migration::SourceOptions& options,
                             const std::shared_ptr<HttpClient>& http, TestDepth depth,
                             std::function<bool()> cancelled) {
  migration::RunOptions run;
  run.source = options;
  run.tables.emplace_back().include = "*.*";
  const RetryPolicy retry = ShortRetry(std::move(cancelled));
  ConnectionTest test;
  test.result["steps"] = json::array();
  for (const CheckStep& step :
       migration::CheckSource({run, http, retry, depth == TestDepth::kConnection})) {
    Add(step, &test);
  }
  return test;
}

void TryTarget(const TargetTest& target, std::function<bool()> cancelled, ConnectionTest* test) {
  maxcompute::Options options = target.options;
  options.retry = ShortRetry(std::move(cancelled));
  for (const std::string& project : target.projects) {
    options.project = project;
    for (CheckStep step : migration::CheckTarget(options, target.http)) {
      if (!step.detail.starts_with("project "))
        step.detail = "project " + project + ": " + step.detail;
      Add(step, test);
    }
  }
}

void NoteNoTarget(ConnectionTest* test) {
  CheckStep step;
  step.name = "MaxCompute project";
  step.detail = "the service was not told where MaxCompute is";
  step.remedy = "tell it with: mms source target set";
  Add(step, test);
}

}  // namespace mms::service
