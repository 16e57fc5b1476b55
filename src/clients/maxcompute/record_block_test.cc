#include "clients/maxcompute/record_block.h"

#include <arrow/api.h>
#include <arrow/json/from_string.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "clients/maxcompute/crc32c.h"

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

std::vector<Column> Columns(const std::vector<std::string>& types) {
  std::vector<Column> columns;
  for (const std::string& type : types) {
    columns.push_back({"c" + std::to_string(columns.size()), *ParseType(type), "", true});
  }
  return columns;
}

Batch FromJson(const std::vector<Column>& columns, const std::string& json,
               BlockForm form = BlockForm::kRecord) {
  const auto type = arrow::struct_(ToArrow(columns, form)->fields());
  const auto array = arrow::json::ArrayFromJSONString(type, json);
  EXPECT_TRUE(array.ok()) << array.status().message();
  return *arrow::RecordBatch::FromStructArray(*array);
}

std::string Encode(const std::vector<Batch>& batches, size_t step = 1000) {
  Batches source(batches);
  RecordEncoder encoder(&source);
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
  EXPECT_EQ(encoder.payload_bytes(), static_cast<int64_t>(body.size()));
  return body;
}

struct Decoded {
  Batch rows;
  Status status = OkStatus();
};

Decoded Decode(const std::vector<Column>& columns, std::string_view body, size_t step = 100) {
  std::vector<Batch> batches;
  RecordDecoder decoder(columns, [&batches](Batch batch) {
    batches.push_back(std::move(batch));
    return OkStatus();
  });
  Decoded decoded;
  for (size_t at = 0; at < body.size() && decoded.status; at += step) {
    decoded.status = decoder.Write(body.substr(at, step));
  }
  if (decoded.status) decoded.status = decoder.Finish();
  const auto table =
      *arrow::Table::FromRecordBatches(ToArrow(columns, BlockForm::kRecord), batches);
  decoded.rows = *table->CombineChunksToBatch();
  return decoded;
}

// The worked example: (1,'hi',0.5) and (-2,NULL,NULL).
const std::vector<std::string> kExampleTypes = {"bigint", "string", "double"};
constexpr const char* kExampleRows = R"([[1,"hi",0.5],[-2,null,null]])";
constexpr const char* kFromJava =
    "0802 12026869 19000000000000e03f 80c0ff7f fc9edd9e07"
    "0803 80c0ff7f 87ca8bbb09 f0ffff7f 04 f8ffff7f c6f193a408";
constexpr const char* kFromPyOdps =
    "0802 12026869 19000000000000e03f 80c0ff7f fc9edd9e07"
    "0803 80c0ff7f 87ca8bbbf9ffffffff01 f0ffff7f 04 f8ffff7f c6f193a4f8ffffffff01";

TEST(RecordBlock, TheWorkedExampleIsByteForByteWhatJavaSends) {
  const auto columns = Columns(kExampleTypes);
  EXPECT_EQ(Encode({FromJson(columns, kExampleRows)}), FromHex(kFromJava));
}

TEST(RecordBlock, ChecksumsOfBothWidthsAreRead) {
  const auto columns = Columns(kExampleTypes);
  for (const char* hex : {kFromJava, kFromPyOdps}) {
    for (const size_t step : {1u, 7u, 1000u}) {
      const Decoded decoded = Decode(columns, FromHex(hex), step);
      ASSERT_TRUE(decoded.status) << decoded.status.error().ToString();
      EXPECT_TRUE(decoded.rows->Equals(*FromJson(columns, kExampleRows)));
    }
  }
}

TEST(RecordBlock, NoRowsAndRowsOfNullsAreTheirFooterAndTheirEnd) {
  const auto columns = Columns({"bigint"});
  EXPECT_EQ(Encode({}), FromHex("f0ffff7f00 f8ffff7f00"));
  const std::string written = Encode({FromJson(columns, "[[null]]")});
  EXPECT_EQ(written.substr(0, 14), FromHex("80c0ff7f00 f0ffff7f02 f8ffff7f"));
  const Decoded decoded = Decode(columns, written);
  ASSERT_TRUE(decoded.status) << decoded.status.error().ToString();
  EXPECT_EQ(decoded.rows->num_rows(), 1);
  EXPECT_EQ(decoded.rows->column(0)->null_count(), 1);
}

TEST(RecordBlock, EveryTypeHasItsBytes) {
  const struct {
    const char *type, *json, *bytes;  // of the first record, up to its end mark
  } cases[] = {
      {"tinyint", "[[-128]]", "08ff01"},
      {"smallint", "[[32767]]", "08feff03"},
      {"int", "[[-2147483648]]", "08ffffffff0f"},
      {"bigint", "[[-9223372036854775808]]", "08ffffffffffffffffff01"},
      {"boolean", "[[true]]", "0801"},
      {"float", "[[-0.0]]", "0d00000080"},
      {"double", "[[1.0]]", "09000000000000f03f"},
      {"string", R"([[""]])", "0a00"},
      {"binary", R"([["ab"]])", "0a026162"},
      {"date", "[[-719162]]", "08f3e457"},  // 0001-01-01
      {"datetime", R"([["1969-12-31 23:59:59.999"]])", "0801"},
      {"timestamp", R"([["1969-12-31 23:59:59.999999"]])", "0a01b098d6b907"},
      {"timestamp_ntz", R"([["0001-01-01 00:00:00"]])", "0affdb8ff9ce0300"},
      {"decimal(10,3)", R"([["-0.001"]])", "0a062d302e303031"},
      {"decimal(5,0)", R"([["12345"]])", "0a053132333435"},
      {"array<int>", "[[[1,null]]]", "0a02000201"},
      {"map<string,int>", R"([[[["k",null]]]])", "0a0100016b0101"},
      {"struct<x:int,y:string>", R"([[[null,"z"]]])", "0a0100017a"},
      {"array<array<boolean>>", "[[[[true],[]]]]", "0a0200010001 0000"},
  };
  for (const auto& item : cases) {
    const auto columns = Columns({item.type});
    const Batch batch = FromJson(columns, item.json);
    const std::string body = Encode({batch});
    const std::string end = FromHex("80c0ff7f");
    EXPECT_EQ(body.substr(0, body.find(end)), FromHex(item.bytes)) << item.type;
    const Decoded decoded = Decode(columns, body, 1);
    ASSERT_TRUE(decoded.status) << item.type << decoded.status.error().ToString();
    EXPECT_TRUE(decoded.rows->Equals(*batch)) << item.type;
  }
}

TEST(RecordBlock, ASmallDecimalHasNoExponent) {
  const auto columns = Columns({"decimal(38,18)"});
  const std::string body = Encode({FromJson(columns, R"([["0.000000000000000001"]])")});
  EXPECT_NE(body.find("0.000000000000000001"), std::string::npos);
}

TEST(RecordBlock, ChecksumsCoverLeavesWithTheColumnsNumber) {
  // array<int> [5, null]: LE32(1), LE64(5); counts and flags are not summed.
  const std::string summed = FromHex("01000000 0500000000000000");
  const uint32_t crc = Crc32c(0, summed.data(), summed.size());
  const std::string body = Encode({FromJson(Columns({"array<int>"}), "[[[5,null]]]")});
  std::string expected = FromHex("0a02000a01 80c0ff7f");
  for (uint32_t rest = crc; true; rest >>= 7) {
    expected.push_back(static_cast<char>(rest < 0x80 ? rest : (rest & 0x7f) | 0x80));
    if (rest < 0x80) break;
  }
  EXPECT_EQ(body.substr(0, expected.size()), expected);
}

TEST(RecordBlock, NanosecondsAreWrittenAndRefusedOnReadingWhenFinerThanMicroseconds) {
  const auto columns = Columns({"timestamp"});
  const Batch whole = FromJson(columns, R"([["2000-01-01 00:00:00.000001"]])", BlockForm::kArrow);
  const Decoded decoded = Decode(columns, Encode({whole}));
  ASSERT_TRUE(decoded.status) << decoded.status.error().ToString();
  EXPECT_TRUE(decoded.rows->Equals(*FromJson(columns, R"([["2000-01-01 00:00:00.000001"]])")));
  const Batch fine = FromJson(columns, R"([["2000-01-01 00:00:00.000000001"]])", BlockForm::kArrow);
  const Decoded refused = Decode(columns, Encode({fine}));
  ASSERT_FALSE(refused.status);
  EXPECT_EQ(refused.status.error().code(), "TUNNEL_TIMESTAMP_PRECISION");
  EXPECT_NE(refused.status.error().message().find("column c0"), std::string::npos);
}

const std::vector<std::string> kManyTypes = {"bigint",
                                             "string",
                                             "boolean",
                                             "decimal(20,3)",
                                             "timestamp",
                                             "datetime",
                                             "array<int>",
                                             "map<string,tinyint>",
                                             "struct<x:double,y:binary>"};

std::string Word(std::mt19937& random) {
  return std::string(random() % 30, static_cast<char>('a' + random() % 26));
}

Batch MakeBatch(int rows, unsigned seed) {
  std::mt19937 random(seed);
  std::string json = "[";
  for (int row = 0; row < rows; ++row) {
    const auto maybe = [&random](const std::string& value) {
      return random() % 5 == 0 ? std::string("null") : value;
    };
    const std::string number = std::to_string(random() % 100);
    json += (row > 0 ? ",[" : "[") + maybe("-" + number) + "," + maybe("\"" + Word(random) + "\"") +
            "," + maybe(random() % 2 == 0 ? "true" : "false") + "," +
            maybe("\"" + number + ".125\"") + "," + maybe(number) + "," + maybe("-" + number) +
            "," + maybe(random() % 3 == 0 ? "[]" : "[1,null," + number + "]") + "," +
            maybe("[[\"k\"," + number + "],[\"l\",null]]") + "," +
            maybe("[" + maybe("1.5") + "," + maybe("\"" + Word(random) + "\"") + "]") + "]";
  }
  return FromJson(Columns(kManyTypes), json + "]");
}

TEST(RecordBlock, GivesBackTheRowsHoweverTheBytesArrive) {
  const Batch large = MakeBatch(10'000, 1);
  const std::vector<Batch> batches = {large->Slice(0, 4321), MakeBatch(0, 2), large->Slice(4321)};
  const std::string body = Encode(batches, 524'287);
  EXPECT_EQ(Encode(batches, 1), body);
  for (const size_t step : {1u, 1000u, 1u << 22}) {
    const Decoded decoded = Decode(Columns(kManyTypes), body, step);
    ASSERT_TRUE(decoded.status) << decoded.status.error().ToString();
    EXPECT_TRUE(decoded.rows->Equals(*large)) << step;
  }
}

TEST(RecordDecoder, NoticesEveryLostEndAndEveryChangedByte) {
  const auto columns = Columns(kManyTypes);
  const Batch batch = MakeBatch(20, 4);
  std::string body = Encode({batch});
  for (size_t at = 0; at < body.size(); ++at) {
    const Decoded cut = Decode(columns, std::string_view(body).substr(0, at));
    ASSERT_FALSE(cut.status) << "cut to " << at << " of " << body.size();
    EXPECT_EQ(cut.status.error().kind(), ErrorKind::kCorrupt);
    body[at] = static_cast<char>(body[at] ^ 0x10);
    const Decoded changed = Decode(columns, body);
    body[at] = static_cast<char>(body[at] ^ 0x10);
    ASSERT_FALSE(changed.status) << "byte " << at;
    const int64_t rows = changed.rows->num_rows();
    ASSERT_TRUE(changed.rows->Equals(*batch->Slice(0, rows))) << "byte " << at;
  }
  EXPECT_FALSE(Decode(columns, body + '\0').status);
}

TEST(RecordDecoder, RefusesWhatTheSchemaDoesNotAllow) {
  const struct {
    const char *type, *hex;
  } cases[] = {
      {"tinyint", "088002 80c0ff7f00"},            // 128
      {"boolean", "0802 80c0ff7f00"},              // neither
      {"bigint", "1002 80c0ff7f00"},               // a second column
      {"bigint", "0a0161 80c0ff7f00"},             // bytes for a number
      {"bigint", "0802 0802 80c0ff7f00"},          // twice
      {"bigint", "08ffffffffffffffffffff01"},      // eleven bytes
      {"string", "0affffffff7f"},                  // 32 GiB
      {"array<int>", "0a01 03"},                   // a flag of 3
      {"timestamp", "0a00 8094ebdc0380c0ff7f00"},  // nanos of a second
      {"bigint", "f0ffff7f02"},                    // counts a row that is not there
      {"bigint", "80c0ff7f ffffffffffff7f"},       // a sum of 49 bits
  };
  for (const auto& item : cases) {
    const Decoded decoded = Decode(Columns({item.type}), FromHex(item.hex));
    ASSERT_FALSE(decoded.status) << item.type << " " << item.hex;
    EXPECT_EQ(decoded.status.error().kind(), ErrorKind::kCorrupt);
    EXPECT_NE(decoded.status.error().code(), "TUNNEL_TRUNCATED") << item.type << " " << item.hex;
  }
}

TEST(RecordDecoder, PassesOverTheServicesMetrics) {
  const std::string text = "{\"a\":1}";
  uint32_t crc = 0;
  const uint32_t field = 1;
  crc = Crc32c(crc, &field, sizeof field);
  crc = Crc32c(crc, text.data(), text.size());
  std::string body = FromHex("f0ffff7f00 0a07") + text + FromHex("80f0ff7f");
  for (int i = 0; i < 5; ++i) {
    body.push_back(static_cast<char>((crc >> (7 * i) & 0x7f) | (i < 4 ? 0x80 : 0)));
  }
  body += FromHex("f8ffff7f00");
  const Decoded decoded = Decode(Columns({"bigint"}), body, 1);
  EXPECT_TRUE(decoded.status) << decoded.status.error().ToString();
}

TEST(RecordEncoder, ReturnsTheSourcesErrorAndRefusesOtherLayouts) {
  class Broken : public BatchSource {
    Result<Batch> Next() override { return Error(ErrorKind::kUnavailable, "SOURCE_GONE", "lost"); }
  } broken;
  std::vector<char> buffer(100);
  EXPECT_EQ(RecordEncoder(&broken).Read(buffer).error().code(), "SOURCE_GONE");
  for (const auto& type : {arrow::large_utf8(), arrow::uint32(), arrow::list(arrow::utf8_view())}) {
    Batches source({*arrow::RecordBatch::MakeEmpty(arrow::schema({arrow::field("odd", type)}))});
    EXPECT_EQ(RecordEncoder(&source).Read(buffer).error().code(), "TUNNEL_BATCH_TYPE");
  }
}

}  // namespace
}  // namespace mms::maxcompute
