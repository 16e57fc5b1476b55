#include "migration/plan/splits.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace mms::migration {
namespace {

using FileList = std::vector<const delta::File*>;

delta::File File(const std::string& path, int64_t size_bytes) {
  delta::File file;
  file.path = path;
  file.size_bytes = size_bytes;
  return file;
}

FileList Pointers(const std::vector<delta::File>& files) {
  FileList out;
  for (const delta::File& file : files) out.push_back(&file);
  return out;
}

int64_t CeilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// The promises of MakeSplits, whatever the files.
void CheckPromises(const std::vector<delta::File>& files, const std::vector<Split>& splits,
                   const PlanOptions& options) {
  int64_t total_bytes = 0;
  std::map<std::string, int64_t> size_by_path;
  for (const delta::File& file : files) {
    total_bytes += file.size_bytes;
    size_by_path[file.path] = file.size_bytes;
  }
  const int64_t count =
      std::clamp<int64_t>(CeilDivide(total_bytes, options.split_bytes), 1, options.blocks_max);
  ASSERT_LE(static_cast<int64_t>(splits.size()), count);
  const int64_t piece = std::max<int64_t>(1, CeilDivide(total_bytes, count));
  const int64_t piece_max = piece + piece / 2;

  std::map<std::string, std::vector<std::pair<int64_t, int64_t>>> ranges;
  int64_t most = 0;
  int64_t least = INT64_MAX;
  for (size_t i = 0; i < splits.size(); ++i) {
    EXPECT_EQ(splits[i].block_id, static_cast<int64_t>(i));
    EXPECT_FALSE(splits[i].slices.empty());
    int64_t bytes = 0;
    for (const FileSlice& slice : splits[i].slices) {
      EXPECT_EQ(slice.size_bytes, size_by_path.at(slice.path));
      if (size_by_path.at(slice.path) <= piece_max) {
        EXPECT_EQ(slice.length, slice.size_bytes) << "cut needlessly: " << slice.path;
      }
      ranges[slice.path].emplace_back(slice.start, slice.length);
      bytes += slice.length;
    }
    EXPECT_EQ(splits[i].bytes, bytes);
    most = std::max(most, bytes);
    least = std::min(least, bytes);
  }
  if (static_cast<int64_t>(splits.size()) == count) {
    EXPECT_LE(most - least, piece_max);
  }
  ASSERT_EQ(ranges.size(), files.size());
  for (auto& [path, parts] : ranges) {
    std::sort(parts.begin(), parts.end());
    int64_t end = 0;
    for (const auto& [start, length] : parts) {
      EXPECT_EQ(start, end) << path;
      end += length;
    }
    EXPECT_EQ(end, size_by_path.at(path)) << path;
  }
}

TEST(Splits, KeepTheirPromisesOverRandomFileLists) {
  const auto seed = std::random_device{}();
  std::mt19937 random(seed);
  SCOPED_TRACE("seed " + std::to_string(seed));
  for (int round = 0; round < 300; ++round) {
    PlanOptions options;
    options.split_bytes = std::uniform_int_distribution<int64_t>(1, 5000)(random);
    options.blocks_max = std::uniform_int_distribution<int64_t>(1, 60)(random);
    const int count = std::uniform_int_distribution<int>(1, 200)(random);
    const int64_t size_max = int64_t{1} << std::uniform_int_distribution<int>(0, 16)(random);
    std::vector<delta::File> files;
    for (int i = 0; i < count; ++i) {
      files.push_back(File("part-" + std::to_string(i),
                           std::uniform_int_distribution<int64_t>(1, size_max)(random)));
    }
    const std::vector<Split> splits = MakeSplits(Pointers(files), options);
    CheckPromises(files, splits, options);
    std::shuffle(files.begin(), files.end(), random);
    EXPECT_EQ(MakeSplits(Pointers(files), options), splits) << "the order of the list matters";
    if (HasFailure()) return;
  }
}

TEST(Splits, ALargeFileIsCutEvenlyAndSmallOnesAreNot) {
  PlanOptions options;
  options.split_bytes = 100;
  const std::vector<delta::File> files = {File("big", 250), File("small", 30)};
  const std::vector<Split> splits = MakeSplits(Pointers(files), options);
  ASSERT_EQ(splits.size(), 3U);
  EXPECT_EQ(splits[0].slices[0].length, 84);
  EXPECT_EQ(splits[1].slices[0].start, 84);
  EXPECT_EQ(splits[1].slices[0].length, 83);
  EXPECT_EQ(splits[2].slices[0].length, 83);
  EXPECT_EQ(splits[1].slices.size() + splits[2].slices.size(), 3U);
}

TEST(Splits, FilesOfNearlyOneSizeAreNotCutForTheFewBytesAboveTheMean) {
  PlanOptions options;
  options.split_bytes = 10000;
  const std::vector<delta::File> files = {File("a", 9996), File("b", 9990), File("c", 9997),
                                          File("d", 9993)};
  const std::vector<Split> splits = MakeSplits(Pointers(files), options);
  ASSERT_EQ(splits.size(), 4U);
  for (const Split& split : splits) {
    ASSERT_EQ(split.slices.size(), 1U);
    EXPECT_EQ(split.slices[0].length, split.slices[0].size_bytes);
  }
}

TEST(Splits, NoFilesMakeNoSplitsAndManyBytesNoMoreThanTheMost) {
  EXPECT_TRUE(MakeSplits({}, PlanOptions{}).empty());
  const std::vector<delta::File> huge = {File("huge", 5LL << 40)};
  EXPECT_EQ(MakeSplits(Pointers(huge), PlanOptions{}).size(), 400U);
}

TEST(Splits, TheDeletionVectorGoesWithEverySliceOfItsFile) {
  PlanOptions options;
  options.split_bytes = 10;
  std::vector<delta::File> files = {File("a", 30)};
  files[0].deletion_vector = delta::DeletionVector{"u", "ab^-aqEH.-t@S}K{vb[*k^", 1, 40, 6};
  const std::vector<Split> splits = MakeSplits(Pointers(files), options);
  ASSERT_EQ(splits.size(), 3U);
  for (const Split& split : splits) {
    EXPECT_EQ(split.slices[0].deletion_vector, files[0].deletion_vector);
  }
}

TEST(Fingerprint, IsTheContentsAndNotItsOrderOrStatistics) {
  std::vector<delta::File> files = {File("a", 1), File("b", 2)};
  const std::string base = Fingerprint(Pointers(files));
  EXPECT_EQ(base.size(), 32U);
  EXPECT_EQ(base.find_first_not_of("0123456789abcdef"), std::string::npos);

  std::reverse(files.begin(), files.end());
  files[0].rows = 7;
  files[1].statistics = R"({"numRecords":7})";
  files[1].modified_ms = 99;
  EXPECT_EQ(Fingerprint(Pointers(files)), base);

  files[0].deletion_vector = delta::DeletionVector{"u", "x", 1, 40, 6};
  const std::string with_vector = Fingerprint(Pointers(files));
  EXPECT_NE(with_vector, base);
  files[0].deletion_vector->cardinality = 7;
  EXPECT_EQ(Fingerprint(Pointers(files)), with_vector);
  files[0].deletion_vector->offset = 2;
  EXPECT_NE(Fingerprint(Pointers(files)), with_vector);
}

TEST(Fingerprint, NeverChangesBetweenVersionsOfTheProgram) {
  // Kept in ledgers: a change here would copy every table again.
  std::vector<delta::File> files = {File("part-0.parquet", 1)};
  EXPECT_EQ(Fingerprint({}), "99aa06d3014798d86001c324468d497f");
  files[0].deletion_vector = delta::DeletionVector{"u", "abc", 4, 40, 6};
  EXPECT_EQ(Fingerprint(Pointers(files)), "c57d38e51679f083d12611fa75b1358a");
}

}  // namespace
}  // namespace mms::migration
