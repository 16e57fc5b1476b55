// The words of the HTML report in its two languages. What the product itself says of a table (a
// difference, an error) stays English, as in its log and its documents.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "terminal/table_report.h"

namespace mms::terminal {

struct ReportWords {
  const char* language;  ///< of <html lang>
  const char* title;
  const char* all_match;     ///< % = number of tables
  const char* rest_matches;  ///< likewise, where not all of the job is told
  const char* by_count;      ///< % = tables that match by their count of rows
  const char* some_match;    ///< % = those that match, ^ = all of them
  const char* no_tables;
  const char* left_out_tables;  ///< % = of the job, not told
  const char* source;
  const char* catalog;      ///< followed by its name
  const char* by_location;  ///< % = tables
  const char* target;
  const char* made;
  const char* tables;
  const char* partitions;
  const char* files;
  const char* bytes;
  const char* rows_source;
  const char* rows_copied;
  const char* rows_target;
  const char* verdicts;
  const char* rows_by_table;
  const char* bytes_by_table;
  const char* largest;  ///< % = tables shown, ^ = all of them
  const char* attention;
  const char* to_know;  ///< instead, where nothing is wrong
  const char* changes;
  const char* last_run;
  const char* all_tables;
  const char* table;
  const char* version;
  const char* checksum;
  const char* compared_by;
  const char* verdict;
  const char* partition;
  const char* difference;
  const char* column;
  const char* change;
  const char* values;
  const char* left_out;
  const char* more_reasons;     ///< % = how many
  const char* more_partitions;  ///< % = how many
  const char* legend;
};

/// `language`: "zh_CN"; all else is English.
const ReportWords& WordsOf(std::string_view language);
std::string OutcomeWord(Outcome outcome, const ReportWords& words);
/// `text` with its % and ^ replaced.
std::string Filled(const char* text, int64_t first, int64_t second = 0);

}  // namespace mms::terminal
