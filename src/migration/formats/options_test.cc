#include "migration/formats/options.h"

#include <gtest/gtest.h>

#include "migration/formats/codec.h"

namespace mms::migration {
namespace {

TEST(TextOptions, OfCsvAreTaken) {
  const auto read = ParseCsvOptions({{"sep", "\\t"},
                                     {"quote", "'"},
                                     {"escape", ""},
                                     {"header", "TRUE"},
                                     {"multiline", "true"},
                                     {"nullvalue", "NULL"},
                                     {"dateformat", "dd/MM/yyyy"},
                                     {"mode", "DROPMALFORMED"},
                                     {"encoding", "UTF-8"},
                                     {kColumnsOption, "[]"}});
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->separator, '\t');
  EXPECT_EQ(read->quote, '\'');
  EXPECT_EQ(read->escape, '\0');
  EXPECT_TRUE(read->header && read->multi_line && read->formats.date);
  EXPECT_EQ(read->null_value, "NULL");
}

TEST(TextOptions, WhatWouldGiveOtherRowsIsRefusedByName) {
  const OptionMap refused = {{"sep", "||"},
                             {"encoding", "ISO-8859-1"},
                             {"enforceschema", "false"},
                             {"header", "yes"},
                             {"ignoreleadingwhitespace", "true"},
                             {"linesep", ";"},
                             {"timezone", "Asia/Shanghai"},
                             {"timestampformat", "MMM d, yyyy"},
                             {"pathglobfilter", "*.txt"},
                             {"skiprows", "2"}};
  for (const auto& [name, value] : refused) {
    const auto read = ParseCsvOptions({{name, value}});
    ASSERT_FALSE(read) << name;
    EXPECT_EQ(read.error().code(), "TABLE_OPTION_UNSUPPORTED");
    EXPECT_NE(read.error().message().find(name + " = \"" + value), std::string::npos);
    EXPECT_NE(read.error().message().find("source.jdbc"), std::string::npos);
  }
}

TEST(TextOptions, OfJsonAreTakenOrRefusedByName) {
  EXPECT_TRUE(ParseJsonOptions({{"multiline", "false"}, {"allowcomments", "true"}}));
  EXPECT_TRUE(ParseJsonOptions({{"timestampformat", "yyyy/MM/dd HH:mm"}})->timestamp);
  for (const auto& [name, value] :
       OptionMap{{"multiline", "true"}, {"linesep", ";"}, {"header", "true"}}) {
    ASSERT_FALSE(ParseJsonOptions({{name, value}})) << name;
  }
}

TEST(TextOptions, ACodecIsToldByTheFilesEnding) {
  EXPECT_EQ(*TextCodecOf("dt=1/part.csv"), TextCodec::kNone);
  EXPECT_EQ(*TextCodecOf("part.csv.gz"), TextCodec::kGzip);
  EXPECT_EQ(*TextCodecOf("part.json.zst"), TextCodec::kZstd);
  for (const char* path : {"a.snappy", "a.csv.lz4", "a.zip"}) {
    ASSERT_FALSE(TextCodecOf(path));
    EXPECT_EQ(TextCodecOf(path).error().code(), "FILE_CODEC_UNSUPPORTED");
  }
}

}  // namespace
}  // namespace mms::migration
