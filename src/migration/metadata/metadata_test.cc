#include "migration/metadata/metadata.h"

#include <gtest/gtest.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "migration/inspect/snapshot.h"

namespace mms::migration {
namespace {

class MetadataTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/mms metadata XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    metadata_ = Open();
  }
  void TearDown() override {
    metadata_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::unique_ptr<Metadata> Open() {
    auto opened = Metadata::Open(folder_);
    EXPECT_TRUE(opened.has_value()) << opened.error().ToString();
    return std::move(opened).value();
  }

  static ListedTable Listed(const std::string& table, const std::string& database = "sales") {
    ListedTable listed;
    listed.name = "main." + database + "." + table;
    listed.database = database;
    listed.table = table;
    listed.kind = "MANAGED";
    listed.location = "abfss://lake@a.dfs.core.windows.net/" + table;
    listed.columns_json = R"([{"name":"id"}])";
    listed.catalog_id = "id-" + table;
    return listed;
  }

  static void Good(const Status& status) {
    ASSERT_TRUE(status.has_value()) << status.error().ToString();
  }

  /// All of the table was copied.
  void Done(const std::string& table, const Metadata::Copied& copied) {
    Good(metadata_->SetStatus({"main.sales." + table, true, {}, ObjectStatus::kDone, copied}));
  }

  int64_t Begin() {
    auto scan = metadata_->BeginScan("whole source", 1);
    EXPECT_TRUE(scan.has_value());
    return scan.value();
  }

  /// A scan that lists these tables of one database, and ends.
  int64_t ScanOf(const std::vector<ListedTable>& tables) {
    const int64_t scan = Begin();
    Good(metadata_->SaveDatabase(scan, "sales", "money"));
    Good(metadata_->SaveListed(scan, tables));
    Good(metadata_->MarkVanishedTables(scan, "sales"));
    Good(metadata_->MarkVanishedDatabases(scan));
    Good(metadata_->EndScan(scan, {ScanState::kDone, "{}", 2}));
    return scan;
  }

  TableEntry Find(const std::string& table) {
    auto found = metadata_->FindTable("main.sales." + table);
    EXPECT_TRUE(found.has_value() && found->has_value()) << table;
    return **found;
  }

  /// What a reading at `version` saves: partitions named by number.
  TableRead Read(const std::string& table, int64_t version, int partitions) {
    TableRead read;
    read.table_id = Find(table).id;
    read.entry.delta_id = "d";
    read.entry.version = version;
    read.entry.data_version = version;
    read.entry.commit_mark = "m";
    read.entry.partition_columns = R"(["p"])";
    read.entry.rows = partitions * 10;
    read.entry.bytes = partitions * 100;
    read.entry.files = partitions;
    read.entry.partitions = partitions;
    read.entry.count_source = CountSource::kLog;
    for (int i = 0; i < partitions; ++i) {
      PartitionEntry partition;
      partition.values = "[\"" + std::to_string(i) + "\"]";
      partition.rows = 10;
      partition.bytes = 100 + i;
      partition.files = 1;
      partition.data_version = version;
      partition.fingerprint = i;
      read.inserts.push_back(partition);
    }
    return read;
  }

  std::string folder_;
  std::unique_ptr<Metadata> metadata_;
};

TEST_F(MetadataTest, ATableIsNewThenReadAndKeepsWhatItWasTold) {
  const int64_t scan = ScanOf({Listed("orders")});
  TableEntry table = Find("orders");
  EXPECT_EQ(table.state, ReadState::kListed);
  EXPECT_EQ(table.change, TableChange::kNew);
  EXPECT_EQ(table.changed_scan, scan);
  EXPECT_EQ(table.rows, std::nullopt);
  EXPECT_EQ(metadata_->CountToRead(scan).value(), 1);
  Good(metadata_->SaveRead(scan, Read("orders", 7, 3)));
  table = Find("orders");
  EXPECT_EQ(table.state, ReadState::kRead);
  EXPECT_EQ(table.version, 7);
  EXPECT_EQ(table.commit_mark, "m");
  EXPECT_EQ(table.rows, 30);
  EXPECT_EQ(table.partitions, 3);
  EXPECT_EQ(table.count_source, CountSource::kLog);
  EXPECT_EQ(table.change, TableChange::kNew);
  EXPECT_FALSE(table.updated) << "what was never copied is new, not updated";
  EXPECT_EQ(table.listed.kind, "MANAGED");
  EXPECT_EQ(metadata_->AllPartitions(table.id)->size(), 3U);
  EXPECT_EQ(metadata_->CountAll()->partitions, 3);
  EXPECT_EQ(metadata_->LastScan().value()->progress, 10'000);
}

TEST_F(MetadataTest, AnotherObjectUnderTheNameIsReadFromTheBeginning) {
  const int64_t scan = ScanOf({Listed("orders")});
  Good(metadata_->SaveRead(scan, Read("orders", 7, 1)));
  ScanOf({Listed("orders")});
  EXPECT_EQ(Find("orders").version, 7);
  ListedTable again = Listed("orders");
  again.catalog_id = "another";
  ScanOf({again});
  EXPECT_EQ(Find("orders").version, std::nullopt);
  EXPECT_EQ(Find("orders").delta_id, "d") << "so that its partitions are compared";
}

TEST_F(MetadataTest, ARefusalComesAndGoesWithTheListing) {
  ListedTable view = Listed("orders");
  view.error_json = "{\"code\":\"X\"}";
  const int64_t first = ScanOf({view});
  EXPECT_EQ(Find("orders").state, ReadState::kRefused);
  EXPECT_EQ(metadata_->CountToRead(first).value(), 0);
  const int64_t second = ScanOf({Listed("orders")});
  EXPECT_EQ(Find("orders").state, ReadState::kListed);
  EXPECT_EQ(Find("orders").error_json, "");
  EXPECT_EQ(metadata_->CountToRead(second).value(), 1);
}

TEST_F(MetadataTest, AFailureKeepsWhatWasKnownAndIsOverWhenNothingWasCommitted) {
  const int64_t scan = ScanOf({Listed("orders")});
  Good(metadata_->SaveRead(scan, Read("orders", 7, 2)));
  Good(metadata_->SaveFailure(Find("orders"), ReadState::kFailed, "{}"));
  EXPECT_EQ(Find("orders").state, ReadState::kFailed);
  EXPECT_EQ(Find("orders").version, 7);
  EXPECT_EQ(Find("orders").rows, 20);
  Good(metadata_->SaveUnchanged(Find("orders")));
  EXPECT_EQ(Find("orders").state, ReadState::kRead);
  EXPECT_EQ(Find("orders").error_json, "");
}

TEST_F(MetadataTest, WhatACompleteListingLacksIsDeletedAndMayComeBack) {
  ScanOf({Listed("orders"), Listed("lines"), Listed("hidden")});
  const int64_t scan = Begin();
  Good(metadata_->SaveDatabase(scan, "sales", ""));
  Good(metadata_->SaveListed(scan, {Listed("lines")}));
  Good(metadata_->Touch(scan, {"main.sales.hidden"}));
  EXPECT_FALSE(Find("orders").deleted) << "until the listing is complete";
  Good(metadata_->MarkVanishedTables(scan, "sales"));
  EXPECT_TRUE(Find("orders").deleted);
  EXPECT_EQ(Find("orders").change, TableChange::kDeleted);
  EXPECT_FALSE(Find("lines").deleted);
  EXPECT_FALSE(Find("hidden").deleted) << "listed, though not wanted";
  EXPECT_EQ(metadata_->CountAll()->tables, 2);
  ScanOf({Listed("orders"), Listed("lines")});
  EXPECT_FALSE(Find("orders").deleted);
  EXPECT_TRUE(Find("orders").updated);
  EXPECT_EQ(Find("orders").change, TableChange::kNew);
}

TEST_F(MetadataTest, AVanishedDatabaseTakesItsTablesWithIt) {
  ScanOf({Listed("orders")});
  const int64_t scan = Begin();
  Good(metadata_->SaveDatabase(scan, "hr", ""));
  Good(metadata_->MarkVanishedDatabases(scan));
  EXPECT_TRUE(Find("orders").deleted);
  const auto databases = metadata_->Databases({});
  ASSERT_EQ(databases->size(), 2U);
  EXPECT_EQ(databases->at(0).name, "hr");
  EXPECT_TRUE(databases->at(1).deleted);
  EXPECT_EQ(databases->at(1).comment, "money");
}

TEST_F(MetadataTest, UpdatedIsClearedUpToTheVersionThatWasCopied) {
  int64_t scan = ScanOf({Listed("orders")});
  Good(metadata_->SaveRead(scan, Read("orders", 7, 3)));
  TableRead read = Read("orders", 9, 0);
  read.change = TableChange::kUpdated;
  read.entry.partitions = 3;
  const auto all = metadata_->AllPartitions(read.table_id);
  for (const PartitionEntry& stored : *all) {
    PartitionEntry changed = stored;
    changed.updated = true;
    changed.data_version = stored.values == "[\"0\"]" ? 8 : 9;
    if (stored.values != "[\"2\"]") read.updates.push_back(changed);
  }
  scan = ScanOf({Listed("orders")});
  Good(metadata_->SaveRead(scan, read));
  const int64_t id = read.table_id;
  const PartitionFilter updated{id, "", true, {}};
  EXPECT_TRUE(Find("orders").updated);
  EXPECT_EQ(Find("orders").change, TableChange::kUpdated);
  EXPECT_EQ(metadata_->CountPartitions(updated).value(), 2);
  EXPECT_EQ(metadata_->Databases({})->at(0).updated_tables, 1);
  Done("orders", {9, "the table that had this name before"});
  Done("orders", {kNoVersion, "d"});
  EXPECT_EQ(metadata_->CountPartitions(updated).value(), 2);
  Done("orders", {8, "d"});
  ASSERT_EQ(metadata_->CountPartitions(updated).value(), 1);
  EXPECT_EQ(metadata_->Partitions(updated, {})->at(0).values, "[\"1\"]");
  EXPECT_TRUE(Find("orders").updated);
  Done("orders", {9, "d"});
  EXPECT_EQ(metadata_->CountPartitions(updated).value(), 0);
  EXPECT_FALSE(Find("orders").updated);
}

TEST_F(MetadataTest, OfATableWithoutALogOnlyTheStateThatWasCopiedIsNoLongerUpdated) {
  ScanOf({Listed("files")});
  Good(metadata_->SaveRead(ScanOf({Listed("files")}), Read("files", kNoVersion, 2)));
  TableRead read = Read("files", kNoVersion, 0);
  const auto stored = metadata_->AllPartitions(read.table_id);
  for (PartitionEntry partition : *stored) {
    partition.updated = true;
    read.updates.push_back(std::move(partition));
  }
  read.change = TableChange::kUpdated;
  read.entry.commit_mark = "files of today";
  Good(metadata_->SaveRead(ScanOf({Listed("files")}), read));
  const PartitionFilter updated{read.table_id, "", true, {}};
  ASSERT_EQ(metadata_->CountPartitions(updated).value(), 2);
  Done("files", {kNoVersion, "files of yesterday"});
  EXPECT_EQ(metadata_->CountPartitions(updated).value(), 2);
  EXPECT_TRUE(Find("files").updated);
  Done("files", {kNoVersion, "files of today"});
  EXPECT_EQ(metadata_->CountPartitions(updated).value(), 0);
  EXPECT_FALSE(Find("files").updated);
}

TEST_F(MetadataTest, ListsAreFilteredOrderedAndPagedInSql) {
  std::vector<ListedTable> listed;
  for (const char* name : {"orders", "order_lines", "parts", "100%"})
    listed.push_back(Listed(name));
  const int64_t scan = ScanOf(listed);
  Good(metadata_->SaveRead(scan, Read("orders", 1, 2)));
  Good(metadata_->SaveRead(scan, Read("parts", 1, 5)));
  const auto names = [&](const TableFilter& filter, const Page& page = {}) {
    std::string text;
    const auto found = metadata_->Tables(filter, page);
    for (const TableEntry& table : *found) text += table.listed.table + " ";
    return text;
  };
  TableFilter filter;
  EXPECT_EQ(names(filter), "100% order_lines orders parts ");
  EXPECT_EQ(names(filter, {1, 2, Order::kName}), "order_lines orders ");
  EXPECT_EQ(names(filter, {0, 2, Order::kLargest}), "parts orders ");
  filter.pattern = "ORDER*";
  EXPECT_EQ(names(filter), "order_lines orders ");
  EXPECT_EQ(metadata_->CountTables(filter).value(), 2);
  filter.pattern = "sa?es.order_?ines";
  EXPECT_EQ(names(filter), "order_lines ") << "an underscore is itself";
  filter.pattern = "*%";
  EXPECT_EQ(names(filter), "100% ");
  filter.pattern = "hr.*";
  EXPECT_EQ(names(filter), "");
  filter = {};
  filter.state = ReadState::kRead;
  EXPECT_EQ(names(filter), "orders parts ");
  filter.database = "hr";
  EXPECT_EQ(names(filter), "");

  const int64_t id = Find("parts").id;
  const auto largest = metadata_->Partitions({id, "", {}, false}, {0, 2, Order::kLargest});
  ASSERT_EQ(largest->size(), 2U);
  EXPECT_EQ(largest->at(0).values, "[\"4\"]");
  EXPECT_EQ(metadata_->Partitions({id, "*3*", {}, {}}, {})->size(), 1U);
}

TEST_F(MetadataTest, AVanishedPartitionStaysAsDeletedAndCanComeBack) {
  const int64_t scan = ScanOf({Listed("orders")});
  Good(metadata_->SaveRead(scan, Read("orders", 7, 2)));
  TableRead read = Read("orders", 8, 0);
  PartitionEntry partition = metadata_->AllPartitions(read.table_id)->at(0);
  read.vanished = {partition.id};
  Good(metadata_->SaveRead(scan, read));
  EXPECT_EQ(metadata_->CountPartitions({read.table_id, "", {}, true}).value(), 1);
  TableRead back = Read("orders", 9, 0);
  partition.updated = true;
  back.updates = {partition};
  Good(metadata_->SaveRead(scan, back));
  EXPECT_EQ(metadata_->CountPartitions({read.table_id, "", {}, true}).value(), 0);
}

TEST_F(MetadataTest, AScanThatACrashLeftRunningIsInterrupted) {
  const int64_t scan = Begin();
  Good(metadata_->SetProgress(scan, 4217));
  metadata_ = nullptr;
  metadata_ = Open();
  EXPECT_EQ(metadata_->LastScan().value()->progress, 4217);
  Begin();
  Good(metadata_->EndScan(scan + 1, {ScanState::kFailed, "{}", 3}));
  EXPECT_EQ(metadata_->LastScan().value()->state, ScanState::kFailed);
  EXPECT_EQ(metadata_->LastScan().value()->ended_ms, 3);
}

TEST_F(MetadataTest, HasOneOwnerAndAnyReadersAndIsForItsOwnerOnly) {
  auto second = Metadata::Open(folder_);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), "STATE_IN_USE");
  ScanOf({Listed("orders")});
  auto reader = Metadata::OpenToRead(folder_);
  ASSERT_TRUE(reader.has_value()) << reader.error().ToString();
  EXPECT_EQ((*reader)->CountTables({}).value(), 1);
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    struct stat info {};
    ASSERT_EQ(stat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u) << entry.path();
  }
  auto none = Metadata::OpenToRead(folder_ + "/none");
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().code(), "METADATA_NOT_FOUND");
}

TEST_F(MetadataTest, AMillionPartitionsWouldFitIntoAFewHundredMegabytes) {
  const int64_t scan = ScanOf({Listed("orders")});
  TableRead read = Read("orders", 7, 20'000);
  for (PartitionEntry& partition : read.inserts) {
    partition.values = "[\"2026-01-01\",\"" + partition.values.substr(2);
    partition.changed_ms = 1'790'000'000'000;
    partition.fingerprint = partition.bytes * 0x123456789abcLL;
  }
  Good(metadata_->SaveRead(scan, read));
  metadata_ = nullptr;  // the log goes into the file
  const auto bytes = std::filesystem::file_size(folder_ + "/metadata.db");
  EXPECT_LT(bytes / 20'000, 200U) << "a partition";
}

TEST(StatusOf, AWholeIsWhatMattersMostOfItsParts) {
  using enum ObjectStatus;
  struct Case {
    StatusCounts parts;
    ObjectStatus status;
  };
  for (const auto& [parts, status] :
       {Case{{0, 0, 0, 0, 0}, kInit}, Case{{3, 0, 0, 0, 0}, kInit}, Case{{5, 1, 1, 1, 1}, kDoing},
        Case{{4, 0, 1, 1, 1}, kFailed}, Case{{3, 0, 2, 0, 1}, kPartDone},
        Case{{3, 0, 0, 0, 1}, kPartDone}, Case{{3, 0, 3, 0, 0}, kDone},
        Case{{3, 0, 2, 0, 0}, kPartDone}}) {
    EXPECT_EQ(StatusOf(parts), status)
        << parts.total << parts.doing << parts.done << parts.failed << parts.part_done;
  }
  DatabaseEntry database;
  database.tables = 3;
  database.tables_done = 1;
  database.tables_part_done = 1;
  EXPECT_EQ(StatusOf(database), kPartDone);
  database.tables_failed = 1;
  EXPECT_EQ(StatusOf(database), kFailed);
}

TEST_F(MetadataTest, ATablesStatusIsThatOfItsPartitions) {
  ScanOf({Listed("orders")});
  Good(metadata_->SaveRead(ScanOf({Listed("orders")}), Read("orders", 8, 3)));
  const auto set = [&](std::vector<std::string> values, ObjectStatus status) {
    Good(metadata_->SetStatus({"main.sales.orders", false, std::move(values), status, {}}));
    return Find("orders").status;
  };
  EXPECT_EQ(Find("orders").status, ObjectStatus::kInit);
  EXPECT_EQ(set({"[\"0\"]"}, ObjectStatus::kDoing), ObjectStatus::kDoing);
  EXPECT_EQ(metadata_->Databases({})->at(0).tables_doing, 1);
  EXPECT_EQ(set({"[\"0\"]"}, ObjectStatus::kDone), ObjectStatus::kPartDone);
  EXPECT_EQ(set({"[\"1\"]"}, ObjectStatus::kFailed), ObjectStatus::kFailed);
  EXPECT_EQ(set({"[\"1\"]", "[\"2\"]"}, ObjectStatus::kDone), ObjectStatus::kDone);
  EXPECT_EQ(StatusOf(metadata_->Databases({})->at(0)), ObjectStatus::kDone);
  EXPECT_EQ(set({"[\"2\"]"}, ObjectStatus::kInit), ObjectStatus::kPartDone);
  const PartitionFilter done{Find("orders").id, "", {}, {}, ObjectStatus::kDone};
  EXPECT_EQ(metadata_->CountPartitions(done).value(), 2);

  // Another scan leaves it; another table under the name begins anew.
  ScanOf({Listed("orders")});
  EXPECT_EQ(Find("orders").status, ObjectStatus::kPartDone);
  ListedTable other = Listed("orders");
  other.catalog_id = "another";
  ScanOf({other});
  EXPECT_EQ(Find("orders").status, ObjectStatus::kInit);
}

TEST_F(MetadataTest, OnlyThePartitionsThatWereCopiedAreNoLongerUpdated) {
  ScanOf({Listed("orders")});
  Good(metadata_->SaveRead(ScanOf({Listed("orders")}), Read("orders", 8, 2)));
  TableRead read = Read("orders", 9, 0);
  const auto stored = metadata_->AllPartitions(read.table_id);
  for (PartitionEntry partition : *stored) {
    partition.updated = true;
    partition.data_version = 9;
    read.updates.push_back(std::move(partition));
  }
  read.change = TableChange::kUpdated;
  Good(metadata_->SaveRead(ScanOf({Listed("orders")}), read));
  const auto copied = [&](const char* value, int64_t version) {
    Good(metadata_->SetStatus({"main.sales.orders",
                               false,
                               {value},
                               ObjectStatus::kDone,
                               Metadata::Copied{version, "d"}}));
  };
  const PartitionFilter updated{read.table_id, "", true, {}};
  copied("[\"0\"]", 8);  // an older state of it
  EXPECT_EQ(metadata_->CountPartitions(updated).value(), 2);
  copied("[\"0\"]", 9);
  EXPECT_EQ(metadata_->CountPartitions(updated).value(), 1);
  EXPECT_TRUE(Find("orders").updated);
  copied("[\"1\"]", 9);
  EXPECT_FALSE(Find("orders").updated);
}

TEST_F(MetadataTest, WhatAUserSettlesIsUnchangedUntilItChangesAgain) {
  ScanOf({Listed("orders")});
  Good(metadata_->SaveRead(ScanOf({Listed("orders")}), Read("orders", 8, 2)));
  TableRead read = Read("orders", 9, 0);
  const auto stored = metadata_->AllPartitions(read.table_id);
  for (PartitionEntry partition : *stored) {
    partition.updated = true;
    read.updates.push_back(std::move(partition));
  }
  read.change = TableChange::kUpdated;
  Good(metadata_->SaveRead(ScanOf({Listed("orders")}), read));
  Metadata::StatusChange change{"main.sales.orders", false, {"[\"0\"]"}, ObjectStatus::kDone};
  change.settled = true;
  // Beside the one that has the lock; both at once or none.
  const auto beside = *Metadata::OpenBeside(folder_);
  Good(beside->SetStatuses({change, {"main.sales.gone", true, {}, ObjectStatus::kInit}}));
  const PartitionFilter updated{read.table_id, "", true, {}};
  EXPECT_EQ(metadata_->CountPartitions(updated).value(), 1);
  EXPECT_EQ(Find("orders").status, ObjectStatus::kPartDone);
  EXPECT_TRUE(Find("orders").updated);
  change.whole = true;
  Good(beside->SetStatuses({change}));
  EXPECT_FALSE(Find("orders").updated);
  EXPECT_EQ(metadata_->CountPartitions(updated).value(), 0);
}

TEST_F(MetadataTest, WhatPartitionsWereCopiedAsIsKeptUntilAUserSettlesThem) {
  ScanOf({Listed("orders")});
  Good(metadata_->SaveRead(ScanOf({Listed("orders")}), Read("orders", 8, 3)));
  const auto names = [&] {
    PartitionFilter filter;
    filter.table_id = Find("orders").id;
    std::vector<std::string> found;
    Good(metadata_->VisitPartitions(filter, [&](const PartitionEntry& partition) -> Status {
      found.push_back(partition.copied_as.value_or("unknown"));
      return OkStatus();
    }));
    return found;
  };
  using Names = std::vector<std::string>;
  Metadata::StatusChange change{
      "main.sales.orders", false, {"[\"0\"]", "[\"1\"]"}, ObjectStatus::kDone};
  change.copied_as = {"[\"zero\"]", "[\"one\"]"};
  Good(metadata_->SetStatus(change));
  EXPECT_EQ(names(), (Names{"[\"zero\"]", "[\"one\"]", "unknown"}));
  change.copied_as.clear();
  change.status = ObjectStatus::kDoing;
  Good(metadata_->SetStatus(change));
  EXPECT_EQ(names(), (Names{"[\"zero\"]", "[\"one\"]", "unknown"}));
  change.values.pop_back();
  change.settled = true;
  Good(metadata_->SetStatus(change));
  EXPECT_EQ(names(), (Names{"unknown", "[\"one\"]", "unknown"}));
  change.whole = true;
  Good(metadata_->SetStatus(change));
  EXPECT_EQ(names(), (Names{"unknown", "unknown", "unknown"}));
}

TEST_F(MetadataTest, WhatWasAtWorkInADeadProcessIsNot) {
  ScanOf({Listed("orders"), Listed("flat")});
  Good(metadata_->SaveRead(ScanOf({Listed("orders"), Listed("flat")}), Read("orders", 8, 2)));
  Good(metadata_->SetStatus(
      {"main.sales.orders", false, {"[\"0\"]"}, ObjectStatus::kDone, std::nullopt}));
  Good(metadata_->SetStatus(
      {"main.sales.orders", false, {"[\"1\"]"}, ObjectStatus::kDoing, std::nullopt}));
  Good(metadata_->SetStatus({"main.sales.flat", true, {}, ObjectStatus::kDoing, std::nullopt}));
  Good(metadata_->ResetDoing());
  EXPECT_EQ(Find("orders").status, ObjectStatus::kPartDone);
  EXPECT_EQ(Find("flat").status, ObjectStatus::kInit);
}

TEST_F(MetadataTest, AnOlderReleasesMetadataIsTakenOverAndLooksAgainForWarnings) {
  ListedTable daily = Listed("daily");
  daily.columns_json = R"([{"name":"day","type":"timestamp"}])";
  const int64_t scan = ScanOf({daily, Listed("orders")});
  for (const char* table : {"daily", "orders"}) Good(metadata_->SaveRead(scan, Read(table, 8, 2)));
  metadata_.reset();
  {
    soci::session sql(soci::sqlite3, "db=\"" + folder_ + "/metadata.db\"");
    sql << "ALTER TABLE tables DROP COLUMN warning";
    sql << "ALTER TABLE partitions DROP COLUMN copied_as";
    for (const char* column : {"copied_as", "copied_version", "copied_mark", "column_ids"}) {
      sql << std::string("ALTER TABLE tables DROP COLUMN ") + column;
    }
    sql << "DELETE FROM schema_version WHERE version > 2";
  }
  {
    auto reader = Metadata::OpenToRead(folder_);
    ASSERT_TRUE(reader.has_value()) << reader.error().ToString();
    EXPECT_EQ((*(*reader)->FindTable("main.sales.daily"))->warning, "");
    const int64_t daily_id = (*(*reader)->FindTable("main.sales.daily"))->id;
    EXPECT_EQ((*(*reader)->AllPartitions(daily_id))[0].copied_as, std::nullopt);
  }
  metadata_ = Open();
  EXPECT_EQ(Find("daily").commit_mark, "") << "its log is read again";
  EXPECT_EQ(Find("orders").commit_mark, "m");
  TableRead read = Read("daily", 9, 0);
  read.entry.warning = "no zone";
  Good(metadata_->SaveRead(scan, read));
  std::vector<std::string> warned;
  TableFilter filter;
  filter.warned = true;
  Good(metadata_->VisitTables(filter, [&](const TableEntry& table) -> Status {
    warned.push_back(table.listed.table + ": " + table.warning);
    return OkStatus();
  }));
  EXPECT_EQ(warned, (std::vector<std::string>{"daily: no zone"}));
}

TEST_F(MetadataTest, PartitionsAreVisitedInTheirOrderAndFoundById) {
  ScanOf({Listed("orders")});
  Good(metadata_->SaveRead(ScanOf({Listed("orders")}), Read("orders", 8, 1'200)));
  std::vector<std::string> seen;
  int64_t id = 0;
  Good(metadata_->VisitPartitions({Find("orders").id, "", {}, false},
                                  [&](PartitionEntry partition) -> Status {
                                    seen.push_back(partition.values);
                                    id = partition.id;
                                    return OkStatus();
                                  }));
  EXPECT_EQ(seen.size(), 1'200U);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  const auto found = metadata_->FindPartition(id);
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->table_name, "main.sales.orders");
  EXPECT_FALSE(metadata_->FindPartition(id + 1'000'000)->has_value());
}

}  // namespace
}  // namespace mms::migration
