// The report as CSV (RFC 4180: CRLF, quotes doubled), a row for each partition, for a spreadsheet
// or a database. Streamed: memory does not grow with the number of partitions.
//
// A table without partitions has one row whose `partition` is empty; so has one that was refused or
// failed before it had any, with the reason in `error`. Unknown numbers are empty. Texts stand as
// they are in the names they come from.
#pragma once

#include <functional>
#include <string_view>

#include "migration/ledger/ledger.h"

namespace mms::terminal {

/// `write` gets whole lines. Errors: the ledger's, those of `write`.
Status WriteCsv(migration::Ledger& ledger, const std::function<Status(std::string_view)>& write);

}  // namespace mms::terminal
