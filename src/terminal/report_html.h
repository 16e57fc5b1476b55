// The report as one HTML page that stands alone: style and charts in it, nothing fetched, no
// script. For a browser, an e-mail, paper.
//
// The tables are kept in memory, as the report's text does (a few KiB each); partitions are
// streamed, and only those that do not match are listed, up to kPartitionsMax a table.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "migration/ledger/ledger.h"

namespace mms::terminal {

struct HtmlReport {
  static constexpr int64_t kPartitionsMax = 200;

  std::string workspace;  ///< "" = every table is given by location
  std::string catalog;
  int64_t locations = 0;        ///< tables given by location
  int64_t left_out_tables = 0;  ///< of its job, of which it does not tell
  std::string target;
  int64_t made_ms = 0;             ///< Unix time
  std::string language = "en_US";  ///< or zh_CN

  /// `write` gets pieces of the page in order. Errors: the ledger's, those of `write`.
  Status Write(migration::Ledger& ledger,
               const std::function<Status(std::string_view)>& write) const;
};

}  // namespace mms::terminal
