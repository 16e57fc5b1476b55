#include "migration/formats/csv_record.h"

#include <gtest/gtest.h>

#include <optional>

namespace mms::migration {
namespace {

using Values = std::vector<std::optional<std::string>>;
using Outcome = CsvRecord::Outcome;

Values Cut(const CsvOptions& options, std::string_view text) {
  CsvRecord record(options);
  EXPECT_EQ(record.Cut(text, true), Outcome::kValues) << text << ": " << record.problem();
  Values values;
  for (size_t i = 0; i < record.size(); ++i) {
    values.push_back(record.has_value(i) ? std::optional(std::string(record.value(i)))
                                         : std::nullopt);
  }
  return values;
}

TEST(CsvRecord, AnUnquotedValueStandsAsItIs) {
  const CsvOptions options;
  EXPECT_EQ(Cut(options, "a, b ,c\"d\"e,C:\\new\n"), (Values{"a", " b ", "c\"d\"e", "C:\\new"}));
  EXPECT_EQ(Cut(options, "1,,\r\n2"), (Values{"1", std::nullopt, std::nullopt}));
}

TEST(CsvRecord, AnEscapeCountsWithinQuotesBeforeAQuoteOrItself) {
  const CsvOptions options;
  EXPECT_EQ(Cut(options, R"("a,\"b\"","C:\new","\\","\\\"")"),
            (Values{"a,\"b\"", "C:\\new", "\\", "\\\""}));
  CsvOptions doubled;
  doubled.escape = '"';
  EXPECT_EQ(Cut(doubled, R"("a ""b""","\","""")"), (Values{"a \"b\"", "\\", "\""}));
}

TEST(CsvRecord, EmptyAndNullAreToldApartWhereTheOptionsDo) {
  CsvOptions options;
  EXPECT_EQ(Cut(options, R"(a,"",)"), (Values{"a", std::nullopt, std::nullopt}));
  options.null_value = "NULL";
  EXPECT_EQ(Cut(options, R"(NULL,"NULL","",)"),
            (Values{std::nullopt, std::nullopt, "", std::nullopt}));
  options.empty_value = "-";
  EXPECT_EQ(Cut(options, R"("",x)"), (Values{"-", "x"}));
}

TEST(CsvRecord, ALineEndWithinQuotesIsOfTheValueWhenValuesMayHaveLines) {
  CsvOptions options;
  CsvRecord strict(options);
  EXPECT_EQ(strict.Cut("\"a\nb\",c\n", true), Outcome::kMalformed);
  options.multi_line = true;
  EXPECT_EQ(Cut(options, "\"a\r\nb\n\",c\n"), (Values{"a\r\nb\n", "c"}));
}

TEST(CsvRecord, WhatTheOtherParserGuessesAtIsMalformed) {
  const CsvOptions options;
  for (const char* text : {"\"a\"b,c", "\"a\" ,c", "\"a \"\"b\"\"\",c", "\"open,c"}) {
    CsvRecord record(options);
    EXPECT_EQ(record.Cut(text, true), Outcome::kMalformed) << text;
    EXPECT_NE(record.problem(), "");
  }
}

TEST(CsvRecord, BlankLinesAndCommentsAreNoRecords) {
  CsvOptions options;
  options.comment = '#';
  for (const char* text : {"\n", "  \t\r\n", "# a,b\n", ""}) {
    CsvRecord record(options);
    EXPECT_EQ(record.Cut(text, true), Outcome::kBlank) << text;
    EXPECT_EQ(record.consumed(), std::string_view(text).size());
  }
}

// Wherever the text that was fetched ends, the record is the same one.
TEST(CsvRecord, ARecordThatIsCutOffAnywhereNeedsMore) {
  CsvOptions options;
  options.multi_line = true;
  const std::string text = "\"a\\\"b\\\\\nc\",x y,\"\",1\r\n";
  for (size_t length = 0; length < text.size(); ++length) {
    CsvRecord record(options);
    EXPECT_EQ(record.Cut(std::string_view(text).substr(0, length), false), Outcome::kNeedsMore)
        << length;
  }
  CsvRecord record(options);
  EXPECT_EQ(record.Cut(text, false), Outcome::kValues);
  EXPECT_EQ(record.consumed(), text.size());
}

}  // namespace
}  // namespace mms::migration
