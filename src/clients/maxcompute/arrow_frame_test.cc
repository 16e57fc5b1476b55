#include "clients/maxcompute/arrow_frame.h"

#include <arrow/api.h>
#include <arrow/ipc/api.h>
#include <arrow/json/from_string.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace mms::maxcompute {
namespace {

using Batch = std::shared_ptr<arrow::RecordBatch>;

class Batches : public BatchSource {
 public:
  explicit Batches(std::vector<Batch> batches) : batches_(std::move(batches)) {}
  Result<Batch> Next() override {
    if (at_ == batches_.size()) return Batch();
    return batches_[at_++];
  }

 private:
  std::vector<Batch> batches_;
  size_t at_ = 0;
};

std::string BigEndian(uint32_t word) {
  return {static_cast<char>(word >> 24), static_cast<char>(word >> 16),
          static_cast<char>(word >> 8), static_cast<char>(word)};
}

/// The format's definition, written down plainly.
std::string Frame(const std::string& payload, size_t chunk_size) {
  std::string body = BigEndian(static_cast<uint32_t>(chunk_size));
  for (size_t at = 0; at < payload.size(); at += chunk_size) {
    const std::string chunk = payload.substr(at, chunk_size);
    body += chunk;
    if (chunk.size() == chunk_size) body += BigEndian(Crc32c(0, chunk.data(), chunk_size));
  }
  return body + BigEndian(Crc32c(0, payload.data(), payload.size()));
}

std::string FromHex(std::string_view text) {
  std::string out;
  std::string digits;
  for (const char c : text) {
    if (std::isxdigit(static_cast<unsigned char>(c)) != 0) digits.push_back(c);
    if (digits.size() < 2) continue;
    out.push_back(static_cast<char>(std::stoi(digits, nullptr, 16)));
    digits.clear();
  }
  return out;
}

/// The payload as Arrow itself writes it.
std::string Serialize(const std::vector<Batch>& batches) {
  std::string payload;
  for (const Batch& batch : batches) {
    const auto buffer =
        *arrow::ipc::SerializeRecordBatch(*batch, arrow::ipc::IpcWriteOptions::Defaults());
    payload += buffer->ToString();
  }
  return payload;
}

std::string Encode(const std::vector<Batch>& batches, uint32_t chunk_size, size_t step) {
  Batches source(batches);
  ArrowFrameEncoder encoder(&source, chunk_size);
  std::string body;
  std::vector<char> buffer(step);
  while (true) {
    const Result<size_t> size = encoder.Read(buffer);
    EXPECT_TRUE(size) << size.error().ToString();
    if (!size || *size == 0) break;
    body.append(buffer.data(), *size);
  }
  int64_t rows = 0;
  for (const Batch& batch : batches) rows += batch->num_rows();
  EXPECT_EQ(encoder.rows(), rows);
  return body;
}

std::shared_ptr<arrow::Schema> Schema() {
  using arrow::field;
  return arrow::schema(
      {field("i", arrow::int64()), field("s", arrow::utf8()), field("b", arrow::boolean()),
       field("d", arrow::decimal128(20, 3)), field("t", arrow::timestamp(arrow::TimeUnit::NANO)),
       field("l", arrow::list(arrow::int32())),
       field("m", arrow::map(arrow::utf8(), arrow::int8())),
       field("r", arrow::struct_({field("x", arrow::float64()), field("y", arrow::binary())}))});
}

std::string Word(std::mt19937& random) {
  return std::string(random() % 30, static_cast<char>('a' + random() % 26));
}

/// Rows of every layout: nulls, bits, offsets, children.
Batch MakeBatch(int rows, unsigned seed) {
  std::mt19937 random(seed);
  std::string json = "[";
  for (int row = 0; row < rows; ++row) {
    const auto maybe = [&random](const std::string& value) {
      return random() % 5 == 0 ? std::string("null") : value;
    };
    const std::string number = std::to_string(random() % 100);
    json += (row > 0 ? ",[" : "[") + maybe(number) + "," + maybe("\"" + Word(random) + "\"") + "," +
            maybe(random() % 2 == 0 ? "true" : "false") + "," + maybe("\"" + number + ".125\"") +
            "," + maybe(number) + "," +
            maybe(random() % 3 == 0 ? "[]" : "[1,null," + number + "]") + "," +
            maybe("[[\"k\"," + number + "]]") + "," +
            maybe("[" + maybe("1.5") + "," + maybe("\"" + Word(random) + "\"") + "]") + "]";
  }
  json += "]";
  const auto type = arrow::struct_(Schema()->fields());
  const auto array = *arrow::json::ArrayFromJSONString(type, json);
  return *arrow::RecordBatch::FromStructArray(array);
}

std::vector<Batch> SomeBatches() {
  const Batch large = MakeBatch(700, 1);
  return {large,           MakeBatch(0, 2),   large->Slice(13, 201), large->Slice(699),
          MakeBatch(1, 3), large->Slice(5, 0)};
}

struct Decoded {
  std::vector<Batch> batches;
  Status status = OkStatus();
};

Decoded Decode(const std::shared_ptr<arrow::Schema>& schema, std::string_view body, size_t step) {
  Decoded decoded;
  ArrowFrameDecoder decoder(schema, [&decoded](Batch batch) {
    decoded.batches.push_back(std::move(batch));
    return OkStatus();
  });
  for (size_t at = 0; at < body.size() && decoded.status; at += step) {
    decoded.status = decoder.Write(body.substr(at, step));
  }
  if (decoded.status) decoded.status = decoder.Finish();
  return decoded;
}

constexpr const char* kOneRowBody =
    "00010000 ffffffffc8000000 14000000000000000c00160006000500"
    "08000c000c000000 0003040018000000 1800000000000000 00000a0018000c00"
    "0400080 00a0000006c0000001000000001000000000000000000000005000000"
    "00000000000000000000000000000000000000000000000008000000000000000"
    "80000000000000000000000000000000800000000000000080000000000000010"
    "0000000000000001000000000000000000000002000000010000000000000000000000"
    "00000000010000000000000000000000000000000100000000000000 0000000001000000"
    "7100000000000000 d6737873";

TEST(ArrowFrame, WorkedExamplesOfTheFramingAreReproduced) {
  const std::string ten = FromHex("00010203040506070809");
  EXPECT_EQ(Frame(ten, 4), FromHex("00000004 00010203 d9331aa3 04050607 b5df7989 0809 022c2131"));
  EXPECT_EQ(Frame(ten.substr(0, 8), 4),
            FromHex("00000004 00010203 d9331aa3 04050607 b5df7989 8a2cbc3b"));
}

Batch OneRow() {
  const auto schema =
      arrow::schema({arrow::field("a", arrow::int64()), arrow::field("b", arrow::utf8())});
  const auto type = arrow::struct_(schema->fields());
  return *arrow::RecordBatch::FromStructArray(
      *arrow::json::ArrayFromJSONString(type, R"([[1,"q"]])"));
}

TEST(ArrowFrame, OneRowIsByteForByteWhatPyOdpsSends) {
  const std::string expected = FromHex(kOneRowBody);
  ASSERT_EQ(expected.size(), 240u);
  EXPECT_EQ(Encode({OneRow()}, kChunkSizeBytes, 1000), expected);
  const Decoded decoded = Decode(OneRow()->schema(), expected, 7);
  ASSERT_TRUE(decoded.status) << decoded.status.error().ToString();
  ASSERT_EQ(decoded.batches.size(), 1u);
  EXPECT_TRUE(decoded.batches[0]->Equals(*OneRow()));
}

TEST(ArrowFrameEncoder, WritesArrowsOwnBytesAtAnyChunkAndBufferSize) {
  const std::vector<Batch> batches = SomeBatches();
  const std::string payload = Serialize(batches);
  ASSERT_GT(payload.size(), 65536u);
  for (const uint32_t chunk_size :
       {1u, 7u, 64u, 4096u, 65536u, static_cast<uint32_t>(payload.size()), 1u << 20}) {
    const std::string expected = Frame(payload, chunk_size);
    for (const size_t step : {1u, 3u, 4096u, 524276u}) {
      ASSERT_TRUE(Encode(batches, chunk_size, step) == expected)
          << "chunk " << chunk_size << ", buffer " << step;
    }
  }
}

TEST(ArrowFrameEncoder, NoBatchIsAnEmptyPayload) {
  EXPECT_EQ(Encode({}, kChunkSizeBytes, 100), FromHex("00010000 00000000"));
}

TEST(ArrowFrameEncoder, ReturnsTheSourcesError) {
  class Broken : public BatchSource {
    Result<Batch> Next() override { return Error(ErrorKind::kUnavailable, "SOURCE_GONE", "lost"); }
  } source;
  ArrowFrameEncoder encoder(&source);
  std::vector<char> buffer(100);
  const Result<size_t> size = encoder.Read(buffer);
  ASSERT_FALSE(size);
  EXPECT_EQ(size.error().code(), "SOURCE_GONE");
}

TEST(ArrowFrameEncoder, RefusesLayoutsThatABlockCannotHold) {
  const auto dictionary = arrow::dictionary(arrow::int32(), arrow::utf8());
  for (const auto& type : {dictionary, arrow::large_utf8(), arrow::utf8_view(),
                           arrow::list(arrow::large_binary()), arrow::uint32()}) {
    const auto schema = arrow::schema({arrow::field("odd", type)});
    Batches source({*arrow::RecordBatch::MakeEmpty(schema)});
    ArrowFrameEncoder encoder(&source);
    std::vector<char> buffer(100);
    const Result<size_t> size = encoder.Read(buffer);
    ASSERT_FALSE(size) << type->ToString();
    EXPECT_EQ(size.error().code(), "TUNNEL_BATCH_TYPE");
    EXPECT_NE(size.error().message().find("odd"), std::string::npos);
  }
}

TEST(ArrowFrameEncoder, RefusesABatchUnlikeTheFirst) {
  Batches source({MakeBatch(1, 1), OneRow()});
  ArrowFrameEncoder encoder(&source);
  std::vector<char> buffer(100'000);
  const Result<size_t> size = encoder.Read(buffer);
  ASSERT_FALSE(size);
  EXPECT_EQ(size.error().code(), "TUNNEL_BATCH_TYPE");
}

TEST(ArrowFrameDecoder, GivesBackTheBatchesHoweverTheBytesArrive) {
  const std::vector<Batch> batches = SomeBatches();
  const std::string payload = Serialize(batches);
  for (const size_t chunk_size : {16u, 1000u, 65536u, 1u << 20}) {
    const std::string body = Frame(payload, chunk_size);
    for (const size_t step : {1u, 16384u, 1u << 22}) {
      const Decoded decoded = Decode(Schema(), body, step);
      ASSERT_TRUE(decoded.status) << decoded.status.error().ToString();
      ASSERT_EQ(decoded.batches.size(), batches.size());
      for (size_t i = 0; i < batches.size(); ++i) {
        EXPECT_TRUE(decoded.batches[i]->Equals(*batches[i])) << i;
      }
    }
  }
}

TEST(ArrowFrameDecoder, TakesBothFormsOfAnEmptyBody) {
  for (const char* hex : {"", "00000000", "0001000000000000"}) {
    const std::string body = FromHex(hex);
    const Decoded decoded = Decode(Schema(), body, 3);
    EXPECT_TRUE(decoded.status) << body.size();
    EXPECT_TRUE(decoded.batches.empty());
  }
}

TEST(ArrowFrameDecoder, NoticesEveryLostEnd) {
  const std::string body = Frame(Serialize({MakeBatch(20, 4), MakeBatch(20, 5)}), 512);
  for (size_t size = 1; size < body.size(); ++size) {
    const Decoded decoded = Decode(Schema(), std::string_view(body).substr(0, size), 100);
    ASSERT_FALSE(decoded.status) << "cut to " << size << " of " << body.size();
    EXPECT_EQ(decoded.status.error().kind(), ErrorKind::kCorrupt);
  }
}

TEST(ArrowFrameDecoder, NoticesEveryChangedByteBeforeItsBatchIsHandedOver) {
  const std::vector<Batch> batches = {MakeBatch(20, 4), MakeBatch(20, 5)};
  const std::string payload = Serialize(batches);
  std::string body = Frame(payload, 512);
  for (size_t at = 0; at < body.size(); ++at) {
    body[at] = static_cast<char>(body[at] ^ 0x10);
    const Decoded decoded = Decode(Schema(), body, 100);
    body[at] = static_cast<char>(body[at] ^ 0x10);
    ASSERT_FALSE(decoded.status) << "byte " << at;
    for (size_t i = 0; i < decoded.batches.size(); ++i) {
      ASSERT_TRUE(decoded.batches[i]->Equals(*batches[i])) << "byte " << at;
    }
  }
}

TEST(ArrowFrameDecoder, NoticesBytesBehindTheEnd) {
  const std::string payload = Serialize({MakeBatch(20, 4)});
  for (const size_t extra : {1u, 4u, 600u}) {
    const std::string body = Frame(payload, 512) + std::string(extra, '\0');
    EXPECT_FALSE(Decode(Schema(), body, 100).status) << extra;
  }
  EXPECT_FALSE(Decode(Schema(), FromHex("0000000000"), 100).status);
}

TEST(ArrowFrameDecoder, NoticesAPayloadThatEndsInsideAMessage) {
  const std::string payload = Serialize({MakeBatch(20, 4)});
  for (const size_t size : {4u, 8u, 100u, 1000u}) {
    const Decoded decoded = Decode(Schema(), Frame(payload.substr(0, size), 512), 100);
    ASSERT_FALSE(decoded.status);
    EXPECT_EQ(decoded.status.error().code(), "TUNNEL_TRUNCATED");
  }
}

TEST(ArrowFrameDecoder, RefusesWhatIsNoRecordBatch) {
  const auto schema_message = *arrow::ipc::SerializeSchema(*Schema());
  const std::string huge = FromHex("ffffffff ffffffff") + std::string(100, 'x');
  for (const std::string& payload :
       {schema_message->ToString(), std::string(100, 'x'), FromHex("ffffffff00000000"), huge}) {
    const Decoded decoded = Decode(Schema(), Frame(payload, 512), 100);
    ASSERT_FALSE(decoded.status);
    EXPECT_EQ(decoded.status.error().code(), "TUNNEL_MALFORMED");
  }
}

TEST(ArrowFrameDecoder, RefusesBatchesOfAnotherSchema) {
  const Decoded decoded = Decode(Schema(), Frame(Serialize({OneRow()}), 512), 100);
  ASSERT_FALSE(decoded.status);
  EXPECT_EQ(decoded.status.error().code(), "TUNNEL_MALFORMED");
}

}  // namespace
}  // namespace mms::maxcompute
