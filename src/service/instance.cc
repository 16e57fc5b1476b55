#include "service/instance.h"

namespace mms::service {

Result<std::shared_ptr<Instance>> Instance::Open(migration::SourceOptions options,
                                                 std::shared_ptr<HttpClient> http,
                                                 const std::string& folder) {
  std::shared_ptr<Instance> instance(new Instance(std::move(options), std::move(http)));
  TRY(instance->metadata_, migration::Metadata::Open(folder));
  return instance;
}

Result<std::string> Instance::Scan(const migration::ScanScope& scope) {
  migration::TableChoice everything;
  everything.include = "*.*";
  migration::Scan scan(*metadata_,
                       {options_, http_, {everything}, scope, options_.metastore_concurrency});
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

void Instance::Cancel() {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
  if (running_ != nullptr) running_->Cancel();
  http_->Cancel();
}

}  // namespace mms::service
