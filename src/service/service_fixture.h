// For the tests of the service: it, and peers that answer as they are told.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/loopback_server.h"
#include "service/example_source.h"
#include "service/service.h"

namespace mms::service {

inline constexpr int64_t kNoon = 1'767'614'400'000;  // 2026-01-05 12:00:00 UTC
inline constexpr int64_t kMinute = 60'000;

/// A workspace whose catalog `main` has one schema with one view.
class Workspace {
 public:
  Workspace() : server_([this](const LoopbackRequest& request) { return Respond(request); }) {}
  ~Workspace() { Release(); }

  std::string url() const { return server_.url(); }
  std::atomic<int> status{200};
  std::atomic<bool> empty{false};  ///< the token sees no table
  /// From now on the list of tables is not answered until Release.
  void Hold() { held_ = true; }
  /// So of the catalog.
  void HoldCatalog() { catalog_held_ = true; }
  void Release() {
    const bool held = held_.exchange(false), catalog_held = catalog_held_.exchange(false);
    if (held || catalog_held) release_.set_value();
  }
  /// Somebody waits for what is held.
  void WaitUntilAsked() { asked_.get_future().wait(); }

 private:
  LoopbackAnswer Respond(const LoopbackRequest& request) {
    if (status != 200) return Answer(status, R"({"error_code": "X", "message": "no"})");
    const std::string& target = request.target;
    const auto has = [&](const char* part) { return target.find(part) != target.npos; };
    if (has("/scim/v2/Me")) return Answer(200, R"({"id": "1", "userName": "anna"})");
    if (has("/catalogs/main")) {
      if (catalog_held_) Wait();
      return Answer(200, R"({"name": "main"})");
    }
    if (has("/schemas?")) {
      return Answer(200, R"({"schemas": [{"name": "sales", "catalog_name": "main"}]})");
    }
    if (has("/tables?")) {
      if (held_) Wait();
      if (empty) return Answer(200, R"({"tables": []})");
      return Answer(200, R"({"tables": [{"name": "v", "catalog_name": "main",
          "schema_name": "sales", "table_type": "VIEW", "table_id": "1", "columns": []}]})");
    }
    return Answer(404, R"({"error_code": "NOT_FOUND", "message": "none"})");
  }

  void Wait() {
    std::call_once(once_, [&] { asked_.set_value(); });
    released_.wait();
  }

  std::once_flag once_;
  std::promise<void> asked_, release_;
  std::shared_future<void> released_ = release_.get_future().share();
  std::atomic<bool> held_{false}, catalog_held_{false};
  LoopbackServer server_;
};

class ServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "service-XXXXXX";
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
    Open();
  }
  void TearDown() override {
    workspace_.Release();
    service_.reset();
    std::filesystem::remove_all(folder_);
  }
  void Open(int job_tasks_max = 64) {
    service_.reset();
    ServiceOptions options;
    options.folder = folder_;
    options.job_tasks_max = job_tasks_max;
    options.now_ms = [this] { return now_ms_ + set_by_ms_; };
    options.steady_ms = [this] {
      if (on_clock_) on_clock_();
      return now_ms_.load();
    };
    auto opened = Service::Open(options);
    ASSERT_TRUE(opened) << opened.error().ToString();
    service_ = std::move(*opened);
  }
  int64_t Add(const nlohmann::json& more = nlohmann::json::object(),
              const std::string& name = "sales") {
    NewDataSource source;
    source.name = name;
    source.config = ExampleSettings(workspace_.url());
    source.config.update(more);
    const auto id = service_->CreateDataSource(source);
    EXPECT_TRUE(id) << id.error().ToString();
    return id ? *id : 0;
  }
  Status Update(int64_t id, const nlohmann::json& changes, bool test = false) {
    return service_->RunTask({id, AsyncType::kConfigUpdate, "user", changes, test});
  }
  AsyncTask Last(int64_t id, AsyncType type) { return **service_->store().LastTask(id, type); }
  DataSource Get(int64_t id) { return *service_->store().GetSource(id); }
  std::vector<ScanTask> Scans(int64_t id) { return *service_->store().ListScans(id, {1, 100}); }
  void Tick() {
    const Status ticked = service_->Tick();
    EXPECT_TRUE(ticked) << ticked.error().ToString();
  }
  void TickThrough() {
    Tick();
    service_->WaitForScans();
  }
  void TickUntil(const std::function<bool()>& seen) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!seen()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      Tick();
    }
  }

  Workspace workspace_;
  std::string folder_;
  std::atomic<int64_t> now_ms_{kNoon};
  std::atomic<int64_t> set_by_ms_{0};  ///< the machine's clock, by somebody
  std::function<void()>
      on_clock_;  ///< whenever the service reads what lasts; set while nothing runs
  std::unique_ptr<Service> service_;
};

/// A job of the source with as many tasks, each of a table of its own.
inline void AddTasks(Store& store, int64_t source_id, int tasks,
                     const std::string& project = "dw") {
  Job job;
  job.source_id = source_id;
  job.name = "move";
  job.src_db = "sales";
  job.dst_project = project;
  const auto added = store.AddJob(job, [&](const Store::AddJobTask& add) -> Status {
    for (int i = 0; i < tasks; ++i) {
      Store::NewTask made;
      made.task.src_table = "t" + std::to_string(i);
      made.task.dst_table = "s" + std::to_string(source_id) + "_" + made.task.src_table;
      made.task.table_name = "main.sales." + made.task.src_table;
      TRY_VOID(add(made));
    }
    return OkStatus();
  });
  ASSERT_TRUE(added) << added.error().ToString();
}

/// A MaxCompute that answers nothing until it is told to, and then refuses.
class HeldTarget {
 public:
  nlohmann::json Settings() const {
    return {{"endpoint", server_.url()}, {"access_key_id", "id"}, {"access_key_secret", "secret"}};
  }
  void Release() { release_.set_value(); }

 private:
  std::promise<void> release_;
  std::shared_future<void> released_ = release_.get_future().share();
  LoopbackServer server_{[this](const LoopbackRequest&) {
    released_.wait();
    return Answer(403, "<Error><Code>NoPermission</Code><Message>no</Message></Error>");
  }};
};

}  // namespace mms::service
