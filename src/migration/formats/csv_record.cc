#include "migration/formats/csv_record.h"

#include <algorithm>

namespace mms::migration {

size_t LineEndLength(std::string_view text, size_t at) {
  return text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n' ? 2 : 1;
}

std::string_view CsvRecord::value(size_t index) const {
  const Value& value = values_[index];
  const char* data = value.data ? value.data : scratch_.data() + value.begin;
  return {data, value.length};
}

void CsvRecord::Add(Value value) {
  const char* data = value.data ? value.data : scratch_.data() + value.begin;
  value.null = value.null || std::string_view(data, value.length) == options_.null_value;
  values_.push_back(value);
}

CsvRecord::Step CsvRecord::Malformed(const char* why) {
  problem_ = why;
  return Step::kMalformed;
}

bool CsvRecord::IsBlank(std::string_view line) const {
  if (options_.comment != '\0' && line.starts_with(options_.comment)) return true;
  if (options_.multi_line) return line.empty();
  return std::all_of(line.begin(), line.end(), [](char c) { return c >= 0 && c <= ' '; });
}

size_t CsvRecord::LineEnd(std::string_view text, size_t at) const {
  return std::min(text.find_first_of("\r\n", at), text.size());
}

/// `at` is behind a value. A "\r" that ends the text may be half of a line's end.
CsvRecord::Step CsvRecord::AfterValue(std::string_view text, bool at_end, size_t* at) {
  if (*at == text.size()) return at_end ? Step::kEnd : Step::kNeedsMore;
  const char c = text[*at];
  if (c == options_.separator) {
    ++*at;
    return Step::kNext;
  }
  if (c != '\n' && c != '\r') return Malformed("text follows the quote that ends a value");
  if (c == '\r' && *at + 1 == text.size() && !at_end) return Step::kNeedsMore;
  const size_t length = LineEndLength(text, *at);
  // By the first line's end Spark tells what ends every line, so a lone one would not do so.
  if (c == '\r' && length == 1 && options_.multi_line) {
    return Malformed("a carriage return without a line feed stands outside of quotes");
  }
  *at += length;
  return Step::kEnd;
}

CsvRecord::Step CsvRecord::CutUnquoted(std::string_view text, bool at_end, size_t* at) {
  const char stops[] = {options_.separator, '\r', '\n', '\0'};
  const size_t end = std::min(text.find_first_of(stops, *at, 3), text.size());
  Value value{text.data() + *at, 0, end - *at, end == *at};
  Add(value);
  *at = end;
  return AfterValue(text, at_end, at);
}

CsvRecord::Step CsvRecord::CutQuoted(std::string_view text, bool at_end, size_t* at) {
  const char quote = options_.quote, escape = options_.escape;
  const char stops[] = {quote, escape == '\0' ? quote : escape, '\r', '\n'};
  const size_t stop_count = options_.multi_line ? 2 : 4;
  Value value{nullptr, scratch_.size(), 0, false};
  size_t i = *at + 1;
  for (;;) {
    const size_t stop = std::min(text.find_first_of(stops, i, stop_count), text.size());
    scratch_.append(text.substr(i, stop - i));
    i = stop;
    // What the last character means may show in the next one only.
    if (i + 1 >= text.size() && !at_end) return Step::kNeedsMore;
    if (i == text.size()) return Malformed("the file ends within quotes");
    const char c = text[i];
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (c == '\r' || c == '\n') return Malformed("the line ends within quotes");
    if (c == escape && (next == quote || (next == escape && escape != quote))) {
      scratch_ += next;
      i += 2;
    } else if (c == escape && escape != quote) {
      scratch_ += c;
      ++i;
    } else {
      break;
    }
  }
  value.length = scratch_.size() - value.begin;
  if (value.length == 0) {
    scratch_ += options_.empty_value;
    value.length = options_.empty_value.size();
  }
  Add(value);
  *at = i + 1;
  return AfterValue(text, at_end, at);
}

CsvRecord::Outcome CsvRecord::Cut(std::string_view text, bool at_end) {
  values_.clear();
  scratch_.clear();
  const size_t line_end = LineEnd(text, 0);
  if (line_end == text.size() && !at_end && !options_.multi_line) return Outcome::kNeedsMore;
  if (IsBlank(text.substr(0, line_end))) {
    const bool ended = line_end < text.size();
    const bool half = ended && text[line_end] == '\r' && line_end + 1 == text.size();
    if (!at_end && (!ended || half)) return Outcome::kNeedsMore;
    consumed_ = ended ? line_end + LineEndLength(text, line_end) : line_end;
    return Outcome::kBlank;
  }
  size_t at = 0;
  for (;;) {
    const bool quoted = options_.quote != '\0' && at < text.size() && text[at] == options_.quote;
    const Step step = quoted ? CutQuoted(text, at_end, &at) : CutUnquoted(text, at_end, &at);
    switch (step) {
      case Step::kNext: break;
      case Step::kNeedsMore: return Outcome::kNeedsMore;
      case Step::kMalformed: return Outcome::kMalformed;
      case Step::kEnd: consumed_ = at; return Outcome::kValues;
    }
  }
}

}  // namespace mms::migration
