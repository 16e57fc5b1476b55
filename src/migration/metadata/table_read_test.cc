#include "migration/metadata/table_read.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace mms::migration {
namespace {

delta::File File(const std::string& path, const std::string& partition,
                 std::optional<int64_t> rows = 10) {
  delta::File file;
  file.path = path;
  file.size_bytes = 100;
  file.modified_ms = 5;
  file.rows = rows;
  file.partition_values["p"] = partition;
  return file;
}

PartitionSums SumsOf(const std::vector<delta::File>& files) {
  PartitionSums sums({"p"});
  for (const delta::File& file : files) sums.Add(file);
  return sums;
}

/// A table that was read at version 3, and is read again at 6.
class TableReadTest : public ::testing::Test {
 protected:
  TableReadTest() {
    info_.id = "d";
    info_.version = 6;
    info_.partition_columns = {"p"};
    info_.column_mapping = "none";
    info_.schema_json =
        R"({"fields":[{"name":"p","type":"string","nullable":true,"metadata":{"comment":"c"}}]})";
    before_.id = 1;
    before_.delta_id = "d";
    before_.version = 3;
    before_.data_version = 2;
    before_.listed.columns_json = "[]";
  }

  /// The partitions of a first reading, as they would come back from the metadata.
  static std::vector<PartitionEntry> Stored(const std::vector<delta::File>& files) {
    delta::TableInfo info;
    info.version = 3;
    info.partition_columns = {"p"};
    const TableEntry never;
    const PartitionSums sums = SumsOf(files);
    const std::optional<delta::Changes> changes;
    std::vector<PartitionEntry> stored =
        CompareWithStored({never, info, sums, changes}, {}).inserts;
    for (PartitionEntry& entry : stored) entry.id = entry.values[2];  // "a" = 97
    return stored;
  }

  TableRead Read(const std::vector<delta::File>& files, const std::vector<PartitionEntry>& stored) {
    const PartitionSums sums = SumsOf(files);
    return CompareWithStored({before_, info_, sums, changes_}, stored);
  }

  void Touch(const std::string& partition, int64_t version) {
    if (!changes_) changes_.emplace();
    changes_->partitions.push_back({{{"p", partition}}, {version, version * 1000}});
    changes_->last = {version, version * 1000};
  }

  delta::TableInfo info_;
  TableEntry before_;
  std::optional<delta::Changes> changes_;
};

TEST_F(TableReadTest, TheFirstReadingSumsFilesByPartition) {
  before_ = TableEntry();
  delta::File removed = File("2", "a");
  removed.deletion_vector = delta::DeletionVector{"u", "x", 1, 30, 4};
  const TableRead read = Read({File("1", "a"), removed, File("3", "b")}, {});
  EXPECT_EQ(read.change, TableChange::kNone) << "it is new by its listing";
  ASSERT_EQ(read.inserts.size(), 2U);
  const auto a = std::find_if(read.inserts.begin(), read.inserts.end(),
                              [](const PartitionEntry& p) { return p.values == "[\"a\"]"; });
  ASSERT_NE(a, read.inserts.end());
  EXPECT_EQ(a->rows, 16);
  EXPECT_EQ(a->files, 2);
  EXPECT_EQ(a->bytes, 200);
  EXPECT_EQ(a->data_version, 6) << "not later than what was read";
  EXPECT_EQ(read.entry.rows, 26);
  EXPECT_EQ(read.entry.partitions, 2);
  EXPECT_EQ(read.entry.count_source, CountSource::kLog);
  EXPECT_TRUE(read.entry.deletion_vectors);
  EXPECT_EQ(read.entry.changed_ms, 5);
  EXPECT_NE(read.entry.listed.columns_json.find("\"comment\":\"c\""), std::string::npos);
}

TEST_F(TableReadTest, OnlyATouchedPartitionIsUpdated) {
  const auto stored = Stored({File("1", "a"), File("2", "b"), File("3", "b"), File("4", "c")});
  Touch("a", 5);
  // b was compacted, c is as it was.
  const TableRead read = Read({File("9", "a"), File("8", "b", 20), File("4", "c")}, stored);
  EXPECT_EQ(read.change, TableChange::kUpdated);
  ASSERT_EQ(read.updates.size(), 2U);
  for (const PartitionEntry& partition : read.updates) {
    EXPECT_EQ(partition.updated, partition.values == "[\"a\"]");
    EXPECT_EQ(partition.id, partition.values[2]);
    EXPECT_EQ(partition.data_version, partition.updated ? 5 : 3);
    EXPECT_EQ(partition.files, 1);
  }
  EXPECT_TRUE(read.inserts.empty());
  EXPECT_TRUE(read.vanished.empty());
  EXPECT_EQ(read.entry.data_version, 5);
  EXPECT_EQ(read.entry.changed_ms, 5000);
}

TEST_F(TableReadTest, WhatIsPutBackToTheLastReadingIsUpdatedSinceACopyMayLieBetween) {
  const auto stored = Stored({File("1", "a"), File("2", "b")});
  Touch("a", 6);
  const TableRead read = Read({File("1", "a"), File("2", "b")}, stored);
  EXPECT_EQ(read.change, TableChange::kUpdated);
  ASSERT_EQ(read.updates.size(), 1U);
  EXPECT_EQ(read.updates[0].values, "[\"a\"]");
  EXPECT_TRUE(read.updates[0].updated);
  EXPECT_EQ(read.updates[0].data_version, 6);
}

TEST_F(TableReadTest, WhatWasCopiedUnseenIsUpdatedUnlessTheLogTellsThatItIsNot) {
  auto stored = Stored({File("1", "a"), File("2", "b")});
  stored[stored[0].values == "[\"a\"]" ? 0 : 1].fingerprint = kNoFingerprint;
  before_.copied_version = 4;
  TableRead read = Read({File("1", "a"), File("2", "b")}, stored);  // commits cleaned up
  ASSERT_EQ(read.updates.size(), 1U);
  EXPECT_EQ(read.updates[0].values, "[\"a\"]");
  EXPECT_TRUE(read.updates[0].updated);
  EXPECT_EQ(read.change, TableChange::kUpdated);
  changes_.emplace();
  read = Read({File("1", "a"), File("2", "b")}, stored);
  ASSERT_EQ(read.updates.size(), 1U);
  EXPECT_FALSE(read.updates[0].updated);
  EXPECT_NE(read.updates[0].fingerprint, kNoFingerprint);
  EXPECT_EQ(read.change, TableChange::kNone);
}

TEST_F(TableReadTest, WhatWasCopiedBeforeTheFirstReadingMayBeOfAnotherState) {
  before_ = TableEntry();
  EXPECT_EQ(Read({File("1", "a")}, {}).change, TableChange::kNone);
  before_.copied_version = 6;
  EXPECT_EQ(Read({File("1", "a")}, {}).change, TableChange::kUpdated);
}

TEST_F(TableReadTest, CompactionAloneUpdatesNothing) {
  const auto stored = Stored({File("1", "a"), File("2", "a")});
  changes_.emplace();
  const TableRead read = Read({File("9", "a", 20)}, stored);
  EXPECT_EQ(read.change, TableChange::kNone);
  ASSERT_EQ(read.updates.size(), 1U) << "its files are others";
  EXPECT_FALSE(read.updates[0].updated);
  EXPECT_EQ(read.entry.data_version, 2);
}

TEST_F(TableReadTest, WhatTheLogDoesNotTellCountsAsUpdated) {
  const auto stored = Stored({File("1", "a"), File("2", "b")});
  const std::vector<delta::File> files = {File("9", "a"), File("2", "b")};
  TableRead read = Read(files, stored);  // commits cleaned up
  ASSERT_EQ(read.updates.size(), 1U);
  EXPECT_TRUE(read.updates[0].updated);
  EXPECT_EQ(read.entry.data_version, 6);
  changes_.emplace();
  changes_->unattributed = true;
  read = Read(files, stored);
  ASSERT_EQ(read.updates.size(), 1U);
  EXPECT_TRUE(read.updates[0].updated);
  changes_->unattributed = false;
  before_.delta_id = "another";
  read = Read(files, stored);
  ASSERT_EQ(read.updates.size(), 1U);
  EXPECT_TRUE(read.updates[0].updated) << "a re-created table";
  EXPECT_EQ(read.change, TableChange::kUpdated);
}

TEST_F(TableReadTest, PartitionsComeGoAndComeBack) {
  auto stored = Stored({File("1", "a"), File("2", "b")});
  stored[stored[0].values == "[\"a\"]" ? 0 : 1].deleted = true;
  Touch("a", 4);
  Touch("b", 5);
  Touch("c", 6);
  const TableRead read = Read({File("1", "a"), File("3", "c")}, stored);
  ASSERT_EQ(read.inserts.size(), 1U);
  EXPECT_EQ(read.inserts[0].values, "[\"c\"]");
  ASSERT_EQ(read.updates.size(), 1U);
  EXPECT_EQ(read.updates[0].values, "[\"a\"]");
  EXPECT_TRUE(read.updates[0].updated);
  EXPECT_EQ(read.vanished, std::vector<int64_t>{'b'});
  EXPECT_EQ(read.change, TableChange::kUpdated);
}

TEST_F(TableReadTest, ANewSchemaAloneIsAChangeOfTheTable) {
  const auto stored = Stored({File("1", "a")});
  changes_.emplace();
  changes_->metadata_changed = true;
  const TableRead read = Read({File("1", "a")}, stored);
  EXPECT_EQ(read.change, TableChange::kUpdated);
  EXPECT_TRUE(read.updates.empty());
}

TEST_F(TableReadTest, ColumnsThatMeanOtherUpdateEveryPartition) {
  const auto stored = Stored({File("1", "a"), File("2", "b")});
  changes_.emplace();
  changes_->metadata_changed = true;
  before_.column_ids = R"({"gone":["c1"],"p":["p"]})";
  TableRead read = Read({File("1", "a"), File("2", "b")}, stored);
  EXPECT_TRUE(read.updates.empty());
  EXPECT_EQ(read.entry.column_ids, before_.column_ids) << "it may come back";
  before_.column_ids = R"({"p":["another"]})";
  read = Read({File("1", "a"), File("2", "b")}, stored);
  EXPECT_EQ(read.change, TableChange::kUpdated);
  ASSERT_EQ(read.updates.size(), 2U);
  for (const PartitionEntry& partition : read.updates) {
    EXPECT_TRUE(partition.updated);
    EXPECT_EQ(partition.data_version, 6) << "what is being copied of 5 is not of it";
    EXPECT_EQ(partition.changed_ms, 5);
  }
  EXPECT_EQ(read.entry.column_ids, R"({"p":["p"]})");
  EXPECT_EQ(read.entry.data_version, 6);
}

TEST_F(TableReadTest, ColumnsThatAnEarlierReleaseDidNotKeepMayMeanOther) {
  const auto stored = Stored({File("1", "a")});
  info_.column_mapping = "name";
  changes_.emplace();
  EXPECT_TRUE(Read({File("1", "a")}, stored).updates.empty());
  changes_->metadata_changed = true;
  EXPECT_EQ(Read({File("1", "a")}, stored).updates.size(), 1U);
  info_.column_mapping = "none";
  EXPECT_TRUE(Read({File("1", "a")}, stored).updates.empty());
}

TEST_F(TableReadTest, RowsThatTheLogDoesNotTellAreUnknownUntilTheFooterSaysThem) {
  before_ = TableEntry();
  PartitionSums sums = SumsOf({File("1", "a", std::nullopt), File("2", "b")});
  TableRead read = CompareWithStored({before_, info_, sums, changes_}, {});
  EXPECT_EQ(read.entry.rows, std::nullopt);
  EXPECT_EQ(read.entry.count_source, CountSource::kUnknown);
  ASSERT_EQ(sums.uncounted().size(), 1U);
  sums.Count(sums.uncounted()[0], 7);
  read = CompareWithStored({before_, info_, sums, changes_}, {});
  EXPECT_EQ(read.entry.rows, 17);
  EXPECT_EQ(read.entry.count_source, CountSource::kFooter);
}

TEST_F(TableReadTest, NullAndTextAreTwoPartitionsAndOrderOfFilesIsNone) {
  const PartitionSums one({"p", "q"});
  EXPECT_EQ(one.TextOf({{"p", std::nullopt}, {"q", "null"}}), R"([null,"null"])");
  EXPECT_EQ(one.TextOf({{"q", "a\"b"}}), R"([null,"a\"b"])");
  const PartitionSums forth = SumsOf({File("1", "a"), File("2", "a")});
  const PartitionSums back = SumsOf({File("2", "a"), File("1", "a")});
  const PartitionSums other = SumsOf({File("1", "a"), File("3", "a")});
  EXPECT_EQ(forth.sums().at("[\"a\"]").fingerprint, back.sums().at("[\"a\"]").fingerprint);
  EXPECT_NE(forth.sums().at("[\"a\"]").fingerprint, other.sums().at("[\"a\"]").fingerprint);
}

}  // namespace
}  // namespace mms::migration
