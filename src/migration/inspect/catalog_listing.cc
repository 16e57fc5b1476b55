#include "migration/inspect/catalog_listing.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

namespace mms::migration {
namespace {

struct Chosen {
  databricks::Table table;
  const TableChoice* choice;
};
using Tables = Result<std::vector<Chosen>>;

Tables ListSchema(const ChosenListing& listing, const std::string& schema) {
  std::vector<Chosen> tables;
  std::set<std::string> seen;  // a page may repeat what another had when tables are made meanwhile
  const Status listed = listing.catalog.ListTables(
      listing.catalog_name, schema, [&](databricks::Table table) -> Status {
        const TableChoice* choice = listing.selection.ChoiceOf(schema, table.name);
        if (choice != nullptr && seen.insert(table.name).second) {
          tables.push_back({std::move(table), choice});
        }
        return OkStatus();
      });
  if (listed) return tables;
  const bool dropped = listed.error().code() == "DATABRICKS_SCHEMA_NOT_FOUND";
  return dropped ? Tables(std::vector<Chosen>()) : Tables(listed.error());
}

/// Threads that list schemas ahead of the one who takes them in order, but not far ahead.
class Listers {
 public:
  Listers(const ChosenListing& listing, const std::vector<std::string>& schemas)
      : listing_(listing), schemas_(schemas), listed_(schemas.size()) {
    window_ = static_cast<size_t>(std::max(1, listing.schemas_at_once));
    const size_t threads = std::min(window_, schemas.size());
    for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(); });
  }
  ~Listers() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  /// The tables of the next schema.
  Tables Take(size_t index) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return listed_[index].has_value(); });
    Tables tables = std::move(*listed_[index]);
    listed_[index].reset();
    taken_ = index + 1;
    changed_.notify_all();
    return tables;
  }

 private:
  void Run() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(
          lock, [&] { return stopped_ || next_ >= schemas_.size() || next_ < taken_ + window_; });
      if (stopped_ || next_ >= schemas_.size()) return;
      const size_t index = next_++;
      lock.unlock();
      Tables tables = ListSchema(listing_, schemas_[index]);
      lock.lock();
      listed_[index] = std::move(tables);
      changed_.notify_all();
    }
  }

  const ChosenListing& listing_;
  const std::vector<std::string>& schemas_;
  size_t window_ = 1;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::optional<Tables>> listed_;  // guarded by mutex_; so below
  size_t next_ = 0;
  size_t taken_ = 0;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace

Status ListChosen(const ChosenListing& listing,
                  const std::function<Status(databricks::Table, const TableChoice&)>& visit) {
  std::vector<std::string> schemas;
  TRY_VOID(
      listing.catalog.ListSchemas(listing.catalog_name, [&](databricks::Schema schema) -> Status {
        if (!listing.selection.WantsSchema(schema.name)) return OkStatus();
        const bool known = std::find(schemas.begin(), schemas.end(), schema.name) != schemas.end();
        if (!known) schemas.push_back(std::move(schema.name));
        return OkStatus();
      }));
  Listers listers(listing, schemas);
  for (size_t i = 0; i < schemas.size(); ++i) {
    TRY(std::vector<Chosen> tables, listers.Take(i));
    for (Chosen& chosen : tables) TRY_VOID(visit(std::move(chosen.table), *chosen.choice));
  }
  return OkStatus();
}

}  // namespace mms::migration
