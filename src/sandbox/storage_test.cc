#include "sandbox/storage.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "sandbox/call.h"
#include "sandbox/catalog.h"
#include "sandbox/parquet_file.h"
#include "sandbox/sql/parser.h"

namespace mms::sandbox {
namespace {

namespace fs = std::filesystem;

class StorageTest : public testing::Test {
 protected:
  void SetUp() override {
    data_dir_ = fs::temp_directory_path() / ("mms_storage_test_" + RandomHex(8));
    Open();
    ASSERT_TRUE(catalog_->EnsureProject("p").has_value());
    Table table;
    table.name = {"p", "default", "t"};
    Column column;
    column.name = "a";
    column.type = sql::ParseType("bigint").value();
    table.columns = {column};
    column.name = "pt";
    column.type = sql::ParseType("string").value();
    table.partition_columns = {column};
    table_ = catalog_->CreateTable(table).value();
    ASSERT_TRUE(catalog_->AddPartitions(table_, {"pt=x"}, false).has_value());
  }
  void TearDown() override {
    catalog_.reset();
    storage_.reset();
    fs::remove_all(data_dir_);
  }

  void Open() {
    storage_ = Storage::Open(data_dir_.string()).value();
    catalog_ = Catalog::Open(data_dir_.string()).value();
  }
  /// What a killed process leaves: open again, without any tidy end.
  void Reopen() {
    catalog_.reset();
    storage_.reset();
    Open();
    auto live = catalog_->LivePaths();
    ASSERT_TRUE(storage_->Sweep(*live).has_value());
  }

  Upload Begin(bool overwrite) {
    Upload upload;
    upload.id = RandomHex(16);
    upload.spec = "pt=x";
    upload.overwrite = overwrite;
    return catalog_->CreateUpload(table_, upload).value();
  }

  Block Put(const Upload& upload, int64_t id, int64_t value) {
    Block block;
    block.id = id;
    block.path = Storage::StagedPath(upload.id, id, RandomHex(4));
    EXPECT_TRUE(storage_->MakeParent(block.path).has_value());
    auto writer =
        ParquetBlockWriter::Open(storage_->Absolute(block.path), table_.ArrowSchema()).value();
    arrow::Int64Builder builder;
    EXPECT_TRUE(builder.Append(value).ok());
    auto batch = arrow::RecordBatch::Make(table_.ArrowSchema(), 1, {*builder.Finish()});
    EXPECT_TRUE(writer->Write(*batch).has_value());
    block.rows = writer->rows();
    block.bytes = writer->Close().value();
    auto replaced = catalog_->PutBlock(upload, block);
    EXPECT_TRUE(replaced.has_value());
    if (replaced && !replaced->empty()) storage_->Retire({*replaced});
    return block;
  }

  /// The first half of a commit: everything before the catalog's transaction.
  std::vector<DataFile> Publish(const Upload& upload) {
    std::vector<DataFile> files;
    auto blocks = catalog_->Blocks(upload.id);
    for (const Block& block : *blocks) {
      std::string path = Storage::FinalPath(table_.name, upload.spec, upload.id, block.id);
      EXPECT_TRUE(storage_->Publish(block.path, path).has_value());
      files.push_back({path, upload.spec, block.rows, block.bytes});
    }
    return files;
  }

  std::vector<int64_t> Rows() {
    std::vector<int64_t> values;
    RowRange range;
    auto files = catalog_->Files(table_, std::nullopt);
    for (const DataFile& file : *files) {
      range.parts.push_back({storage_->Absolute(file.path), file.rows});
      range.count += file.rows;
    }
    auto status =
        ReadRows(range, table_.ArrowSchema(), [&](const arrow::RecordBatch& batch) -> Status {
          const auto& column = static_cast<const arrow::Int64Array&>(*batch.column(0));
          for (int64_t i = 0; i < column.length(); ++i) values.push_back(column.Value(i));
          return OkStatus();
        });
    EXPECT_TRUE(status.has_value());
    return values;
  }

  size_t FilesOnDisk() {
    size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(data_dir_ / "p")) {
      if (entry.path().extension() == ".parquet") ++count;
    }
    return count;
  }

  fs::path data_dir_;
  std::unique_ptr<Storage> storage_;
  std::unique_ptr<Catalog> catalog_;
  Table table_;
};

TEST_F(StorageTest, ShowsNothingOfASessionBeforeItsCommit) {
  Upload upload = Begin(false);
  Put(upload, 0, 1);
  EXPECT_TRUE(Rows().empty());
  ASSERT_TRUE(catalog_->CommitUpload(table_, upload, Publish(upload)).has_value());
  EXPECT_EQ(Rows(), std::vector<int64_t>{1});
}

TEST_F(StorageTest, AKillBeforeTheTransactionLeavesTheOldRowsAndAnOpenSession) {
  Upload first = Begin(true);
  Put(first, 0, 1);
  ASSERT_TRUE(catalog_->CommitUpload(table_, first, Publish(first)).has_value());
  Upload second = Begin(true);
  Put(second, 0, 2);
  Put(second, 7, 3);
  Publish(second);
  EXPECT_EQ(FilesOnDisk(), 3U);
  Reopen();
  EXPECT_EQ(Rows(), std::vector<int64_t>{1});
  EXPECT_EQ(FilesOnDisk(), 1U);
  EXPECT_EQ(catalog_->GetUpload(table_, second.id)->status, UploadStatus::kNormal);
  auto replaced = catalog_->CommitUpload(table_, second, Publish(second));
  ASSERT_TRUE(replaced.has_value());
  storage_->Retire(*replaced);
  EXPECT_EQ(Rows(), (std::vector<int64_t>{2, 3}));
}

TEST_F(StorageTest, AKillAfterTheTransactionLeavesTheNewRowsWhole) {
  Upload first = Begin(true);
  Put(first, 0, 1);
  ASSERT_TRUE(catalog_->CommitUpload(table_, first, Publish(first)).has_value());
  Upload second = Begin(true);
  Put(second, 0, 2);
  ASSERT_TRUE(catalog_->CommitUpload(table_, second, Publish(second)).has_value());
  EXPECT_EQ(FilesOnDisk(), 2U);  // the replaced file is still there
  Reopen();
  EXPECT_EQ(Rows(), std::vector<int64_t>{2});
  EXPECT_EQ(FilesOnDisk(), 1U);
  EXPECT_EQ(catalog_->GetUpload(table_, second.id)->status, UploadStatus::kClosed);
}

TEST_F(StorageTest, CommitsASessionOnce) {
  Upload upload = Begin(false);
  Put(upload, 0, 1);
  auto files = Publish(upload);
  ASSERT_TRUE(catalog_->CommitUpload(table_, upload, files).has_value());
  auto again = catalog_->CommitUpload(table_, upload, files);
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code(), "StatusConflict");
  EXPECT_EQ(Rows().size(), 1U);
  Block late;
  late.path = "x";
  EXPECT_EQ(catalog_->PutBlock(upload, late).error().code(), "StatusConflict");
}

TEST_F(StorageTest, PublishesAReplacedBlockAnewAfterARefusedCommit) {
  Upload upload = Begin(false);
  Put(upload, 0, 1);
  auto files = Publish(upload);
  ASSERT_TRUE(catalog_->DropPartitions(table_, {"pt=x"}, false).has_value());
  EXPECT_EQ(catalog_->CommitUpload(table_, upload, files).error().code(), "NoSuchPartition");
  ASSERT_TRUE(catalog_->AddPartitions(table_, {"pt=x"}, false).has_value());
  Put(upload, 0, 2);
  ASSERT_TRUE(catalog_->CommitUpload(table_, upload, Publish(upload)).has_value());
  EXPECT_EQ(Rows(), std::vector<int64_t>{2});
}

TEST_F(StorageTest, KeepsALeasedFileUntilTheReaderIsDone) {
  Upload upload = Begin(false);
  Put(upload, 0, 1);
  auto files = Publish(upload);
  ASSERT_TRUE(catalog_->CommitUpload(table_, upload, files).has_value());
  std::string path = storage_->Absolute(files[0].path);
  {
    auto lease = storage_->Lease([&]() -> Result<std::vector<std::string>> {
      return std::vector<std::string>{files[0].path};
    });
    storage_->Retire({files[0].path});
    EXPECT_TRUE(fs::exists(path));
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(StorageTest, LeavesFilesOfOthersAlone) {
  fs::create_directories(data_dir_ / "p/default/t");
  std::ofstream(data_dir_ / "p/default/t/mine.parquet") << "x";
  Reopen();
  EXPECT_TRUE(fs::exists(data_dir_ / "p/default/t/mine.parquet"));
}

TEST_F(StorageTest, AddsPartitionsAllOrNone) {
  EXPECT_FALSE(catalog_->AddPartitions(table_, {"pt=y", "pt=x"}, false).has_value());
  EXPECT_EQ(catalog_->GetPartition(table_, "pt=y").error().code(), "NoSuchPartition");
  EXPECT_TRUE(catalog_->AddPartitions(table_, {"pt=y", "pt=x"}, true).has_value());
  EXPECT_TRUE(catalog_->GetPartition(table_, "pt=y").has_value());
}

TEST_F(StorageTest, ForgetsEverythingOfADroppedTable) {
  Upload upload = Begin(false);
  Block block = Put(upload, 0, 1);
  ASSERT_TRUE(catalog_->CommitUpload(table_, upload, Publish(upload)).has_value());
  auto paths = catalog_->DropTable(table_);
  ASSERT_TRUE(paths.has_value());
  storage_->Retire(*paths);
  EXPECT_FALSE(fs::exists(data_dir_ / "p/default/t"));
  EXPECT_FALSE(fs::exists(storage_->Absolute(block.path)));
  EXPECT_EQ(catalog_->GetUpload(table_, upload.id).error().code(), "NoSuchUpload");
}

TEST_F(StorageTest, AllowsOneSandboxPerDataFolder) {
  auto second = Storage::Open(data_dir_.string());
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), "SANDBOX_DATA_LOCKED");
}

}  // namespace
}  // namespace mms::sandbox
