// A state store in a folder of its own, with one data source, for tests.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "migration/ledger/state_folder.h"
#include "service/example_source.h"
#include "service/store.h"

namespace mms::service {

class StoreWithSource : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "store-XXXXXX";
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
    taken_ = *migration::StateFolder::Take(folder_, "service.lock");
    store_ = *Store::Open(*taken_);
    DataSource source;
    source.name = "sales";
    source.config = *ApplyChanges({}, ExampleSettings(), false);
    source_ = *store_->AddSource(source);
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::string folder_;
  std::unique_ptr<migration::StateFolder> taken_;
  std::unique_ptr<Store> store_;
  int64_t source_ = 0;
};

}  // namespace mms::service
