#include "service/instance.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "migration/workflow/engine.h"

namespace mms::service {

using migration::Workflow;

std::string LedgerFolder(const std::string& source_folder, const Destination& destination) {
  const std::string& schema = destination.schema;
  return source_folder + "/to/" + destination.project + (schema.empty() ? "" : "." + schema);
}

Error NoTarget() {
  return Error(ErrorKind::kInvalidInput, "TARGET_MISSING",
               "the service does not know where MaxCompute is; tell it with: mms source target "
               "set --set endpoint=... --set access_key_id=... --set access_key_secret=env:NAME, "
               "and start the data source again");
}

Result<std::shared_ptr<Instance>> Instance::Open(InstanceOptions options) {
  std::shared_ptr<Instance> instance(new Instance(std::move(options)));
  TRY(instance->metadata_, migration::Metadata::Open(instance->options_.folder));
  TRY_VOID(instance->metadata_->ResetDoing());  // nothing is at work yet
  return instance;
}

Instance::~Instance() {
  for (const auto& [destination, engine] : engines_) {
    if (engine->workflow) engine->workflow->EndJobs();
  }
}

Result<std::string> Instance::Scan(const migration::ScanScope& scope) {
  migration::TableChoice everything;
  everything.include = "*.*";
  const migration::SourceOptions& source = options_.source;
  migration::Scan scan(*metadata_,
                       {source, options_.http, {everything}, scope, source.metastore_concurrency});
  {
    const std::lock_guard lock(mutex_);
    if (cancelled_) scan.Cancel();
    running_ = &scan;
  }
  const auto result = scan.Run();
  {
    const std::lock_guard lock(mutex_);
    running_ = nullptr;
  }
  if (!result) return result.error();
  TRY(const auto record, metadata_->LastScan());
  return record ? record->result_json : std::string();
}

int Instance::Progress() const {
  const std::lock_guard lock(mutex_);
  return running_ != nullptr ? running_->Progress().hundredths : 0;
}

Result<std::shared_ptr<Workflow>> Instance::WorkflowFor(const Destination& destination) {
  if (!options_.run) return NoTarget();
  std::shared_ptr<Engine> engine;
  std::shared_ptr<Workflow> workflow;  // held, so that it is not taken for idle
  {
    const std::lock_guard lock(mutex_);
    if (cancelled_) return migration::Cancelled();
    if (!engines_.contains(destination)) MakeRoom();
    auto& known = engines_[destination];
    if (!known) known = std::make_shared<Engine>();
    if (!known->workflow) {
      migration::RunOptions options = *options_.run;
      options.target.project = destination.project;
      options.target.schema = destination.schema;
      options.state_folder = LedgerFolder(options_.folder, destination);
      TRY(known->workflow, Workflow::Open(std::move(options)));
    }
    known->idle_since_ms.reset();
    engine = known;
    workflow = known->workflow;
  }
  const std::lock_guard begin(engine->begin);
  if (!engine->begun) TRY_VOID(workflow->BeginJobs());
  engine->begun = true;
  return workflow;
}

void Instance::Engine::End() {
  if (workflow) workflow->EndJobs();
  workflow.reset();
}

void Instance::MakeRoom() {
  const auto at_work = static_cast<size_t>(std::max<int64_t>(shares_.tasks(), 1));
  while (engines_.size() >= at_work) {
    auto longest = engines_.end();
    for (auto entry = engines_.begin(); entry != engines_.end(); ++entry) {
      if (!entry->second->IsIdle()) continue;
      const auto since = [](const auto& of) {
        return of->second->idle_since_ms.value_or(INT64_MAX);
      };
      if (longest == engines_.end() || since(entry) < since(longest)) longest = entry;
    }
    if (longest == engines_.end()) return;
    longest->second->End();
    engines_.erase(longest);
  }
}

void Instance::EndIdleWorkflows(int64_t idle_ms) {
  const int64_t now = options_.now_ms();
  const std::lock_guard lock(mutex_);
  std::erase_if(engines_, [&](const auto& entry) {
    Engine& engine = *entry.second;
    if (!engine.IsIdle()) {
      engine.idle_since_ms.reset();
      return false;
    }
    if (!engine.idle_since_ms) engine.idle_since_ms = now;
    if (now - *engine.idle_since_ms < idle_ms) return false;
    engine.End();
    return true;
  });
}

void Instance::Cancel() {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
  if (running_ != nullptr) running_->Cancel();
  for (const auto& [destination, engine] : engines_) {
    if (engine->workflow) engine->workflow->Cancel();
  }
  options_.http->Cancel();
}

bool Instance::cancelled() const {
  const std::lock_guard lock(mutex_);
  return cancelled_;
}

}  // namespace mms::service
