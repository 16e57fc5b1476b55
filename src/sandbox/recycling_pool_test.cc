#include "sandbox/recycling_pool.h"

#include <arrow/buffer.h>
#include <gtest/gtest.h>

#include <cstring>

namespace mms::sandbox {
namespace {

TEST(RecyclingPool, GivesAFreedPieceToTheNextOneOfItsClass) {
  RecyclingPool pool;
  uint8_t* first = nullptr;
  ASSERT_TRUE(pool.Allocate(1'000'000, 64, &first).ok());
  std::memset(first, 1, 1'000'000);
  pool.Free(first, 1'000'000, 64);
  EXPECT_GT(pool.bytes_kept(), 0);
  uint8_t* second = nullptr;
  ASSERT_TRUE(pool.Allocate(900'000, 64, &second).ok());
  EXPECT_EQ(first, second);
  EXPECT_EQ(pool.bytes_kept(), 0);
  pool.Free(second, 900'000, 64);
}

TEST(RecyclingPool, KeepsTheBytesOfAGrowingBuffer) {
  RecyclingPool pool;
  uint8_t* buffer = nullptr;
  ASSERT_TRUE(pool.Allocate(10, 64, &buffer).ok());
  std::memcpy(buffer, "0123456789", 10);
  int64_t size = 10;
  for (int64_t next : {100, 70'000, 131'072, 131'073, 5'000'000, 200'000, 12}) {
    ASSERT_TRUE(pool.Reallocate(size, next, 64, &buffer).ok());
    EXPECT_EQ(std::memcmp(buffer, "0123456789", 10), 0) << next;
    std::memset(buffer + 10, 7, static_cast<size_t>(next - 10));
    size = next;
  }
  pool.Free(buffer, size, 64);
  EXPECT_EQ(pool.bytes_allocated(), 0);
}

TEST(RecyclingPool, KeepsNoMoreThanItsBound) {
  RecyclingPool pool;
  std::vector<uint8_t*> pieces(20);
  for (auto& piece : pieces) ASSERT_TRUE(pool.Allocate(16 << 20, 64, &piece).ok());
  for (auto& piece : pieces) pool.Free(piece, 16 << 20, 64);
  EXPECT_LE(pool.bytes_kept(), RecyclingPool::kKeptBytesMax);
}

TEST(RecyclingPool, ServesEmptyAndHugeRequests) {
  RecyclingPool pool;
  uint8_t* empty = nullptr;
  ASSERT_TRUE(pool.Allocate(0, 64, &empty).ok());
  EXPECT_NE(empty, nullptr);
  pool.Free(empty, 0, 64);
  auto buffer = arrow::AllocateResizableBuffer(0, &pool);
  ASSERT_TRUE(buffer.ok());
  ASSERT_TRUE((*buffer)->Resize(3 << 20).ok());
  EXPECT_FALSE(pool.Allocate(int64_t{1} << 60, 64, &empty).ok());
}

}  // namespace
}  // namespace mms::sandbox
