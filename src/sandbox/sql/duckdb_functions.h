// MaxCompute's functions that DuckDB lacks: CRC32 (zlib's), SHA2, CONV, LENGTH and LENGTHB of
// strings and binaries. Meanings: MaxCompute reference, "String functions" and "Other functions".
// Register once per database.
#pragma once

#include <duckdb.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mms::sandbox::sql {

Status RegisterFunctions(duckdb_connection connection);

/// The functions themselves.
uint32_t Crc32(std::string_view bytes);
/// Hex digest; nullopt for a bit length other than 0, 224, 256, 384, 512.
std::optional<std::string> Sha2(std::string_view bytes, int64_t bits);
/// `number` from one base to another, both 2 to 36; digits after a bad one are ignored; nullopt =
/// NULL.
std::optional<std::string> Conv(std::string_view number, int64_t from_base, int64_t to_base);

}  // namespace mms::sandbox::sql
