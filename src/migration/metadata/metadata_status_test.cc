// What a job brought to the target in a state that no scan has seen.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "migration/inspect/snapshot.h"
#include "migration/metadata/metadata.h"

namespace mms::migration {
namespace {

/// A table with the partitions 0 and 1, read at version 8.
class BroughtTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/mms brought XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    auto opened = Metadata::Open(folder_);
    ASSERT_TRUE(opened.has_value());
    metadata_ = std::move(opened).value();
    ListedTable listed;
    listed.name = "main.sales.t";
    listed.database = "sales";
    listed.table = "t";
    scan_ = metadata_->BeginScan("whole source", 1).value();
    Good(metadata_->SaveDatabase(scan_, "sales", ""));
    Good(metadata_->SaveListed(scan_, {listed}));
    Save(8, "d", "m8");
  }
  void TearDown() override {
    metadata_.reset();
    std::filesystem::remove_all(folder_);
  }

  static void Good(const Status& status) {
    ASSERT_TRUE(status.has_value()) << status.error().ToString();
  }

  TableEntry Find() {
    auto found = metadata_->FindTable("main.sales.t");
    return **found;
  }

  /// A reading that finds all as it was.
  void Save(int64_t version, const std::string& delta_id, const std::string& mark) {
    TableRead read;
    read.entry = Find();
    read.table_id = read.entry.id;
    read.entry.delta_id = delta_id;
    read.entry.version = version;
    read.entry.commit_mark = mark;
    const auto stored = metadata_->AllPartitions(read.table_id);
    for (int i = 0; i < 2; ++i) {
      PartitionEntry partition;
      partition.values = "[\"" + std::to_string(i) + "\"]";
      partition.fingerprint = 7 + i;
      if (stored->empty()) read.inserts.push_back(partition);
    }
    for (PartitionEntry partition : *stored) {
      partition.fingerprint = partition.values == "[\"0\"]" ? 7 : 8;
      read.updates.push_back(partition);
    }
    Good(metadata_->SaveRead(scan_, read));
  }

  void Bring(const Metadata::Copied& brought, std::vector<std::string> values = {"[\"1\"]"},
             bool all = false) {
    Metadata::StatusChange change;
    change.table_name = "main.sales.t";
    change.whole = values.empty();
    change.values = std::move(values);
    change.status = ObjectStatus::kDone;
    change.brought = brought;
    change.brought_all = all;
    Good(metadata_->SetStatus(change));
  }

  /// How many partitions are taken for what was copied of them.
  int64_t Known() {
    int64_t known = 0;
    const auto stored = metadata_->AllPartitions(Find().id);
    for (const PartitionEntry& partition : *stored) {
      known += partition.fingerprint != kNoFingerprint;
    }
    return known;
  }

  std::string folder_;
  std::unique_ptr<Metadata> metadata_;
  int64_t scan_ = 0;
};

TEST_F(BroughtTest, AStateThatWasScannedLeavesWhatIsKnown) {
  Bring({8, "d", "m8"});
  Bring({7, "d", "m7"}, {});
  EXPECT_EQ(Find().copied_version, std::nullopt);
  EXPECT_EQ(Known(), 2);
}

TEST_F(BroughtTest, ALaterStateIsNoLongerThatOfTheScan) {
  Bring({9, "d", "m9"});
  EXPECT_EQ(Find().copied_version, 9);
  EXPECT_EQ(Find().copied_mark, "m9");
  EXPECT_EQ(Known(), 1) << "of what was copied alone";
  Bring({10, "d", "m10"});
  Bring({9, "d", "m9"}, {"[\"0\"]"});
  EXPECT_EQ(Find().copied_version, 10);
  EXPECT_EQ(Find().copied_mark, "m10") << "the latest of one history";
  EXPECT_EQ(Known(), 0);
  Save(10, "d", "m10");
  EXPECT_EQ(Find().copied_version, std::nullopt);
  EXPECT_EQ(Known(), 2);
}

TEST_F(BroughtTest, AJobThatDropsWhatIsGoneBringsAll) {
  Bring({9, "d", "m9"}, {"[\"1\"]"}, true);
  EXPECT_EQ(Known(), 0);
  Save(9, "d", "m9");
  Bring({10, "d", "m10"}, {});
  EXPECT_EQ(Known(), 0);
}

TEST_F(BroughtTest, OfAnotherTableOrHistoryNothingTellsHowItBelongs) {
  Bring({3, "another", "m3"});
  EXPECT_EQ(Find().copied_version, 3);
  EXPECT_EQ(Find().copied_mark, "");
  EXPECT_EQ(Known(), 1);
  Bring({9, "d", "m9"});
  EXPECT_EQ(Find().copied_mark, "") << "one of two histories is not known";
  Save(9, "d", "m9");
  Bring({9, "d", "another"});
  EXPECT_EQ(Find().copied_version, 9);
  EXPECT_EQ(Find().copied_mark, "");
}

TEST_F(BroughtTest, AnotherStateOfATableWithoutVersionsIsOneThatNoScanSaw) {
  Save(kNoVersion, "", "state");
  Bring({kNoVersion, "state"});
  EXPECT_EQ(Find().copied_version, std::nullopt);
  Bring({kNoVersion, "later state"});
  EXPECT_EQ(Find().copied_version, kNoVersion);
  EXPECT_EQ(Known(), 1);
}

TEST_F(BroughtTest, WhatIsBroughtWhileAScanReadsIsTheNextOnes) {
  TableRead read;
  read.entry = Find();
  read.table_id = read.entry.id;
  Bring({9, "d", "m9"});
  Good(metadata_->SaveRead(scan_, read));
  EXPECT_EQ(Find().copied_version, 9);
}

}  // namespace
}  // namespace mms::migration
