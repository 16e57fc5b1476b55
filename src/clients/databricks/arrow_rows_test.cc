#include "clients/databricks/arrow_rows.h"

#include <arrow/api.h>
#include <arrow/json/from_string.h>
#include <gtest/gtest.h>

#include "clients/databricks/test_rows.h"

namespace mms::databricks {
namespace {

using tcli::TTypeId;

constexpr size_t kMax = 1 << 20;

Result<std::string> Opened(const std::string& bytes, size_t piece, size_t bytes_max = kMax) {
  TRY(const auto frames, Lz4Frames::Make());
  std::string out;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    TRY_VOID(frames->Open(std::string_view(bytes).substr(at, piece), bytes_max, out));
  }
  TRY_VOID(frames->Finish());
  return out;
}

TEST(Lz4Frames, OpensOneOrSeveralInPiecesOfAnySize) {
  const std::string zeros(700'000, '\0');
  const std::string text = "some text that does not repeat itself";
  const std::string frames = Lz4Frame(zeros) + Lz4Frame(text) + Lz4Frame("");
  for (const size_t piece : {size_t{1}, size_t{7}, size_t{4096}, frames.size()}) {
    auto opened = Opened(frames, piece);
    ASSERT_TRUE(opened) << piece << opened.error().ToString();
    EXPECT_TRUE(*opened == zeros + text) << piece;
  }
  EXPECT_EQ(*Opened("", 1), "");
}

TEST(Lz4Frames, RefusesWhatIsCutOffBrokenOrTooLarge) {
  const std::string frame = Lz4Frame(std::string(1000, 'x'));
  EXPECT_EQ(Opened(frame.substr(0, frame.size() - 1), 100).error().code(), "SQL_ARROW_BYTES");
  EXPECT_EQ(Opened(frame.substr(0, 3), 100).error().code(), "SQL_ARROW_BYTES");
  EXPECT_EQ(Opened("no frame at all", 100).error().code(), "SQL_ARROW_BYTES");
  EXPECT_EQ(Opened(frame + "tail", 100).error().code(), "SQL_ARROW_BYTES");
  EXPECT_EQ(Opened(frame, 100, 999).error().code(), "SQL_ARROW_TOO_LARGE");
}

TEST(ArrowStream, GivesEveryBatchOfTheAnnouncedRows) {
  const auto batch = NumberBatch(7, 3);
  const std::string stream = ArrowSchemaMessage(*batch->schema()) + ArrowBatchMessages(*batch) +
                             ArrowBatchMessages(*NumberBatch(10, 2));
  auto batches = ReadArrowStream(stream, *batch->schema(), 5);
  ASSERT_TRUE(batches) << batches.error().ToString();
  ASSERT_EQ(batches->size(), 2u);
  EXPECT_TRUE((*batches)[0]->Equals(*batch));
  EXPECT_TRUE(ReadArrowStream(ArrowStream(*batch), *batch->schema(), 3)) << "with its end mark";
}

TEST(ArrowStream, RefusesOtherRowsThanAnnounced) {
  const auto batch = NumberBatch(0, 3);
  const auto read = ReadArrowStream(ArrowStream(*batch), *batch->schema(), 4);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), "SQL_ROWS_DIFFER");
}

TEST(ArrowStream, RefusesCutOffForeignAndUnsoundBytes) {
  const auto batch = NumberBatch(0, 3);
  const std::string stream = ArrowStream(*batch);
  for (const size_t size : {size_t{0}, size_t{9}, stream.size() / 2, stream.size() - 20}) {
    EXPECT_FALSE(ReadArrowStream(stream.substr(0, size), *batch->schema(), 3)) << size;
  }
  EXPECT_EQ(ReadArrowStream("<html>", *batch->schema(), 3).error().code(), "SQL_ARROW_BYTES");
  const auto other = arrow::schema({arrow::field("id", arrow::int32())});
  EXPECT_EQ(ReadArrowStream(stream, *other, 3).error().code(), "SQL_ARROW_BYTES");

  const auto texts = *arrow::json::ArrayFromJSONString(arrow::utf8(), R"(["a","b"])");
  const auto damaged = texts->data()->Copy();
  static const int32_t kOffsets[] = {0, 5'000'000, 2};
  damaged->buffers[1] = arrow::Buffer::Wrap(kOffsets, 3);
  const auto schema = arrow::schema({arrow::field("s", arrow::utf8())});
  const auto unsound = arrow::RecordBatch::Make(schema, 2, {arrow::MakeArray(damaged)});
  EXPECT_EQ(ReadArrowStream(ArrowStream(*unsound), *schema, 2).error().code(), "SQL_ARROW_BYTES");
}

TEST(ArrowStream, LeavesTextThatIsNoUtf8ToItsReader) {
  arrow::StringBuilder builder;
  ASSERT_TRUE(builder.Append("\xff\xfe").ok());
  const auto schema = arrow::schema({arrow::field("s", arrow::utf8())});
  const auto batch = arrow::RecordBatch::Make(schema, 1, {*builder.Finish()});
  EXPECT_TRUE(ReadArrowStream(ArrowStream(*batch), *schema, 1));
}

TEST(ArrowSchema, IsReadFromItsMessage) {
  const auto schema = arrow::schema({arrow::field("a", arrow::list(arrow::utf8()))});
  auto read = ReadArrowSchema(ArrowSchemaMessage(*schema));
  ASSERT_TRUE(read) << read.error().ToString();
  EXPECT_TRUE((*read)->Equals(*schema));
  EXPECT_EQ(ReadArrowSchema("").error().code(), "SQL_ARROW_BYTES");
  EXPECT_EQ(ReadArrowSchema("garbage garbage").error().code(), "SQL_ARROW_BYTES");
}

/// One column sent as Arrow in `json`, planned and conformed; the error's code when refused.
std::string Conformed(const std::shared_ptr<arrow::DataType>& sent, const std::string& json,
                      int server_type, const std::shared_ptr<arrow::DataType>& wanted) {
  const auto schema = arrow::schema({arrow::field("c", sent)});
  tcli::TTableSchema server;
  server.columns = {server_type == TTypeId::DECIMAL ? DescribedDecimal("c", 5, 2)
                                                    : Described("c", server_type)};
  ResultSchemaOptions options;
  options.json_columns = {0};
  if (wanted != nullptr) options.wanted = arrow::schema({arrow::field("c", wanted)});
  const auto planned = PlanArrowResult(*schema, server, options);
  if (!planned) return planned.error().code();
  const auto array = *arrow::json::ArrayFromJSONString(sent, json);
  const auto batch = arrow::RecordBatch::Make(schema, array->length(), {array});
  const auto conformed = ConformArrow(*batch, *planned);
  if (!conformed) return conformed.error().code();
  EXPECT_TRUE((*conformed)->ValidateFull().ok());
  EXPECT_TRUE((*conformed)->schema()->Equals(*planned->arrow));
  EXPECT_TRUE(wanted == nullptr || (*conformed)->column(0)->type()->Equals(wanted));
  const auto& column = *(*conformed)->column(0);
  return column.type()->ToString() + " " + (*column.GetScalar(0))->ToString();
}

TEST(ArrowColumns, ComeAsSentOrAsWanted) {
  const auto utc = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  const auto ntz = arrow::timestamp(arrow::TimeUnit::MICRO);
  const auto etc = arrow::timestamp(arrow::TimeUnit::MICRO, "Etc/UTC");
  EXPECT_EQ(Conformed(arrow::int32(), "[1]", TTypeId::INT, nullptr), "int32 1");
  EXPECT_EQ(Conformed(etc, "[1]", TTypeId::TIMESTAMP, nullptr),
            "timestamp[us, tz=UTC] 1970-01-01 00:00:00.000001Z");
  EXPECT_EQ(Conformed(ntz, "[1]", TTypeId::TIMESTAMP, ntz),
            "timestamp[us] 1970-01-01 00:00:00.000001");
  EXPECT_EQ(Conformed(utc, "[1]", TTypeId::TIMESTAMP, ntz),
            "timestamp[us] 1970-01-01 00:00:00.000001");
  const auto theirs =
      arrow::list(arrow::field("element", arrow::struct_({arrow::field("t", etc)})));
  const auto ours =
      arrow::list(arrow::field("item", arrow::struct_({arrow::field("t", utc, false)})));
  EXPECT_EQ(Conformed(theirs, "[[[1]]]", TTypeId::ARRAY, ours).substr(0, 4), "list");
  EXPECT_EQ(Conformed(arrow::map(arrow::utf8(), etc), R"([[["k",1]]])", TTypeId::MAP,
                      arrow::map(arrow::utf8(), utc))
                .substr(0, 3),
            "map");
  EXPECT_EQ(Conformed(arrow::null(), "[null]", TTypeId::NULL_TYPE, arrow::utf8()), "string null");
}

TEST(ArrowColumns, TextBecomesWhatTheServerSaysItIs) {
  const auto numbers = arrow::list(arrow::int32());
  EXPECT_EQ(Conformed(arrow::utf8(), R"(["1.50"])", TTypeId::DECIMAL, nullptr),
            "decimal128(5, 2) 1.50");
  EXPECT_EQ(Conformed(arrow::utf8(), R"(["[1,2]"])", TTypeId::ARRAY, numbers).substr(0, 11),
            "list<item: ");
  EXPECT_EQ(Conformed(arrow::utf8(), R"(["[1,2]"])", TTypeId::STRING, numbers).substr(0, 11),
            "list<item: ");
  EXPECT_EQ(Conformed(arrow::utf8(), R"(["[1,2]"])", TTypeId::ARRAY, nullptr), "SQL_NESTED_TEXT");
  EXPECT_EQ(Conformed(arrow::utf8(), R"(["x"])", TTypeId::ARRAY, numbers), "SQL_VALUE");
}

TEST(ArrowColumns, AreRefusedWhenTheyAreSomethingElse) {
  const auto paris = arrow::timestamp(arrow::TimeUnit::MICRO, "Europe/Paris");
  EXPECT_EQ(Conformed(paris, "[1]", TTypeId::TIMESTAMP, nullptr), "SQL_TIME_ZONE");
  EXPECT_EQ(Conformed(arrow::list(paris), "[[1]]", TTypeId::ARRAY, nullptr), "SQL_TIME_ZONE");
  EXPECT_EQ(Conformed(arrow::int32(), "[1]", TTypeId::INT, arrow::int64()), "SQL_SCHEMA_DIFFERS");
  EXPECT_EQ(Conformed(arrow::struct_({arrow::field("a", arrow::int32())}), "[[1]]", TTypeId::STRUCT,
                      arrow::struct_({arrow::field("b", arrow::int32())})),
            "SQL_SCHEMA_DIFFERS");
}

}  // namespace
}  // namespace mms::databricks
