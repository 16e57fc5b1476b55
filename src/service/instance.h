// A source's connection in this process: its HTTP client, its metadata, and the scan that runs.
//
// Threads: Scan from one; Cancel and Progress from any. Errors: those of the source as a whole, and
// of workflow/scan.h.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "base/http_client.h"
#include "base/result.h"
#include "migration/inspect/inspect.h"
#include "migration/metadata/metadata.h"
#include "migration/workflow/scan.h"

namespace mms::service {

class Instance {
 public:
  /// Opens the metadata in `folder`; `http` reaches the source.
  static Result<std::shared_ptr<Instance>> Open(migration::SourceOptions options,
                                                std::shared_ptr<HttpClient> http,
                                                const std::string& folder);

  /// Returns the scan's result document.
  Result<std::string> Scan(const migration::ScanScope& scope);
  /// Hundredths of a percent of the scan that runs; 0 = none.
  int Progress() const;
  /// For good: what runs ends soon, nothing new begins.
  void Cancel();

 private:
  Instance(migration::SourceOptions options, std::shared_ptr<HttpClient> http)
      : options_(std::move(options)), http_(std::move(http)) {}

  const migration::SourceOptions options_;
  const std::shared_ptr<HttpClient> http_;
  std::unique_ptr<migration::Metadata> metadata_;
  mutable std::mutex mutex_;
  migration::Scan* running_ = nullptr;  // guarded by mutex_; so below
  bool cancelled_ = false;
};

}  // namespace mms::service
