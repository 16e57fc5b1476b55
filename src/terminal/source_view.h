// What the verbs of `mms source` read and print, and how they look into a state folder.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/config_items.h"
#include "service/service.h"
#include "terminal/output.h"
#include "terminal/source_verbs.h"

namespace mms::terminal {

/// A look into a state folder that may have an owner. When a process died in it, the folder is
/// taken for the moment and put right first, so that no status is shown of what runs no more.
class SourceView {
 public:
  static Result<SourceView> Open(const std::string& folder);
  service::Store& store() { return service_ ? service_->store() : *beside_; }

 private:
  std::unique_ptr<service::Store> beside_;
  std::unique_ptr<service::Service> service_;
};

/// The folder, as its owner.
Result<std::unique_ptr<service::Service>> TakeService(const SourceFlags& flags);

/// KEY=VALUE as settings; secrets, as `find` tells them, are read from where they are.
Result<Json> ReadSettings(const std::vector<std::string>& texts,
                          const service::ConfigItem* (*find)(std::string_view key));
void PrintItems(std::span<const service::ConfigItem> items, const SourceFlags& flags,
                Output& output);

/// Secrets are masked.
Json SourceFields(const service::DataSource& source);
Json ScanFields(const service::ScanTask& scan);
Json TaskFields(const service::AsyncTask& task);
/// Of the task's connection test, if it ran one.
void PrintSteps(const service::AsyncTask& task, Output& output);
void PrintSource(const service::DataSource& source, Output& output);
/// State, last scan, and what the instance took.
Status PrintStatus(service::Store& store, const service::DataSource& source, Output& output);

/// "12.34 %".
std::string Percent(int hundredths);
/// "2026-01-05 12:00:00 UTC"; "-" when unknown.
std::string TimeText(std::optional<int64_t> ms);

}  // namespace mms::terminal
