#include "terminal/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/result.h"

namespace mms::terminal {
namespace {

struct Decoded {
  char32_t point = 0;
  size_t length = 0;  ///< 0 = not UTF-8
};

Decoded DecodeAt(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1};
  size_t length = 0;
  char32_t point = 0;
  char32_t least = 0;
  if ((first & 0xE0) == 0xC0) {
    length = 2, point = first & 0x1F, least = 0x80;
  } else if ((first & 0xF0) == 0xE0) {
    length = 3, point = first & 0x0F, least = 0x800;
  } else if ((first & 0xF8) == 0xF0) {
    length = 4, point = first & 0x07, least = 0x10000;
  } else {
    return {};
  }
  if (at + length > text.size()) return {};
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    point = (point << 6) | (byte(i) & 0x3F);
  }
  const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
  if (point < least || surrogate || point > 0x10FFFF) return {};
  return {point, length};
}

/// Cells of a code point: the blocks of Unicode's East Asian Width W and F that names can hold, and
/// the combining marks of the common scripts.
int CellsOf(char32_t point) {
  struct Range {
    char32_t first, last;
  };
  static constexpr std::array<Range, 4> kNone = {
      {{0x0300, 0x036F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}}};
  static constexpr std::array<Range, 9> kWide = {{{0x1100, 0x115F},
                                                  {0x2E80, 0x303E},
                                                  {0x3041, 0x33FF},
                                                  {0x3400, 0x4DBF},
                                                  {0x4E00, 0xA4CF},
                                                  {0xAC00, 0xD7A3},
                                                  {0xF900, 0xFAFF},
                                                  {0xFE30, 0xFF60},
                                                  {0x1F300, 0x3FFFD}}};
  const auto in = [&](const Range& range) { return point >= range.first && point <= range.last; };
  if (std::any_of(kNone.begin(), kNone.end(), in)) return 0;
  return std::any_of(kWide.begin(), kWide.end(), in) ? 2 : 1;
}

}  // namespace

std::string Thousands(std::optional<int64_t> number) {
  if (!number) return "?";
  std::string digits = std::to_string(*number);
  const size_t first = digits.starts_with('-') ? 1 : 0;
  for (size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

std::string HumanBytes(std::optional<int64_t> bytes) {
  if (!bytes) return "?";
  if (*bytes < 1000) return fmt::format("{} B", *bytes);
  static constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(*bytes) / 1024;
  size_t unit = 0;
  while (value >= 999.5 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  const int digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f} {}", value, digits, kUnits[unit]);
}

std::string HumanDuration(std::optional<int64_t> duration_ms) {
  if (!duration_ms) return "?";
  const int64_t seconds = *duration_ms / 1000;
  const int64_t hours = seconds / 3600;
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, seconds / 60 % 60, seconds % 60);
  return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
}

std::string Counted(int64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", Thousands(count), noun, count == 1 ? "" : "s");
}

std::string Printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const Decoded decoded = DecodeAt(text, at);
    const bool control = decoded.point < 0x20 || (decoded.point >= 0x7F && decoded.point < 0xA0) ||
                         (decoded.point >= 0x202A && decoded.point <= 0x202E);
    if (decoded.length == 0 || control) {
      out.push_back('?');
      at += std::max<size_t>(decoded.length, 1);
    } else {
      out.append(text.substr(at, decoded.length));
      at += decoded.length;
    }
  }
  return out;
}

int DisplayWidth(std::string_view text) {
  int width = 0;
  for (size_t at = 0; at < text.size();) {
    const Decoded decoded = DecodeAt(text, at);
    width += decoded.length == 0 ? 1 : CellsOf(decoded.point);
    at += std::max<size_t>(decoded.length, 1);
  }
  return width;
}

std::string KeepEnd(std::string_view text, int width, bool utf8) {
  if (width <= 0) return "";
  int cells = DisplayWidth(text);
  if (cells <= width) return std::string(text);
  size_t at = 0;
  while (at < text.size() && cells > width - 1) {
    const Decoded decoded = DecodeAt(text, at);
    cells -= decoded.length == 0 ? 1 : CellsOf(decoded.point);
    at += std::max<size_t>(decoded.length, 1);
  }
  return (utf8 ? "…" : "~") + std::string(text.substr(at));
}

std::string PadRight(std::string_view text, int width) {
  const int missing = std::max(0, width - DisplayWidth(text));
  return std::string(text) + std::string(static_cast<size_t>(missing), ' ');
}

std::string PadLeft(std::string_view text, int width) {
  const int missing = std::max(0, width - DisplayWidth(text));
  return std::string(static_cast<size_t>(missing), ' ') + std::string(text);
}

void TextTable::AddRow(std::vector<std::string> cells) {
  CHECK(cells.size() == columns_.size());
  for (std::string& cell : cells) cell = Printable(cell);
  rows_.push_back(std::move(cells));
}

void TextTable::AddRule() { rows_.emplace_back(); }

std::vector<int> TextTable::Widths() const {
  std::vector<int> widths;
  for (const Column& column : columns_) widths.push_back(DisplayWidth(column.title));
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], DisplayWidth(row[i]));
  }
  return widths;
}

int TextTable::Width() const {
  int width = 0;
  for (int column : Widths()) width += column + 2;
  return std::max(0, width - 2);
}

std::string TextTable::Render(bool utf8) const {
  const std::vector<int> widths = Widths();
  std::string out;
  const auto add_line = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (size_t i = 0; i < cells.size(); ++i) {
      if (i > 0) line += "  ";
      line += columns_[i].align == Align::kRight ? PadLeft(cells[i], widths[i])
                                                 : PadRight(cells[i], widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  };
  std::vector<std::string> titles;
  for (const Column& column : columns_) titles.push_back(column.title);
  add_line(titles);
  for (const auto& row : rows_) {
    if (!row.empty()) {
      add_line(row);
      continue;
    }
    for (int i = 0; i < Width(); ++i) out += utf8 ? "─" : "-";
    out += "\n";
  }
  return out;
}

}  // namespace mms::terminal
