#include "migration/transfer/stripe_file.h"

#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <gtest/gtest.h>

#include <string>

namespace mms::migration {
namespace {

/// Bytes that tell their place, in more than the requests that run at once.
std::string Bytes() {
  std::string bytes(size_t{45} << 20, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 2654435761U >> 24);
  return bytes;
}

TEST(StripeFile, AFetchedRangeIsReadAsTheFileItself) {
  const std::string bytes = Bytes();
  StripeFile file(std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(bytes)));
  const int64_t start = 1000;
  ASSERT_TRUE(file.Fetch(start, static_cast<int64_t>(bytes.size()) - 2 * start).ok());
  for (const int64_t at : {int64_t{0}, start - 5, start, int64_t{8} << 20, int64_t{40} << 20,
                           static_cast<int64_t>(bytes.size()) - 10}) {
    const auto read = file.ReadAt(at, 10);
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    EXPECT_EQ((*read)->ToString(), bytes.substr(static_cast<size_t>(at), 10)) << at;
  }
  ASSERT_TRUE(file.Seek(start).ok());
  EXPECT_EQ((*file.Read(3))->ToString(), bytes.substr(1000, 3));
  EXPECT_EQ((*file.Read(3))->ToString(), bytes.substr(1003, 3));
  EXPECT_EQ(*file.Tell(), start + 6);
}

TEST(StripeFile, AFileThatEndsEarlyIsAnErrorAndAFailedReadIsKept) {
  const auto memory = std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString("short"));
  StripeFile file(memory);
  EXPECT_FALSE(file.Fetch(0, int64_t{20} << 20).ok());
  EXPECT_FALSE(file.Fetch(-1, 2).ok());
  EXPECT_FALSE(file.Fetch(2, INT64_MAX).ok());  // nothing of that size is asked of the memory
  EXPECT_TRUE(file.failure().ok());
  ASSERT_TRUE(memory->Close().ok());
  EXPECT_FALSE(file.ReadAt(0, 2).ok());
  EXPECT_FALSE(file.failure().ok());
}

}  // namespace
}  // namespace mms::migration
