// Text for people in fixed-width columns: numbers, widths, aligned tables. Pure; no I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mms::terminal {

/// "1,234,567"; unknown is "?".
std::string Thousands(std::optional<int64_t> number);
/// Three significant digits and a binary unit: "0 B", "999 B", "1.21 KiB", "64.0 MiB".
std::string HumanBytes(std::optional<int64_t> bytes);
/// "0:07", "12:34", "3:02:01"; unknown is "?".
std::string HumanDuration(std::optional<int64_t> duration_ms);
/// "3 tables", "1 table".
std::string Counted(int64_t count, std::string_view noun);

/// `text` with control characters and broken UTF-8 replaced by '?', so that a name from outside
/// cannot steer the terminal.
std::string Printable(std::string_view text);
/// Terminal cells of printable UTF-8: wide East Asian characters take two, combining marks none.
int DisplayWidth(std::string_view text);
/// Cut to `width` cells, keeping the end (the telling part of a name), "~" or "…" in front.
std::string KeepEnd(std::string_view text, int width, bool utf8);
/// Padded with spaces to `width` cells.
std::string PadRight(std::string_view text, int width);
std::string PadLeft(std::string_view text, int width);

/// Rows of cells in columns as wide as their widest cell, two spaces apart, no space at line ends.
class TextTable {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };
  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// As many cells as columns. Cells are made printable here.
  void AddRow(std::vector<std::string> cells);
  /// A line of dashes under the columns, before the totals.
  void AddRule();
  int Width() const;
  std::string Render(bool utf8) const;

 private:
  std::vector<int> Widths() const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;  ///< an empty row is a rule
};

}  // namespace mms::terminal
